"""Fits in joblib's threads belong to the call around them; processes, and joblib itself, are left as they were."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
import traceback
from typing import Any

import joblib
import joblib.parallel
import pytest

from autotrack.core.probes.bridges import JoblibBridge, _Tasks
from autotrack.core.probes.frames import OPEN, Frame, current_frame
from autotrack.core.probes.patching import Patch

from .conftest import Lab, plain


class Outer:
    """A meta-estimator that fits in parallel."""

    def fit(self, inner: Any, backend: str, count: int = 40, **options: Any) -> list[Any]:
        # more tasks than are dispatched at first, so that later batches are made in joblib's own threads
        tasks = (joblib.delayed(inner.fit)(n) for n in range(count))
        return list(joblib.Parallel(2, backend=backend, pre_dispatch=2, batch_size=1, **options)(tasks))


@pytest.fixture
def outer(lab: Lab, training: Any) -> type[Outer]:
    before = {name: dict(vars(getattr(joblib.parallel, name))) for name in ("Parallel", "BatchedCalls")}
    lab.bridge.install()
    lab.bridge.install()
    lab.watch(f"{__name__}:Outer.fit", plain)
    yield Outer
    lab.bridge.uninstall()
    assert {name: dict(vars(getattr(joblib.parallel, name))) for name in before} == before


@pytest.mark.parametrize("options", [{}, {"return_as": "generator"}])
def test_threads_of_joblib_are_inside(lab: Lab, training: Any, outer: Any, options: Any) -> None:
    lab.installer.install("inner", [Patch("fakelib.base:Base.fit", plain)])
    assert len(outer().fit(training.Base(), "threading", **options)) == 40
    assert lab.targets == [f"{__name__}:Outer.fit"]
    assert current_frame() is None and lab.errors == []


def test_they_join_the_outer_run_where_the_policy_says_so(lab: Lab, training: Any, outer: Any) -> None:
    lab.installer.install("inner", [Patch("fakelib.base:Base.fit", plain, nested="join")])
    outer().fit(training.Base(), "threading", 6)
    assert lab.records[0].log.count("before") == 7 and len(lab.records) == 1


def test_threads_outside_of_a_watched_call_make_runs(lab: Lab, training: Any, outer: Any) -> None:
    lab.installer.install("inner", [Patch("fakelib.base:Base.fit", plain)])
    with joblib.Parallel(2, backend="threading") as parallel:
        parallel(joblib.delayed(outer().fit)(training.Base(), "sequential", 2) for _ in range(1))
        assert len(lab.records) == 1
        parallel(joblib.delayed(training.Base().fit)(n) for n in range(6))
    assert len(lab.records) == 7


def test_processes_give_the_same_results(lab: Lab, training: Any, outer: Any) -> None:
    lab.installer.install("inner", [Patch("math:hypot", plain)])
    import math

    assert joblib.Parallel(2, backend="loky")(joblib.delayed(math.hypot)(3, 4) for _ in range(4)) == [5.0] * 4
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize(("backend", "visits"), [("sequential", 0), ("threading", 0), ("loky", 1)])
def test_classes_are_visited_again_only_where_processes_answered(lab: Lab, backend: str, visits: int) -> None:
    import math

    seen: list[str] = []
    bridge = JoblibBridge(lab.engine, lambda: seen.append("again"))
    bridge.install()
    try:
        joblib.Parallel(2, backend=backend)(joblib.delayed(math.sqrt)(n) for n in range(3))
    finally:
        bridge.uninstall()
    assert len(seen) == visits
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def test_an_error_in_a_thread_shows_no_frame_of_the_bridge(lab: Lab, training: Any, outer: Any) -> None:
    class Fails:
        def fit(self, n: int) -> None:
            raise ValueError("boom")

    with pytest.raises(ValueError) as caught:
        outer().fit(Fails(), "threading")
    files = [f.filename for f in traceback.extract_tb(caught.value.__traceback__)]
    assert not any("core/bridges" in file for file in files)
    assert sum("autotrack/core" in file for file in files) == 2
    assert current_frame() is None and lab.records[0].error is caught.value


def test_tasks_pickle_as_a_list() -> None:
    tasks = _Tasks([1, (2, "x")], Frame(None, None, OPEN))
    assert type(pickle.loads(pickle.dumps(tasks))) is list
    assert pickle.loads(pickle.dumps(tasks)) == tasks == [1, (2, "x")]
    assert current_frame() is None


@pytest.mark.parametrize("name", ["dispatch_one_batch", "BatchedCalls"])
def test_where_joblib_has_changed_other_threads_are_left_alone(name: str) -> None:
    source = f"""
        import joblib.parallel
        from autotrack.core.probes.bridges import JoblibBridge
        from autotrack.core.probes.capture import Engine
        if {name!r} == "BatchedCalls":
            del joblib.parallel.BatchedCalls
        else:
            del joblib.parallel.Parallel.dispatch_one_batch
        engine = Engine(lambda call, parent: None)
        bridge = JoblibBridge(engine, lambda: None)
        bridge.install()
        assert engine.threads is False
        bridge.uninstall()
        assert engine.threads is True
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], check=True)


def test_joblib_is_not_imported_for_the_bridge() -> None:
    source = """
        import sys
        from autotrack.core.probes.bridges import JoblibBridge
        from autotrack.core.probes.capture import Engine
        JoblibBridge(Engine(lambda call, parent: None), lambda: None).install()
        assert "joblib" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], check=True)
