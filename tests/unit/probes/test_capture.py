"""One watched call: what the probe sees, what the user sees, and what a bad probe can do (nothing)."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import threading
import traceback
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from autotrack.core.errors import PluginError
from autotrack.core.probes.frames import current_frame, sealed
from autotrack.core.probes.patching import Family

from .conftest import Lab, plain

BASE = "fakelib.base:Base.fit"
TRAIN = "fakelib.base:train"


def test_the_probe_sees_the_arguments_and_then_the_result(lab: Lab, training: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        run.log += [call.obj, call.name, call.args, call.kwargs, call.arg("y"), call.arg("callbacks")]
        yield
        run.log += [call.result, call.error, call.seconds >= 0]

    lab.watch(BASE, probe)
    model = training.Base()
    assert model.fit([1], weight=3) is model
    assert lab.records[0].log == [model, "fit", ([1],), {"weight": 3}, None, (), model, None, True]
    assert (lab.records[0].finished, lab.records[0].error, lab.errors) == (1, None, [])
    assert lab.records[0].target == BASE


def test_where_the_call_came_from(lab: Lab, training: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        run.log.append(call.site)
        yield

    lab.watch(TRAIN, probe)
    training.train({}, [])
    line = sys._getframe().f_lineno - 1
    assert lab.records[0].log == [(__file__, line)]


def test_arguments_by_name(lab: Lab, training: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        run.log += [call.arg(name) for name in ("params", "rounds", "rest", "callbacks", "eta")]
        run.log.append(call.arg("nothing", "default"))
        with pytest.raises(PluginError, match="no argument 'nothing'"):
            call.arg("nothing")
        yield

    lab.watch(TRAIN, probe)
    training.train({"a": 1}, [], 5, "x", "y", eta=0.1)
    assert lab.records[0].log == [{"a": 1}, 5, ("x", "y"), None, 0.1, "default"]
    assert lab.errors == []


def test_inject_gives_the_original_another_value_and_leaves_the_users_alone(lab: Lab, training: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        call.inject("callbacks", [*call.arg("callbacks"), "ours"])
        call.inject("rounds", 7)
        run.log.append(call.arg("rounds"))
        yield
        with pytest.raises(PluginError, match="after the yield"):
            call.inject("rounds", 8)

    lab.watch(TRAIN, probe)
    mine, options = ["mine"], {"eta": 1}
    assert training.train({}, [], 3, callbacks=mine, **options) == ({}, [], 7, (), ["mine", "ours"], {"eta": 1})
    assert (mine, options, lab.records[0].log, lab.errors) == (["mine"], {"eta": 1}, [7], [])


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (((1,), {}), "c", (1, 2, 9)),
        (((1, 5), {}), "a", (9, 5, 3)),
        (((1,), {}), "b", (1, 9, 3)),
        (((1, 4, 6), {}), "c", (1, 4, 9)),
    ],
)
def test_inject_into_positional_parameters(lab: Lab, training: Any, arguments: Any, name: str, expected: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        call.inject(name, 9)
        yield

    lab.watch("fakelib.base:positional", probe)
    assert training.positional(*arguments[0], **arguments[1]) == expected
    assert lab.errors == []


@pytest.mark.parametrize(("given", "seen"), [((1, 2), [1, 2, None]), ((1, 2, 3), [1, 2, 3]), ((1,), [1, "b", None])])
def test_keyword_only_arguments_that_a_decorator_takes_by_place(
    lab: Lab, training: Any, given: tuple[int, ...], seen: list[Any]
) -> None:
    """As libraries do while they deprecate it; what is injected then takes that place."""

    def deprecated(a: Any, *, b: Any = "b", c: Any = None) -> Any:
        return [a, b, c]

    @functools.wraps(deprecated)
    def taken(*args: Any, **kwargs: Any) -> Any:
        return deprecated(**kwargs, **dict(zip("abc", args, strict=False)))

    def probe(call: Any, run: Any) -> Any:
        run.log += [call.arg(name) for name in "abc"]
        call.inject("b", 9)
        run.log.append(call.arg("b"))
        yield

    training.taken = taken
    lab.watch("fakelib.base:taken", probe)
    assert training.taken(*given) == [given[0], 9, seen[2]]
    assert (lab.records[0].log, lab.errors) == ([*seen, 9], [])


def test_too_many_arguments_are_the_originals_to_refuse(lab: Lab, training: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        run.log.append(call.arg("a"))
        yield

    def strict(a: Any, *, b: Any = None) -> Any:
        return a, b

    training.strict = strict
    lab.watch("fakelib.base:strict", probe)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        training.strict(1, 2)
    assert lab.records[0].log == []


@pytest.mark.parametrize("name", ["nothing", "extra", "rest", "self"])
def test_inject_is_refused_where_the_signature_has_no_such_parameter(lab: Lab, training: Any, name: str) -> None:
    def probe(call: Any, run: Any) -> Any:
        call.inject("rounds" if "Base" not in call.target else "y", 99)  # goes with the probe that fails
        call.inject(name, 1)
        yield

    lab.watch(TRAIN, probe)
    lab.watch(BASE, probe)
    assert training.train({}, []) == ({}, [], 10, (), None, {})
    model = training.Base()
    model.fit([1])
    assert model.seen == ([1], None, None, ())
    assert all("was refused" in error for error in lab.errors)
    assert len(lab.errors) == 2


def test_the_users_exception_is_the_same_object_with_two_frames_of_ours(lab: Lab, training: Any) -> None:
    lab.watch(BASE, plain)
    for what, kind in (("boom", ValueError), ("interrupt", KeyboardInterrupt)):
        with pytest.raises(kind) as caught:
            training.Base().fit(what)
        ours = [f for f in traceback.extract_tb(caught.value.__traceback__) if "autotrack/core" in f.filename]
        assert len(ours) == 2
        assert caught.value.__context__ is None
        assert lab.records[-1].error is caught.value
        assert lab.records[-1].log == ["before", "error"]
        assert lab.records[-1].finished == 1
    assert (current_frame(), lab.errors) == (None, [])


def test_reading_the_result_of_a_failed_call_ends_the_probe_quietly(lab: Lab, training: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        yield
        run.log.append("before")
        run.log.append(call.result)

    lab.watch(BASE, probe)
    with pytest.raises(ValueError):
        training.Base().fit("boom")
    assert (lab.records[0].log, lab.records[0].finished, lab.errors) == (["before"], 1, [])


@pytest.mark.parametrize("arguments", [((), {}), ((1, 2, 3), {}), ((1,), {"nothing": 1}), ((1,), {"X": 1})])
def test_a_bad_call_raises_the_same_type_error(lab: Lab, training: Any, arguments: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        call.arg("X")
        yield

    with pytest.raises(TypeError) as plain_error:
        training.Base().fit(*arguments[0], **arguments[1])
    lab.watch(BASE, probe)
    with pytest.raises(TypeError) as watched_error:
        training.Base().fit(*arguments[0], **arguments[1])
    assert str(watched_error.value) == str(plain_error.value)
    with pytest.raises(TypeError, match="missing 2 required"):
        training.Base.fit()
    assert lab.errors == []


class Misbehaving:
    """Probes that break the contract, by name."""

    def no_yield(call: Any, run: Any) -> Any:
        return
        yield

    def two_yields(call: Any, run: Any) -> Any:
        yield
        yield

    def raises_before(call: Any, run: Any) -> Any:
        raise RuntimeError("before")
        yield

    def raises_after(call: Any, run: Any) -> Any:
        yield
        raise RuntimeError("after")

    def no_generator(call: Any, run: Any) -> Any:
        return None

    def wrong_arguments() -> Any:
        yield

    def refuses_to_close(call: Any, run: Any) -> Any:
        yield
        try:
            yield
        except GeneratorExit:
            yield

    def stops_iteration(call: Any, run: Any) -> Any:
        yield
        raise StopIteration("by hand")


@pytest.mark.parametrize("name", [name for name in vars(Misbehaving) if not name.startswith("_")])
@pytest.mark.parametrize("what", ["fine", "boom"])
def test_a_misbehaving_probe_changes_nothing_and_is_recorded(lab: Lab, training: Any, name: str, what: str) -> None:
    lab.watch(BASE, getattr(Misbehaving, name))
    model = training.Base()
    for _ in range(5):
        if what == "boom":
            with pytest.raises(ValueError, match="boom"):
                model.fit(what)
        else:
            assert model.fit(what) is model
        assert current_frame() is None
    assert len(lab.errors) == 3, "three strikes, then the probe is off"
    assert lab.errors[0].startswith(f"test0.{name}: ")
    assert all(record.finished == 1 for record in lab.records)
    assert len(lab.records) == 3


def test_a_recording_that_fails_to_open_or_finish_changes_nothing(lab: Lab, training: Any) -> None:
    def fails(call: Any, parent: Any) -> Any:
        raise OSError("disk full")

    lab.watch(BASE, plain)
    lab.engine.open_run = fails
    model = training.Base()
    assert model.fit(1) is model
    assert lab.errors == ["test0.plain: OSError: disk full"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_ctrl_c_inside_a_probe_goes_through_and_leaves_no_frame(lab: Lab, training: Any, when: str) -> None:
    def probe(call: Any, run: Any) -> Any:
        if when == "before":
            raise KeyboardInterrupt
        yield
        raise KeyboardInterrupt

    lab.watch(BASE, probe)
    with pytest.raises(KeyboardInterrupt):
        training.Base().fit(1)
    assert current_frame() is None
    assert lab.records[0].finished == 1


def test_nested_calls_follow_their_policy(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Meta.fit", plain)
    lab.watch(BASE, plain)
    training.Meta(training.Base()).fit(1)
    assert lab.targets == ["fakelib.base:Meta.fit"]


@pytest.mark.parametrize("policy", ["skip", "join", "child", "beside"])
def test_an_exception_from_deep_inside_shows_two_frames_of_ours(lab: Lab, training: Any, policy: str) -> None:
    lab.installer.install("p", [Family("fakelib.base:Base", ("fit",), plain, nested=policy)])  # type: ignore[arg-type]
    with pytest.raises(ValueError) as caught:
        training.Meta(training.Meta(training.Meta(training.Base()))).fit("boom")
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [f.name for f in frames if "autotrack/core" in f.filename] == ["__call__", "dispatch"]
    assert [f.name for f in frames if "fakelib" in f.filename] == ["fit"] * 4


def test_a_nested_join_logs_to_the_outer_run_and_does_not_finish_it(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Meta.fit", plain)
    lab.watch(BASE, plain, nested="join")
    training.Meta(training.Meta(training.Base())).fit(1)
    assert lab.records[0].log == ["before", "before", "after", "after"]
    assert (len(lab.records), lab.records[0].finished) == (1, 1)
    training.Base().fit(1)  # outermost: a run of its own
    assert lab.targets == ["fakelib.base:Meta.fit", BASE]


def test_a_nested_call_knows_the_one_around_it(lab: Lab, training: Any) -> None:
    seen: list[tuple[str, Any]] = []

    def looking(call: Any, run: Any) -> Iterator[None]:
        outer = call.outer
        seen.append((call.name, None if outer is None else (outer.target, outer.obj, outer.arg("X"))))
        yield
        assert call.outer is outer

    lab.watch("fakelib.base:Meta.fit", plain)
    lab.watch(BASE, looking, nested="join")
    meta = training.Meta(training.Base())
    meta.fit(1)
    training.Base().fit(2)
    assert seen == [("fit", ("fakelib.base:Meta.fit", meta, 1)), ("fit", None)] and lab.errors == []


def test_a_nested_child_gets_a_run_under_the_outer_one(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Meta.fit", plain)
    lab.watch(BASE, plain, nested="child")
    training.Meta(training.Base()).fit(1)
    assert lab.targets == ["fakelib.base:Meta.fit", BASE]
    assert lab.records[1].parent is lab.records[0]
    assert [record.finished for record in lab.records] == [1, 1]


def test_what_is_called_beside_counts_as_not_there(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Meta.fit", plain, nested="beside")
    lab.watch(BASE, plain)
    training.Meta(training.Base()).fit(1)
    assert lab.targets == ["fakelib.base:Meta.fit", BASE]
    assert [record.parent for record in lab.records] == [None, None]
    assert [record.finished for record in lab.records] == [1, 1] and current_frame() is None


def test_inside_another_call_a_call_beside_is_watched_and_what_it_calls_is_inside(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Meta.fit", plain)
    lab.watch(BASE, plain, nested="beside")
    training.Meta(training.Meta(training.Base())).fit(1)
    assert lab.targets == ["fakelib.base:Meta.fit", BASE]
    assert lab.records[1].parent is None


def test_a_failed_outer_probe_still_holds_the_run_that_inner_calls_join(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Meta.fit", Misbehaving.raises_before)
    lab.watch(BASE, plain, nested="join")
    training.Meta(training.Base()).fit(1)
    assert lab.targets == ["fakelib.base:Meta.fit"]
    assert (lab.records[0].log, lab.records[0].finished) == (["before", "after"], 1)


@pytest.mark.parametrize("policy", ["skip", "join", "child", "beside"])
def test_what_a_probe_calls_itself_is_not_watched(lab: Lab, training: Any, policy: str) -> None:
    def probe(call: Any, run: Any) -> Any:
        training.Base().fit("ours")
        yield
        training.Base().fit("ours")
        run.log.append("done")

    lab.watch(BASE, probe, nested=policy)
    training.Base().fit(1)
    assert (len(lab.records), lab.records[0].log, lab.errors) == (1, ["done"], [])
    with sealed():
        training.Base().fit(1)
    assert len(lab.records) == 1


def test_the_off_switch_is_read_at_every_call(lab: Lab, training: Any) -> None:
    lab.watch(BASE, plain)
    model = training.Base()
    fit = model.fit
    for armed, expected in ((False, 0), (True, 1), (False, 1)):
        lab.engine.armed = armed
        assert fit(1) is model
        assert len(lab.records) == expected


def test_threads_have_frames_of_their_own(lab: Lab, training: Any) -> None:
    lab.watch(BASE, plain)
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(20):
            training.Base().fit(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lab.records) == 160
    assert all(record.log == ["before", "after"] and record.finished == 1 for record in lab.records)


def test_other_threads_are_left_alone_where_frames_cannot_be_carried(lab: Lab, training: Any) -> None:
    lab.watch("fakelib.base:Meta.fit", plain)
    lab.watch(BASE, plain)
    lab.engine.threads = False

    class InThread:
        def fit(self, X: Any, y: Any) -> None:
            thread = threading.Thread(target=training.Base().fit, args=(X,))
            thread.start()
            thread.join()

    training.Meta(InThread()).fit(1)
    assert lab.targets == ["fakelib.base:Meta.fit"]
    InThread().fit(1, None)  # nothing is open: watched
    assert lab.targets == ["fakelib.base:Meta.fit", BASE]


def test_asyncio_tasks_nest_by_their_context(lab: Lab, training: Any) -> None:
    lab.watch(BASE, plain)

    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(training.Base().fit, n) for n in range(5)))

    asyncio.run(main())
    assert len(lab.records) == 5


def test_nothing_of_the_users_is_kept_after_the_call(lab: Lab, training: Any) -> None:
    class Data:
        pass

    kept: list[Any] = []

    def probe(call: Any, run: Any) -> Any:
        kept.append(call)
        call.arg("X")
        yield

    lab.watch(BASE, probe)
    model, data = training.Base(), Data()
    model.fit(data)
    refs = weakref.ref(model), weakref.ref(data)
    del model, data
    gc.collect()
    assert [ref() for ref in refs] == [None, None]
    assert kept[0].args == () and kept[0].obj is None


def test_generator_arguments_are_not_consumed(lab: Lab, training: Any) -> None:
    def probe(call: Any, run: Any) -> Any:
        call.arg("data")
        yield

    lab.watch(TRAIN, probe)
    result = training.train({}, (n for n in range(3)))
    assert list(result[1]) == [0, 1, 2]


def test_a_call_under_another_call_on_the_same_object_returns_what_it_returned(lab: Lab, training: Any) -> None:
    lab.watch(TRAIN, plain, also=("fakelib.api:train",))
    value = object()
    assert training.train(value, None)[0] is value


def test_the_time_of_calls_that_fail_is_counted_too(lab: Lab, training: Any) -> None:
    taken: list[float] = []
    lab.engine.spent = taken.append
    lab.watch(BASE, plain)
    training.Base().fit("fine")
    for data, kind in (("boom", ValueError), ("interrupt", KeyboardInterrupt)):
        with pytest.raises(kind):
            training.Base().fit(data)
    assert len(taken) == 3 and all(seconds > 0 for seconds in taken) and lab.errors == []
