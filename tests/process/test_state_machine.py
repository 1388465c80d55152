"""R9: any order of logging, ending, resuming, killing, delivering and copying leaves the store equal to a model."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from autotrack.store.store import Store
from tests import postgres

# Takes one JSON command a line, and acknowledges each when the call has returned.
WORKER = """
import json, os, sys
import autotrack
runs = {}
def serve(lines, out):
    for line in lines:
        op, *rest = json.loads(line)
        answer = None
        if op == "start":
            run = autotrack.start_run(rest[0], experiment=rest[1], parent=rest[2]); runs[run.id] = run; answer = run.id
        elif op == "resume":
            runs[rest[0]] = autotrack.get_run(rest[0])
        elif op == "point":
            runs[rest[0]].log_metric(rest[1], rest[2], rest[3])
        elif op == "params":
            runs[rest[0]].log_params(rest[1])
        elif op == "tags":
            runs[rest[0]].set_tags(rest[1])
        elif op == "untag":
            runs[rest[0]].delete_tag(rest[1])
        elif op == "children":
            runs[rest[0]].add_children(rest[1])
        elif op == "finish":
            runs[rest[0]].finish(rest[1])
        elif op == "read":
            answer = len(autotrack.search_runs(max_results=100000))
        elif op == "quit":
            out.write("null\\n"); out.flush()
            return
        out.write(json.dumps(answer) + "\\n"); out.flush()
serve(sys.stdin, sys.stdout)
"""


class Worker:
    """A real process that records through the public names."""

    def __init__(self, store: str, folder: Path) -> None:
        environment = {**os.environ, "AUTOTRACK_TRACKING_URI": store}
        command = [sys.executable, "-c", WORKER]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, cwd=folder
        )
        self.open: set[str] = set()  # runs that it started and has not ended
        self.known: set[str] = set()  # runs that it may write to

    def ask(self, *command: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the worker died of {command}"
        return json.loads(line)

    def end(self, signum: int | None) -> None:
        if signum is None:
            self.ask("quit")
        else:
            self.process.send_signal(signum)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@dataclass
class Expected:
    """What the store is to say of a run."""

    status: str = "RUNNING"
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    parent: str | None = None


KEYS = st.sampled_from(["loss", "é/%", "a b"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = st.floats() | st.integers(-(2**63), 2**63 - 1)


def same(a: float, b: float) -> bool:
    return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)


class Recording(RuleBasedStateMachine):
    """Two writers and a store; the model is a dict of runs."""

    #: A PostgreSQL database; None: a folder.
    database: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="autotrack-machine-"))
        self.root = self.folder / ".autotrack"
        self.uri = str(self.root)
        self.journal = self.root / "journal"
        if self.database is not None:
            postgres.emptied(self.database)
            self.root.mkdir()
            self.uri = self.database
            with closing(self._store()) as store:
                self.journal = store.place.journal
        self.workers: list[Worker | None] = [None, None]
        self.model: dict[str, Expected] = {}
        self.copies: list[Path] = []
        self.clean = True

    def _store(self) -> Store:
        return Store.open(self.uri, root=self.root)

    @initialize()
    def begin(self) -> None:
        self._worker(0)

    def _worker(self, number: int) -> Worker:
        worker = self.workers[number]
        if worker is None:
            worker = self.workers[number] = Worker(self.uri, self.folder)
        return worker

    def _pick(self, data: st.DataObject, *, only_open: bool = False) -> tuple[Worker, str] | None:
        choices = [
            (worker, run)
            for worker in self.workers
            if worker
            for run in sorted(worker.open if only_open else worker.known | worker.open, key=list(self.model).index)
        ]
        return data.draw(st.sampled_from(choices)) if choices else None

    @rule(number=st.integers(0, 1), child=st.booleans(), experiment=st.sampled_from(["default", "x/é"]))
    def start(self, number: int, child: bool, experiment: str) -> None:
        worker = self._worker(number)
        others = [run for run in self.model if len(run) == 32]
        # Inside an open run a new one is its child, unless another parent is named.
        run = worker.ask("start", "r", experiment, others[0] if child and others else None)
        self.model[run] = Expected()
        self.model[run].parent = "any"
        worker.open.add(run)

    @rule(
        data=st.data(),
        key=KEYS,
        values=st.lists(st.tuples(st.integers(-3, 5) | st.just(2**63 - 1), VALUES), max_size=6),
    )
    def log(self, data: st.DataObject, key: str, values: list[tuple[int, float]]) -> None:
        picked = self._pick(data)
        if picked:
            worker, run = picked
            for step, value in values:
                worker.ask("point", run, key, value, step)
                self.model[run].points.setdefault(key, []).append((step, value))

    @rule(data=st.data(), texts=st.dictionaries(KEYS, TEXTS, max_size=3), kind=st.sampled_from(["params", "tags"]))
    def describe(self, data: st.DataObject, texts: dict[str, str], kind: str) -> None:
        picked = self._pick(data)
        if picked:
            self._settle(picked[0], picked[1])
            picked[0].ask(kind, picked[1], texts)
            getattr(self.model[picked[1]], kind).update(texts)

    @rule(data=st.data(), key=KEYS)
    def untag(self, data: st.DataObject, key: str) -> None:
        picked = self._pick(data)
        if picked:
            self._settle(picked[0], picked[1])
            picked[0].ask("untag", picked[1], key)
            self.model[picked[1]].tags.pop(key, None)

    def _settle(self, worker: Worker, run: str) -> None:
        """Where two processes set the same tag, the store has the one that was delivered last: deliver in order."""
        if sum(run in (other.known | other.open) for other in self.workers if other) > 1 or run in worker.known:
            self.deliver()

    @rule(data=st.data(), count=st.integers(1, 3))
    def children(self, data: st.DataObject, count: int) -> None:
        picked = self._pick(data, only_open=True)
        if picked:
            worker, run = picked
            records = [
                {"id": os.urandom(16).hex(), "name": f"c{n}", "started": 1, "ended": 2, "status": "FINISHED",
                 "params": {"n": str(n)}, "metrics": {"score": n / 3}, "tags": {}}
                for n in range(count)
            ]  # fmt: skip
            worker.ask("children", run, records)
            for n, record in enumerate(records):
                self.model[str(record["id"])] = Expected("FINISHED", {"score": [(0, n / 3)]}, {"n": str(n)}, parent=run)

    @rule(data=st.data(), status=st.sampled_from(["FINISHED", "FAILED", "KILLED"]))
    def finish(self, data: st.DataObject, status: str) -> None:
        picked = self._pick(data, only_open=True)
        if picked:
            worker, run = picked
            worker.ask("finish", run, status)
            self.model[run].status = status
            worker.open.discard(run)
            worker.known.add(run)

    @rule(data=st.data(), number=st.integers(0, 1))
    def resume(self, data: st.DataObject, number: int) -> None:
        if self.model:
            run = data.draw(st.sampled_from(list(self.model)))
            worker = self._worker(number)
            if run not in worker.open:
                self.deliver()
                worker.ask("resume", run)
                worker.known.add(run)

    @rule(number=st.integers(0, 1), how=st.sampled_from([signal.SIGKILL, signal.SIGTERM, None]))
    def die(self, number: int, how: int | None) -> None:
        worker = self.workers[number]
        if worker:
            worker.end(how)
            self.workers[number] = None
            ending = {signal.SIGKILL: "CRASHED", signal.SIGTERM: "KILLED", None: "FINISHED"}[how]  # type: ignore[index]
            for run in worker.open:
                self.model[run].status = ending

    @rule()
    def copy_journals(self) -> None:
        for path in self.journal.glob("*.atj"):
            target = self.folder / f"copy{len(self.copies)}-{path.name}"
            shutil.copy(path, target)
            self.copies.append(target)

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def copies_come_back(self, data: st.DataObject) -> None:
        """A backup of a journal, delivered again, adds nothing."""
        copy = data.draw(st.sampled_from(self.copies))
        original = self.journal / copy.name.split("-", 1)[1]
        if not original.exists():  # its writer is dead and delivered, or it would be two files of one name
            self.deliver()
            if not original.exists():
                self.journal.mkdir(parents=True, exist_ok=True)
                shutil.copy(copy, original)

    @rule()
    def deliver(self) -> None:
        with closing(self._store()) as store:
            store.deliver(self.journal)

    @rule()
    def two_readers_at_once(self) -> None:
        code = "import autotrack; print(len(autotrack.search_runs(max_results=100000)))"
        environment = {**os.environ, "AUTOTRACK_TRACKING_URI": self.uri}
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment, text=True, cwd=self.folder
            )
            for _ in range(2)
        ]
        for reader in readers:
            out, _ = reader.communicate()
            assert reader.returncode == 0 and int(out) <= len(self.model)

    @invariant()
    def the_store_is_the_model(self) -> None:
        if not self.root.exists():
            return
        store = self._store()
        try:
            found = {run.id: run for run in store.runs(max_results=100_000)}
            assert found.keys() == self.model.keys()
            for run, expected in self.model.items():
                record = found[run]
                assert str(record.status) == expected.status
                assert dict(record.params) == expected.params
                assert {
                    key: text for key, text in record.tags.items() if not key.startswith(("autotrack.", "system."))
                } == expected.tags
                assert expected.parent == "any" or record.parent == expected.parent
                assert {key for key in record.metrics if not key.startswith("system")} == {
                    key for key, points in expected.points.items() if points
                }
                for key, points in expected.points.items():
                    if points:
                        history = store.metric_history(run, key)
                        rows = list(zip(history.steps.tolist(), history.values.tolist(), strict=True))
                        assert len(rows) == len(points)
                        ordered = sorted(points, key=lambda point: point[0])
                        assert [step for step, _ in rows] == [step for step, _ in ordered]
                        assert all(
                            any(same(value, other) for step, other in points if step == at) for at, value in rows
                        )
            assert store.check() == []
        finally:
            store.close()

    def teardown(self) -> None:
        for worker in self.workers:
            if worker:
                worker.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


class OnPostgreSQL(Recording):
    """The same, with a database that is everybody's."""


def run_machine(
    examples: int, steps: int, environment: pytest.MonkeyPatch, machine: type[Recording] = Recording
) -> None:
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        environment.delenv(name)
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=CHECKS,
            print_blob=True,
            database=None,
        ),
    )


def test_the_store_equals_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    run_machine(6, 15, monkeypatch)


def test_a_database_equals_the_model(monkeypatch: pytest.MonkeyPatch, postgresql: str) -> None:
    monkeypatch.setattr(OnPostgreSQL, "database", postgresql)
    run_machine(3, 12, monkeypatch, OnPostgreSQL)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif("AUTOTRACK_TEST_NIGHTLY" not in os.environ, reason="set AUTOTRACK_TEST_NIGHTLY=1: takes an hour")
def test_the_store_equals_the_model_at_length(monkeypatch: pytest.MonkeyPatch) -> None:
    run_machine(500, 50, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif("AUTOTRACK_TEST_NIGHTLY" not in os.environ, reason="set AUTOTRACK_TEST_NIGHTLY=1: takes an hour")
def test_a_database_equals_the_model_at_length(monkeypatch: pytest.MonkeyPatch, postgresql: str) -> None:
    monkeypatch.setattr(OnPostgreSQL, "database", postgresql)
    run_machine(300, 50, monkeypatch, OnPostgreSQL)
