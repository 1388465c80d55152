"""Files that torch writes past Python's ``open``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import autotrack
from autotrack.core.session import opened
from autotrack.core.session.files import Files

torch = pytest.importorskip("torch")


@pytest.fixture
def files(store: Path) -> Iterator[Files]:
    autotrack.enable("torch", files=False)  # what is watched here is watched by the test
    files = Files()
    yield files
    opened.stop()
    autotrack.disable()


def test_what_torch_saves_is_written_and_what_we_keep_of_it_is_not_read(files: Files, tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters())
    files.start()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    torch.save(torch.ones(2), tmp_path / "other.pt")
    torch.load(tmp_path / "weights.pt", weights_only=True)
    found = {file.path: file.role for file in files.finish(time.monotonic() + 10) if file.sha256}
    weights, other = str(tmp_path / "weights.pt"), str(tmp_path / "other.pt")
    assert found[other] == "written" and set(found) == {weights, other}
    [run] = autotrack.search_runs()
    assert [record.path for record in run.artifacts if record.path.startswith("checkpoints/")] == [
        "checkpoints/weights.pt"
    ]
