"""Figures that are shown or saved while a run is open."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pytest

import autotrack
from autotrack.core.plugins.registry import forget_plugins
from autotrack.core.runs.run import Run

matplotlib.use("Agg")


@pytest.fixture
def enabled(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    from matplotlib import pyplot

    monkeypatch.chdir(tmp_path)
    forget_plugins()
    autotrack.enable(silent=True)
    yield tmp_path
    pyplot.close("all")
    forget_plugins()


def show() -> None:
    from matplotlib import pyplot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Agg has no window
        pyplot.show()


def paths(run: Run) -> list[str]:
    return [each.path for each in run.artifacts]


def test_what_is_saved_is_kept_byte_for_byte_and_once(enabled: Path) -> None:
    from matplotlib import pyplot

    with autotrack.start_run() as run:
        _, axes = pyplot.subplots()
        axes.plot([1, 2])
        pyplot.savefig("a")
        pyplot.savefig("b.png")
        axes.plot([2, 1])
        pyplot.savefig("a.png")
        pyplot.savefig("v.svg")
    assert paths(run) == ["figures/a-2.png", "figures/a.png", "figures/v.svg"]
    assert (Path(run.artifact_uri) / "figures/a-2.png").read_bytes() == Path("a.png").read_bytes()


def test_a_figure_that_is_shown_is_kept_and_stays_what_it_was(enabled: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(layout="constrained", num="first / one")
    axes.plot([1, 3, 2], label="x")
    axes.set_ylabel("a label that takes room")
    drawn: list[Any] = []
    figure.canvas.mpl_connect("draw_event", drawn.append)
    before = (axes.get_position().bounds, dict(matplotlib.rcParams), pyplot.get_fignums(), figure.stale, figure.canvas)
    with autotrack.start_run() as run:
        show()
        show()
    after = (axes.get_position().bounds, dict(matplotlib.rcParams), pyplot.get_fignums(), figure.stale, figure.canvas)
    assert after == before and not drawn and pyplot.gcf() is figure
    assert paths(run) == ["figures/first _ one.png"]
    content = (Path(run.artifact_uri) / "figures/first _ one.png").read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 2000
    assert pickle.loads(pickle.dumps(figure)) is not figure


def test_buffers_are_left_alone_and_figures_make_no_runs(enabled: Path) -> None:
    from matplotlib import pyplot

    pyplot.plot([1, 2])
    pyplot.savefig("outside.png")
    show()
    assert autotrack.search_runs() == []
    with autotrack.start_run() as run:
        stream = io.BytesIO()
        pyplot.savefig(stream)
    assert stream.getvalue().startswith(b"\x89PNG") and paths(run) == []


def test_number_and_bytes_are_bounded_and_it_is_said_once(enabled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    monkeypatch.setenv("AUTOTRACK_MATPLOTLIB_MOST", "2")
    forget_plugins()
    with autotrack.start_run() as run:
        for number in range(4):
            pyplot.plot([number, 2 * number])
            pyplot.savefig("x.png")
    assert paths(run) == ["figures/x-2.png", "figures/x.png"]
    assert sum("not kept" in note for note in run.health["notes"]) == 1


def test_it_can_be_switched_off(enabled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    monkeypatch.setenv("AUTOTRACK_MATPLOTLIB_KEEP", "0")
    forget_plugins()
    with autotrack.start_run() as run:
        pyplot.plot([1, 2])
        pyplot.savefig("x.png")
        show()
    assert paths(run) == []


def test_a_figure_that_refuses_to_be_copied_is_shown_all_the_same(enabled: Path) -> None:
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    class Stubborn(Line2D):
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise TypeError("not to be copied")

    _, axes = pyplot.subplots()
    axes.add_line(Stubborn([0, 1], [0, 1]))
    with autotrack.start_run() as run:
        show()
    assert paths(run) == [] and not run.health
