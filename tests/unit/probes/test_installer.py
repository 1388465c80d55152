"""Patches go in without an import, come out exactly, and whatever was patched still looks and behaves as before."""

from __future__ import annotations

import copy
import doctest
import functools
import gc
import inspect
import logging
import pickle
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import cloudpickle
import pytest

from autotrack.core.errors import PluginError
from autotrack.core.guard import guard
from autotrack.core.probes.patching import Family, Later, Patch

from .conftest import Lab, plain

FAMILY = Family("fakelib.base:Base", ("fit",), plain)


def test_nothing_is_imported_and_modules_are_patched_as_they_load(lab: Lab, library: Callable[..., None]) -> None:
    library("later", {"part": "def go(x):\n    return x\n"})
    finders = list(sys.meta_path)
    lab.watch("later.part:go", plain)
    assert "later" not in sys.modules and lab.installer.watched() == []
    import later.part  # type: ignore[import-not-found]

    assert lab.installer.watched() == ["later.part:go"]
    assert later.part.go(3) == 3 and len(lab.records) == 1
    assert sys.meta_path == finders, "no finder of ours is left when nothing is waited for"
    assert type(later.part.__spec__) is type(find_spec("json"))
    lab.installer.uninstall()
    assert type(later.part.go) is types.FunctionType


def test_a_half_imported_module_is_waited_for(lab: Lab, library: Callable[..., None]) -> None:
    hook = types.ModuleType("fakehook")
    sys.modules["fakehook"] = hook
    try:
        lab.watch("half:go", plain)  # waits for the import

        def during() -> None:
            lab.installer.install("second", [Patch("half:go", plain)])

        library("half", {"__init__": "import fakehook\nfakehook.during()\ndef go(x):\n    return x\n"})
        hook.during = during  # type: ignore[attr-defined]
        import half  # type: ignore[import-not-found]

        half.go(1)
        assert len(lab.records) == 1  # two plugins watch it; the inner call is nested
        lab.installer.uninstall()
        assert type(half.go) is types.FunctionType
    finally:
        del sys.modules["fakehook"]


def test_an_import_that_fails_is_tried_again(lab: Lab, library: Callable[..., None]) -> None:
    library("flaky", {"__init__": "raise ImportError('not yet')"})
    lab.watch("flaky:go", plain)
    with pytest.raises(ImportError, match="not yet"):
        import flaky  # type: ignore[import-not-found]
    library("flaky", {"__init__": "def go(): return 'went'  # now it is another size"})
    import flaky

    assert flaky.go() == "went" and len(lab.records) == 1


def test_every_binding_named_in_also_is_patched_with_one_wrapper(lab: Lab, training: Any) -> None:
    import fakelib.api  # type: ignore[import-not-found]

    original = training.train
    lab.watch("fakelib.base:train", plain, also=("fakelib.api:train", "fakelib.api:absent"))
    assert fakelib.api.train is training.train is not original
    assert pickle.loads(pickle.dumps(training.train)) is training.train
    lab.installer.uninstall()
    assert fakelib.api.train is training.train is original


def test_a_binding_made_after_the_patch_is_undone_as_well(lab: Lab, library: Callable[..., None]) -> None:
    library("two", {"home": "def go(): return 1\n", "shown": "from two.home import go\n"})
    lab.watch("two.home:go", plain, also=("two.shown:go",))
    import two.shown  # type: ignore[import-not-found]

    assert two.shown.go is two.home.go and lab.installer.watched() == ["two.home:go", "two.shown:go"]
    lab.installer.uninstall()
    assert type(two.shown.go) is type(two.home.go) is types.FunctionType


def test_only_the_class_that_owns_the_method_is_patched(lab: Lab, training: Any) -> None:
    before = {cls: vars(cls).get("fit") for cls in (training.Base, training.Meta, training.Inherits)}
    lab.installer.install("p", [FAMILY])
    assert lab.installer.watched() == ["fakelib.base:Base.fit", "fakelib.base:Meta.fit"]
    assert "fit" not in vars(training.Inherits)
    training.Inherits().fit(1)
    assert lab.targets == ["fakelib.base:Base.fit"]
    lab.installer.uninstall()
    for cls, stood in before.items():
        assert vars(cls).get("fit") is stood
        assert "__init_subclass__" not in vars(cls)


def test_the_users_own_classes_are_watched_as_they_are_made(lab: Lab, training: Any) -> None:
    lab.installer.install("p", [FAMILY])

    class Mine(training.Base):  # type: ignore[misc, name-defined]
        def fit(self, X: Any) -> Any:
            return super().fit(X)

    class Configured(training.Base):  # type: ignore[misc, name-defined]
        def __init_subclass__(cls, tag: str, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            cls.tag = tag

    class Sub(Configured, tag="x"):
        def fit(self, X: Any) -> Any:
            return self

    original = vars(Configured)["__init_subclass__"].__func__.stood
    assert Mine().fit(1) and Sub().fit(1) and Sub.tag == "x"
    assert [target.rpartition(".")[0].rpartition(".")[2] for target in lab.targets] == ["Mine", "Sub"]
    with pytest.raises(TypeError, match=r"Base.__init_subclass__\(\) takes no keyword arguments|takes no keyword"):

        class Wrong(training.Base, nothing=1):  # type: ignore[misc, name-defined, call-arg]
            pass

    lab.installer.uninstall()
    assert type(vars(Mine)["fit"]) is type(vars(Sub)["fit"]) is types.FunctionType
    assert vars(Configured)["__init_subclass__"] is original
    assert lab.errors == []


def test_a_mixin_that_wraps_methods_at_creation_stays_inside(lab: Lab, training: Any) -> None:
    class Wrapping:
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            if "fit" in vars(cls):
                inner = cls.fit  # type: ignore[attr-defined]
                cls.fit = functools.wraps(inner)(lambda *a, **k: inner(*a, **k))  # type: ignore[attr-defined]

    class First(Wrapping, training.Base):  # type: ignore[misc, name-defined]
        def fit(self, X: Any) -> Any:
            return self

    lab.installer.install("p", [FAMILY])

    class Second(Wrapping, training.Base):  # type: ignore[misc, name-defined]
        def fit(self, X: Any) -> Any:
            return self

    Second().fit(1)
    assert len(lab.records) == 1
    lab.installer.uninstall()
    function = vars(Second)["fit"]
    while True:
        assert type(function) is types.FunctionType
        if not hasattr(function, "__wrapped__"):
            break
        function = function.__wrapped__


def test_classes_are_not_kept_alive(lab: Lab, training: Any) -> None:
    lab.installer.install("p", [FAMILY])

    def define() -> Any:
        class Passing(training.Base):  # type: ignore[misc, name-defined]
            def fit(self, X: Any) -> Any:
                return super().__eq__(X)

        Passing().fit(1)
        return weakref.ref(Passing)

    ref = define()
    gc.collect()
    assert ref() is None


def test_an_attribute_that_somebody_replaced_is_left_to_them(lab: Lab, training: Any) -> None:
    lab.installer.install("p", [FAMILY])
    ours = training.Base.fit

    @functools.wraps(ours)
    def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        return ours(self, *args, **kwargs)

    training.Base.fit = theirs
    lab.installer.uninstall()
    assert training.Base.fit is theirs
    training.Base().fit(1)
    assert lab.records == []


def test_two_plugins_on_one_method_come_out_in_any_order(lab: Lab, training: Any) -> None:
    original = training.Base.fit
    for order in (("a", "b"), ("b", "a")):
        lab.installer.install("a", [Patch("fakelib.base:Base.fit", plain)])
        lab.installer.install("b", [FAMILY])
        training.Base().fit(1)
        for name in order:
            lab.installer.uninstall(name)
        assert training.Base.fit is original
        assert lab.installer.watched() == []
    assert len(lab.records) == 2


def test_a_patch_on_an_inherited_method_is_deleted_again(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Inherits.fit", plain)
    training.Inherits().fit(1)
    training.Base().fit(1)
    assert lab.targets == ["fakelib.base:Inherits.fit"]
    lab.installer.uninstall()
    assert "fit" not in vars(training.Inherits)


def test_excluded_classes_are_left_alone(lab: Lab, training: Any) -> None:
    lab.installer.install("p", [Family("fakelib.base:Base", ("fit",), plain, exclude=("fakelib.base:Meta",))])
    assert lab.installer.watched() == ["fakelib.base:Base.fit"]
    lab.installer.install("p", [FAMILY], exclude=["fakelib"])
    assert lab.installer.watched() == []


def test_what_a_wrapper_looks_like(lab: Lab, training: Any) -> None:
    model = training.Base()
    original, bound = training.Base.fit, model.fit
    facts = [
        lambda f: inspect.signature(f),
        lambda f: (f.__name__, f.__qualname__, f.__module__, f.__doc__, f.__defaults__, f.__code__),
        inspect.getsource,
        inspect.getfile,
        inspect.isfunction,
        inspect.ismethod,
        inspect.isroutine,
        callable,
        repr,
        inspect.iscoroutinefunction,
        lambda f: isinstance(f, types.FunctionType),
        pickle.dumps,
    ]
    before = [[fact(f) for fact in facts] for f in (original, bound)]
    lab.watch("fakelib.base:Base.fit", plain)
    watched = training.Base.fit
    assert [[fact(f) for fact in facts] for f in (watched, model.fit)] == before
    assert training.Base.fit is watched is vars(training.Base)["fit"]
    assert type(model.fit) is types.MethodType and model.fit == bound and model.fit.__self__ is model
    assert hash(watched) == hash(original) and watched == original and dir(watched) == dir(original)
    assert weakref.WeakMethod(model.fit)() == model.fit
    assert type(watched).__module__ == "autotrack.core.probes.watched" and isinstance(type(watched).__doc__, str)
    watched.note = "kept"
    assert original.note == "kept"
    del watched.note
    assert not hasattr(original, "note")

    @functools.wraps(model.fit)
    def around(*args: Any) -> Any:
        return model.fit(*args)

    assert inspect.signature(around) == inspect.signature(bound)
    assert functools.partial(model.fit, 1)() is model
    assert len(lab.records) == 1


def test_wrappers_copy_and_pickle_as_the_original(lab: Lab, training: Any) -> None:
    model = training.Base()
    function_bytes = pickle.dumps(training.Base.fit)
    original = training.Base.fit
    lab.watch("fakelib.base:Base.fit", plain)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(training.Base.fit, protocol)) is training.Base.fit
        again = pickle.loads(pickle.dumps(model.fit, protocol))
        assert type(again.__self__) is training.Base
    assert pickle.dumps(training.Base.fit) == function_bytes
    assert pickle.loads(cloudpickle.dumps(training.Base.fit)) is training.Base.fit
    assert copy.copy(training.Base.fit) is copy.deepcopy(training.Base.fit) is training.Base.fit
    assert copy.deepcopy(model.fit).__self__ is not model
    held = training.Base.fit
    lab.installer.uninstall()
    assert pickle.loads(pickle.dumps(held)) is original, "a wrapper that outlives its patch stands for the original"


def test_doctests_are_found_and_run(lab: Lab, library: Callable[..., None]) -> None:
    source = "class A:\n  def fit(self):\n    '''\n    >>> A().fit()\n    7\n    '''\n    return 7\n"
    library("documented", {"__init__": source})
    import documented  # type: ignore[import-not-found]

    lab.watch("documented:A.fit", plain)
    result = doctest.testmod(documented)
    assert (result.attempted, result.failed, len(lab.records)) == (1, 0, 1)


KINDS = """
import functools

class Base:
    pass

def free(*args, **kwargs):
    return ("free", args, kwargs)

class Available:
    def __init__(self, fn):
        self.fn = fn
    def __get__(self, obj, owner=None):
        if obj is not None and not obj.on:
            raise AttributeError("not available")
        return self.fn.__get__(obj, owner)

class Callable:
    def __call__(self, X):
        return ("callable", X)

class Static(Base):
    @staticmethod
    def fit(X): return ("static", X)

class Class(Base):
    @classmethod
    def fit(cls, X): return (cls.__name__, X)

class Property(Base):
    @property
    def fit(self): return lambda X: (type(self).__name__, X)

class Partial(Base):
    fit = functools.partial(free, 1)

class PartialMethod(Base):
    def _fit(self, how, X): return (how, X)
    fit = functools.partialmethod(_fit, "how")

class Descriptor(Base):
    on = True
    @Available
    def fit(self, X): return (self.on, X)

class Object(Base):
    fit = Callable()

class Slots(Base):
    __slots__ = ("x",)
    def fit(self, X):
        self.x = X
        return self.x

class MetaMeta(type):
    def __setattr__(cls, name, value): raise TypeError("closed")
    def __eq__(cls, other): raise TypeError("no comparing")
    __hash__ = None

class Metaclassed(Base, metaclass=MetaMeta):
    def fit(self, X): return X

class Builtin(Base):
    fit = len

class Nothing(Base):
    fit = None

class Value(Base):
    fit = 3

class Alias(Class):
    fit = Class.fit
"""


@pytest.mark.parametrize(
    "name",
    [
        "Static",
        "Class",
        "Property",
        "Partial",
        "PartialMethod",
        "Descriptor",
        "Object",
        "Slots",
        "Metaclassed",
        "Builtin",
        "Alias",
    ],
)
def test_a_method_of_any_kind(lab: Lab, library: Callable[..., None], name: str) -> None:
    library("kinds", {"__init__": KINDS})
    import kinds  # type: ignore[import-not-found]

    cls = getattr(kinds, name)
    stood = vars(cls)["fit"]
    X = [1, 2]
    expected = cls().fit(X)
    on_class = cls.fit(X) if name in ("Static", "Class", "Partial", "Object", "Builtin", "Alias") else None

    def probe(call: Any, run: Any) -> Any:
        run.log += [call.obj, call.args, call.kwargs]
        yield
        run.log.append(call.result)

    lab.installer.install("p", [Family("kinds:Base", ("fit",), probe)])
    model = cls()
    assert model.fit(X) == expected
    assert len(lab.records) == 1, lab.errors
    assert lab.records[0].log[1:] == [(X,), {}, expected]
    if name in ("Property", "Descriptor", "PartialMethod", "Partial", "Object", "Slots", "Metaclassed"):
        assert lab.records[0].log[0] is model
    if on_class is not None:
        assert cls.fit(X) == on_class
        assert len(lab.records) == 2
    if name == "Property":
        with pytest.raises(AttributeError):
            model.fit = 3
        assert isinstance(cls.fit, property)
    lab.installer.uninstall()
    if name != "Alias":
        assert vars(cls)["fit"] is stood
    assert cls().fit(X) == expected
    assert lab.errors == []


def test_values_under_the_name_of_a_method_stay_values(lab: Lab, library: Callable[..., None]) -> None:
    library("kinds", {"__init__": KINDS})
    import kinds

    lab.installer.install("p", [Family("kinds:Base", ("fit",), plain)])
    assert kinds.Nothing.fit is None and kinds.Nothing().fit is None
    assert kinds.Value().fit == 3
    kinds.Descriptor.on = False
    assert not hasattr(kinds.Descriptor(), "fit") and hasattr(kinds.Descriptor, "fit")
    with pytest.raises(AttributeError, match=r"^not available$"):
        _ = kinds.Descriptor().fit
    for name in ("Partial", "Object", "Descriptor"):
        copied = copy.deepcopy(vars(getattr(kinds, name))["fit"])
        assert type(copied) is type(vars(getattr(kinds, name))["fit"].__wrapped__)


@pytest.mark.parametrize("by_name", [True, False])
def test_versions_out_of_range_are_left_unwatched(
    lab: Lab, training: Any, by_name: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "autotrack.installer")
    fakelib = sys.modules["fakelib"]
    fakelib.__version__ = "2.1.0"  # type: ignore[attr-defined]
    patches = [Patch("fakelib.base:Base.fit", plain, versions=">=1,<2")]
    if by_name:
        with pytest.raises(PluginError, match=r"fakelib >=1,<2, and 2\.1\.0 is installed"):
            lab.installer.install("p", patches, by_name=True)
        assert lab.installer.installed() == []
    else:
        lab.installer.install("p", patches)
        assert "left unwatched" in caplog.text
    assert lab.installer.watched() == []
    lab.installer.install("p", [Patch("fakelib.base:Base.fit", plain, versions=">=2,<3")], by_name=by_name)
    assert lab.installer.watched() == ["fakelib.base:Base.fit"]


def test_what_is_declared_later_is_asked_for_when_its_library_is_there(lab: Lab, library: Callable[..., None]) -> None:
    library("late", {"__init__": "", "sub": "def fit(): return 1"})
    asked: list[str] = []

    def declare() -> Iterator[Patch]:
        asked.append("declarations")
        yield Patch("late.sub:fit", plain)

    lab.installer.install("p", [Later("late", declare)])
    lab.installer.uninstall("p")
    lab.installer.install("p", [Later("late", declare)])
    assert asked == []
    import late  # type: ignore[import-not-found]

    assert asked == ["declarations"]
    assert lab.installer.watched() == []
    import late.sub  # type: ignore[import-not-found]

    assert lab.installer.watched() == ["late.sub:fit"]
    assert (late.sub.fit(), lab.targets) == (1, ["late.sub:fit"])
    lab.installer.uninstall("p")
    assert lab.installer.watched() == []
    lab.installer.install("p", [Later("late", declare)])  # the library is there by now
    assert lab.installer.watched() == ["late.sub:fit"]


@pytest.mark.parametrize("imported", [True, False])
def test_versions_out_of_range_of_what_is_declared_later(
    lab: Lab, library: Callable[..., None], imported: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "autotrack.installer")
    library("late", {"__init__": "__version__ = '2.1.0'", "sub": "def fit(): return 1"})
    declarations = [Later("late", lambda: [Patch("late.sub:fit", plain, versions=">=1,<2")])]
    if imported:
        import late.sub

        with pytest.raises(PluginError, match=r"late >=1,<2, and 2\.1\.0 is installed"):
            lab.installer.install("p", declarations, by_name=True)
        assert lab.installer.installed() == []
    else:
        lab.installer.install("p", declarations, by_name=True)
        import late.sub

        assert "left unwatched" in caplog.text
    assert late.sub.fit() == 1
    assert lab.installer.watched() == [] and lab.errors == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("not_installed_anywhere.sub:fit", "not_installed_anywhere is not installed"),
        ("fakelib.base:absent", "does not have it"),
        ("fakelib.base:Meta", "is a class"),
        ("fakelib.base", "not of the form"),
    ],
)
def test_asked_for_by_name_what_cannot_be_watched_is_an_error(
    lab: Lab, training: Any, target: str, message: str
) -> None:
    with pytest.raises(PluginError, match=message):
        lab.installer.install("p", [Patch(target, plain)], by_name=True)
    assert lab.installer.installed() == []


@pytest.mark.guarded
def test_a_target_that_is_gone_is_reported_once_and_hurts_no_import(lab: Lab, library: Callable[..., None]) -> None:
    library("moved", {"__init__": "x = 1"})
    guard.silent = True
    lab.watch("moved:fit", plain)
    import moved  # type: ignore[import-not-found]

    assert moved.x == 1
    assert "does not have it" in guard.failures[0].error
    guard.silent = False


def test_unpickling_a_class_can_write_the_bare_function_back(lab: Lab, training: Any) -> None:
    lab.installer.install("p", [FAMILY])

    class Dynamic(training.Base):  # type: ignore[misc, name-defined]
        def fit(self, X: Any) -> Any:
            return self

    Dynamic.__module__ = "__main__"
    Dynamic.__qualname__ = "Dynamic"
    assert pickle.loads(cloudpickle.dumps(Dynamic)) is Dynamic
    assert type(vars(Dynamic)["fit"]) is types.FunctionType, "cloudpickle has changed: is visit_again() still needed?"
    lab.installer.visit_again()
    Dynamic().fit(1)
    assert len(lab.records) == 1
    lab.installer.uninstall()
    assert type(vars(Dynamic)["fit"]) is types.FunctionType
