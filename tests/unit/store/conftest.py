"""A store in a temporary folder, and a program that writes runs into its journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from store_program import Program

from autotrack.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = Store.open(tmp_path / ".autotrack")
    yield opened
    opened.close()


@pytest.fixture
def program(store: Store) -> Any:
    made = Program(store)
    yield made
    made.close()


@pytest.fixture
def new_program(store: Store) -> Any:
    made: list[Program] = []

    def make() -> Program:
        made.append(Program(store))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def quiet_umask() -> Any:
    before = os.umask(0)
    yield
    os.umask(before)
