"""A store in a temporary folder, and a program that writes runs into its journal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from store_program import Program

from autotrack.store.store import Store


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of a module with ``ON_BOTH`` run on both engines, unless they are marked ``sqlite``."""
    on_both = getattr(metafunc.module, "ON_BOTH", False) and not metafunc.definition.get_closest_marker("sqlite")
    if "store" in metafunc.fixturenames and on_both:
        metafunc.parametrize("store", ("sqlite", "postgresql"), indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    on_server = getattr(request, "param", "sqlite") == "postgresql"
    where = request.getfixturevalue("postgresql") if on_server else tmp_path / ".autotrack"
    opened = Store.open(where, root=tmp_path / ".autotrack")
    opened.place.journal.mkdir(parents=True, exist_ok=True)
    yield opened
    opened.close()


@pytest.fixture
def reopened(store: Store) -> Any:
    """Opens the same store once more."""
    return lambda: Store(store.place, store._connect, store._refusal)


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
