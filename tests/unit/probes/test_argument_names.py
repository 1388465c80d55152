"""The caller's names for the arguments of a watched call, in every form that a call can have."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from autotrack.core.probes.argument_names import argument_name
from autotrack.core.probes.patching import Patch

from .conftest import Lab

target = SimpleNamespace()
seen: list[list[str | None]] = []


def probe(call: Any, run: Any) -> Iterator[None]:
    first = [argument_name(call, name, at) for at, name in enumerate(("X", "y", "w"))]
    yield
    seen.append([argument_name(call, name, at) for at, name in enumerate(("X", "y", "w"))])
    assert seen[-1] == first


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@decorated
def learn(X: Any, y: Any = None, w: Any = None) -> Any:
    return X


class Model:
    def fit(self, X: Any, y: Any = None, w: Any = None) -> Model:
        return self


X_all, y_all = [1], [2]


@pytest.fixture(autouse=True)
def watching(lab: Lab) -> Iterator[None]:
    lab.installer.install("p", [Patch(f"{__name__}:Model.fit", probe), Patch(f"{__name__}:learn", probe, inner=True)])
    seen.clear()
    yield
    assert lab.errors == []


def test_what_has_a_name() -> None:
    X_here, held, data = [3], SimpleNamespace(X_attr=[4]), {"X_key": [5]}
    model = Model()

    def inner() -> Any:
        return model.fit(X_here, w=y_all)

    model.fit(X_here, y_all)
    model.fit(y=y_all, X=X_here)
    model.fit(X=X_all)
    model.fit(held.X_attr, data["X_key"], X_all)
    Model.fit(model, X_all, y_all)
    inner()
    [model.fit(each, X_here) for each in [X_all]]
    model.fit(held.X_attr, y_all).fit(X_all)
    learn(X_here, w=X_all)
    assert seen == [
        ["X_here", "y_all", None],
        ["X_here", "y_all", None],
        ["X_all", None, None],
        ["X_attr", "X_key", "X_all"],
        ["X_all", "y_all", None],
        ["X_here", None, "y_all"],
        ["each", "X_here", None],
        ["X_attr", "y_all", None],
        ["X_all", None, None],
        ["X_here", None, "X_all"],
    ]


def test_what_has_none() -> None:
    model, yes = Model(), True
    model.fit(X_all[:1], y_all)
    model.fit(list(X_all), [y_all])
    model.fit(X_all if yes else y_all)
    model.fit(X_all or y_all)
    model.fit(*[X_all, y_all])
    model.fit(5, "X")
    map_ = map(model.fit, [X_all])
    next(map_)
    learn(*[X_all])
    SimpleNamespace(fit=None, apply=lambda function, data: function(*data)).apply(model.fit, [X_all])
    functools.reduce(model.fit, [X_all, y_all])
    assert seen == [[None, "y_all", None], *[[None] * 3] * 9]


def test_a_choice_between_two_names_is_none() -> None:
    model, yes = Model(), True
    model.fit(X_all, w=y_all if yes else X_all)
    assert "y_all" not in seen[0] and seen[0][2] is None


def test_code_without_a_source() -> None:
    exec("model = Model()\nmodel.fit(X_all, y=y_all)", {"Model": Model, "X_all": X_all, "y_all": y_all})
    assert seen == [["X_all", "y_all", None]]


def test_the_users_data_do_not_live_longer(lab: Lab) -> None:
    import weakref

    class Data: ...

    data = Data()
    reference = weakref.ref(data)
    Model().fit(data)
    del data
    assert reference() is None and seen == [["data", None, None]]


def test_a_decorated_function_stays_the_object_that_it_is(lab: Lab) -> None:
    held = learn
    assert held.__wrapped__ is not None and type(held.__closure__[0].cell_contents).__name__ == "Watched"
    held(X_all)
    assert len(seen) == 1
    assert f"{__name__}:learn" in lab.installer.watched()
    lab.installer.uninstall()
    assert held.__closure__[0].cell_contents is held.__wrapped__ and lab.installer.watched() == []
    held(X_all)
    assert len(seen) == 1


def test_an_optional_patch_says_nothing_where_its_target_is_missing(lab: Lab) -> None:
    lab.installer.install("q", [Patch(f"{__name__}:Model.absent", probe, optional=True)], by_name=True)
    assert lab.errors == []
