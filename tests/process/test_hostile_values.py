"""P2 and R15 to R17: whatever a caller hands over, nothing is raised into training and nothing else is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autotrack
from autotrack.core.entities import ModelRecord
from autotrack.core.guard import Failure


class Boom:
    """Refuses everything that it can be asked."""

    def _refuse(self, *_: Any) -> Any:
        raise KeyError("asked")

    __str__ = __repr__ = __float__ = __index__ = __format__ = __bool__ = __len__ = __iter__ = __fspath__ = _refuse

    def __hash__(self) -> int:
        return 1


class Mapping(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise RuntimeError("no items")


BAD: list[Any] = [
    None,
    3,
    1.5,
    "a\0b",
    "a\ud800",
    "",
    [1],
    {},
    object(),
    Boom(),
    Mapping(a=1),
    b"x",
    Path("x"),
    10**400,
]

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "log_metric key": lambda run, bad: run.log_metric(bad, 1.0),
    "log_metric value": lambda run, bad: run.log_metric("bad", bad),
    "log_metric step": lambda run, bad: run.log_metric("bad", 1.0, bad),
    "log_metrics": lambda run, bad: run.log_metrics(bad),
    "log_param key": lambda run, bad: run.log_param(bad, 1),
    "log_param value": lambda run, bad: run.log_param("bad", bad),
    "log_params": lambda run, bad: run.log_params(bad),
    "set_tag key": lambda run, bad: run.set_tag(bad, 1),
    "set_tags": lambda run, bad: run.set_tags(bad),
    "delete_tag": lambda run, bad: run.delete_tag(bad),
    "rename": lambda run, bad: run.rename(bad),
    "note": lambda run, bad: run.note(bad),
    "log_artifact": lambda run, bad: run.log_artifact(bad),
    "log_artifact path": lambda run, bad: run.log_artifact(__file__, bad),
    "log_artifacts": lambda run, bad: run.log_artifacts(bad),
    "log_text": lambda run, bad: run.log_text(bad, "x.txt"),
    "log_text path": lambda run, bad: run.log_text("text", bad),
    "log_dict": lambda run, bad: run.log_dict(bad, "x.json"),
    "log_dict path": lambda run, bad: run.log_dict({}, bad),
    "log_figure": lambda run, bad: run.log_figure(bad, "x.png"),
    "log_image": lambda run, bad: run.log_image(bad, "x.png"),
    "log_table": lambda run, bad: run.log_table(bad, "x.csv"),
    "log_dataset": lambda run, bad: run.log_dataset(bad),
    "log_dataset name": lambda run, bad: run.log_dataset([1.0], name=bad),
    "log_dataset context": lambda run, bad: run.log_dataset([1.0], context=bad),
    "log_dataset source": lambda run, bad: run.log_dataset([1.0], source=bad),
    "log_model": lambda run, bad: run.log_model(bad),
    "log_model path": lambda run, bad: run.log_model(object(), bad),
}


@pytest.mark.parametrize("call", CALLS)
def test_bad_arguments_cost_themselves_only(
    call: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")  # which is the folder that "" names
    with autotrack.start_run("it") as run:
        run.log_metric("bad", 0.0, 0)
        for bad in BAD:
            CALLS[call](run, bad)
        run.log_param("after", "kept")
        run.set_tag("after", "kept")
        run.log_metric("after", 1.0)
    assert (run.status, run.params["after"], run.tags["after"], run.metrics["after"]) == ("FINISHED", "kept", "kept", 1)
    assert run.health or call in {"log_param value", "log_dict", "note"}


@pytest.mark.parametrize("field", ["name", "experiment", "tags", "parent"])
@pytest.mark.parametrize(
    "bad", [bad for bad in BAD if bad is not None and bad != {}], ids=lambda bad: type(bad).__name__
)
def test_a_run_starts_whatever_it_is_called(field: str, bad: Any, store: Path) -> None:
    with autotrack.start_run(**{field: bad}) as run:
        run.log_metric("loss", 1.0)
    assert run.metrics == {"loss": 1.0}
    assert (run.status, run.parent) == ("FINISHED", None)
    assert run.health or isinstance(bad, dict) or not bad


@pytest.mark.parametrize("text", ["\udcff", "a\0b", "é\ud800" * 9000], ids=["undecodable", "NUL", "long"])
def test_an_error_in_any_words_leaves_unharmed(text: str, store: Path) -> None:
    """An undecodable file name in an exception is a lone surrogate: the run is FAILED, and the same object arrives."""
    error = ValueError(text)
    with pytest.raises(ValueError) as caught, autotrack.start_run() as run:
        run.note(text)
        raise error
    assert caught.value is error
    assert run.status == "FAILED"
    assert "ValueError" in (run.error or "")
    assert not {"\0", "\ud800", "\udcff"} & set(run.error or "")


def test_a_record_that_no_journal_takes_keeps_nothing_waiting(store: Path) -> None:
    """Found here: one record that is not JSON stood at the head of the queue, and all that came after it was lost."""
    with autotrack.start_run() as run:
        with run.refusing("records", "a record"):
            run._write({"k": "tags", "tags": {"a": object()}})
        run.log_param("after", 1)
    assert run.params == {"after": "1"}
    assert run.health["refused_records"] == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(max_size=20), experiment=st.text(max_size=20), path=st.text(max_size=20), context=st.text(max_size=20)
)
def test_names_come_back_or_are_refused_by_name(
    name: str, experiment: str, path: str, context: str, store: Path
) -> None:
    """R17 for runs, experiments, data sets and files: equal, or refused with a note that names the field."""
    with autotrack.start_run(name, experiment=experiment) as run:
        run.log_text("content", path)
        run.log_dataset([1.0], context=context)
    notes = " ".join(run.health.get("refusals", []))
    assert run.name == name or "name of a run" in notes
    assert run.experiment == experiment or (run.experiment == "default" and "experiment of start_run" in notes)
    assert [file.path for file in run.artifacts] == [path] or "log_text" in notes
    assert [data.context for data in run.datasets] == [context] or "log_dataset" in notes
    if run.artifacts:
        assert (Path(run.artifact_uri) / path).read_text() == "content"


@pytest.mark.parametrize("size", [0, 1, 250, 6000, 6001, 65536, 10_000_000])
def test_long_notes_texts_and_names_are_never_cut(size: int, store: Path) -> None:
    text = "é" * size
    with autotrack.start_run("x" * size) as run:
        run.note(text)
        run.log_text(text, "it.txt")
    assert run.health["notes"] == [text]
    assert (Path(run.artifact_uri) / "it.txt").read_text() == text
    assert run.name == "x" * size or "name of a run" in run.health["refusals"][0]


NULL = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")


@pytest.mark.parametrize("variable", NULL)
def test_ranks_above_zero_record_nothing_and_crash_nowhere(
    variable: str, store: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """R12: every public method and property of a run, on a rank that records nothing."""
    for name in NULL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "1")
    given: dict[str, tuple[Any, ...]] = {
        "log_metric": ("a", 1.0), "log_metrics": ({"a": 1.0},), "log_param": ("a", 1), "log_params": ({"a": 1},),
        "set_tag": ("a", 1), "set_tags": ({"a": 1},), "delete_tag": ("a",), "rename": ("b",), "add_children": ([],),
        "note": ("n",), "note_failure": (Failure("s", "e"),), "log_artifact": (__file__,),
        "log_artifacts": (str(Path(__file__).parent),), "log_text": ("t", "t.txt"), "log_dict": ({}, "d.json"),
        "log_figure": (None, "f.png"), "log_image": (None, "i.png"), "log_table": ({"a": [1]}, "t.csv"),
            "log_chart": ({}, "c"), "prune": ("p", ()),
        "log_dataset": ([1.0],), "log_model": (object(),), "put": ("p", b""), "put_model": (object(), "m"),
        "finish": (), "refresh": (),
        "add_model": (ModelRecord("m", "f", "c", 0),), "metric_history": ("a",),
        "metric_summaries": (), "end": ("FINISHED", None, None), "leave_open": (), "write_health": (),
        "refusing": ("tags", "it"), "has_metric": ("a",), "log_points": ("a", [1], [1], [1.0]),
    }  # fmt: skip
    with autotrack.start_run("none") as run:
        names = [name for name in dir(run) if not name.startswith("_") and name != "begin"]
        for name in names:
            member = getattr(run, name)
            if callable(member) and name not in {"at_end", "parent"}:
                member(*given[name])
    for name, arguments in given.items():
        function = getattr(autotrack, name, None)
        if function is not None:
            function(*arguments)
    assert len(run.metric_history("a")) == 0
    assert repr(run) and run == run and hash(run) is not None
    with autotrack.start_run(parent=run):
        pass
    autotrack.enable()
    autotrack.disable()
    assert not (store / "journal").exists()
    assert capfd.readouterr() == ("", "")


def test_a_run_under_one_that_is_not_recorded_is_nobodys_child(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    none = autotrack.start_run()
    monkeypatch.delenv("RANK")
    none.finish()
    with autotrack.start_run(parent=none) as run:
        pass
    assert run.parent is None
