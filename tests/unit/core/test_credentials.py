"""The file of tokens: one a server, nobody else's to read, and never a token for another server."""

from __future__ import annotations

import os
import stat
from base64 import b64decode
from pathlib import Path

import pytest

from autotrack.core import credentials
from autotrack.core.credentials import Credential, authorization_for, forget, keep, server_url, token_for
from autotrack.core.errors import AccessError, UsageError

TOKEN = "at_" + "5e" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(credentials.VARIABLE, raising=False)
    return tmp_path / "config"


def test_a_token_is_kept_for_its_server_alone(home: Path) -> None:
    before = os.umask(0)
    try:
        file = keep("HTTP://Tracking.Example.org:80/", Credential(TOKEN, "ada", 7))
    finally:
        os.umask(before)
    assert file == home / "autotrack" / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == stat.S_IMODE(home.stat().st_mode) == 0o700
    assert token_for("http://tracking.example.org") == TOKEN
    assert credentials.kept()["http://tracking.example.org"] == Credential(TOKEN, "ada", 7)
    for other in (
        "https://tracking.example.org",
        "http://tracking.example.org:8080",
        "http://tracking.example.org.evil.com",
        "http://tracking.example.org/other",
        "http://tracking.example.org@evil.com",
    ):
        assert token_for(other) is None, other
    keep("https://other:5000", Credential("at_" + "1f" * 32))
    assert forget("http://tracking.example.org/") == Credential(TOKEN, "ada", 7)
    assert token_for("http://tracking.example.org") is None and token_for("https://OTHER:5000/") is not None
    assert forget("http://tracking.example.org/") is None
    assert [found.name for found in file.parent.iterdir()] == ["credentials.json"]
    assert TOKEN not in repr(Credential(TOKEN))


def test_the_environment_wins_and_a_user_in_the_url_wins_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("http://h:5000", Credential(TOKEN))
    assert authorization_for("http://h:5000/") == f"Bearer {TOKEN}"
    monkeypatch.setenv(credentials.VARIABLE, " at_other\n")
    assert token_for("http://h:5000") == "at_other" and authorization_for("http://h:5000") == "Bearer at_other"
    said = authorization_for("http://ad%40a:p%3Aw@h:5000")
    assert said is not None and b64decode(said.removeprefix("Basic ")) == b"ad@a:p:w"


def test_a_file_that_others_may_read_or_that_is_damaged_gives_no_token(tmp_path: Path) -> None:
    file = keep("http://h", Credential(TOKEN))
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(AccessError, match="may be read by others") as caught:
            token_for("http://h")
        assert TOKEN not in str(caught.value)
    file.chmod(0o600)
    elsewhere = tmp_path / "elsewhere.json"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(AccessError, match="cannot be read"):
        token_for("http://h")
    file.unlink()
    for content in (b"{", b"[]", b'{"credentials": 2, "servers": {}}', b"\xff", b"[" * 100_000):
        file.write_bytes(content)
        file.chmod(0o600)
        with pytest.raises(AccessError, match="damaged"):
            token_for("http://h")


@pytest.mark.parametrize("url", ["", "h:5000", "ftp://h", "http://", "http://h:port", "http://[::1", "/folder"])
def test_what_is_no_server_has_no_token(url: str) -> None:
    with pytest.raises(UsageError):
        server_url(url)


def test_an_address_is_written_in_one_way() -> None:
    assert server_url(" https://[::1]:443/base/ ") == "https://[::1]/base"
