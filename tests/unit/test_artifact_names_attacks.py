"""Artifact names from the family ``paths``: refused before anything is touched, or kept as the text they are."""

from __future__ import annotations

import pytest

from autotrack.core.errors import ArtifactError
from autotrack.store.files.local import LocalArtifacts
from tests.attacks.runner import SECRET, Canary, Payload, canary, cases

__all__ = ["canary"]  # a fixture

RUN = "artifacts/0/run"


@pytest.fixture
def artifacts(canary: Canary) -> LocalArtifacts:
    """A run's storage, in whose folder somebody has planted a link to the canary."""
    storage = LocalArtifacts(canary.root)
    storage.put_bytes(RUN, "mine.txt", b"mine")
    (canary.root / RUN / "link").symlink_to(canary.secret.parent)
    return storage


@cases("paths")
def test_writing(payload: Payload, artifacts: LocalArtifacts, canary: Canary) -> None:
    with canary.untouched():
        if payload.refused:
            before = sorted((canary.root / RUN).rglob("*"))
            with pytest.raises(ArtifactError) as refusal:
                artifacts.put_bytes(RUN, payload.input, b"payload")
            assert not canary.leaked(str(refusal.value))
            assert sorted((canary.root / RUN).rglob("*")) == before
        else:
            record = artifacts.put_bytes(RUN, payload.input, b"payload")
            assert record.path == payload.input
            assert (canary.root / RUN / payload.input).read_bytes() == b"payload"


@cases("paths")
def test_reading(payload: Payload, artifacts: LocalArtifacts, canary: Canary) -> None:
    if not payload.refused:
        artifacts.put_bytes(RUN, payload.input, b"payload")
        with artifacts.open(RUN, payload.input) as file:
            assert file.read() == b"payload"
        return
    with pytest.raises(ArtifactError), artifacts.open(RUN, payload.input) as file:
        assert SECRET.encode() not in file.read()


@cases("paths")
def test_deleting(payload: Payload, artifacts: LocalArtifacts, canary: Canary) -> None:
    if payload.input == "":
        return  # the whole run may be deleted (test_links_are_not_followed)
    with canary.untouched():
        if payload.refused:
            with pytest.raises(ArtifactError):
                artifacts.delete(RUN, payload.input)
            assert (canary.root / RUN / "mine.txt").exists()
        else:
            artifacts.put_bytes(RUN, payload.input, b"payload")
            artifacts.delete(RUN, payload.input)
            assert not (canary.root / RUN / payload.input).exists()


def test_links_are_not_followed(artifacts: LocalArtifacts, canary: Canary) -> None:
    with canary.untouched():
        with pytest.raises(ArtifactError):
            artifacts.open(RUN, "link")
        artifacts.put_bytes(RUN, "link", b"a file in the link's place")
        (canary.root / RUN / "link").unlink()
        (canary.root / RUN / "link").symlink_to(canary.secret.parent)
        artifacts.delete(RUN)
    assert not (canary.root / RUN).exists()
