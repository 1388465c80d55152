"""A store, and programs that are told of in it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from told import Told

from autotrack.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / ".autotrack")
    yield opened
    opened.close()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository without a commit."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    return folder


@pytest.fixture
def tell(store: Store) -> Iterator[Callable[..., Told]]:
    made: list[Told] = []

    def make(number: int, **more: Any) -> Told:
        made.append(Told(store, number, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()
