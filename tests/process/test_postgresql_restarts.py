"""A PostgreSQL server that is restarted, and trainings that are killed, in the middle: nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autotrack.core.errors import UnavailableError
from autotrack.core.journal import Cursor
from autotrack.core.journal.reader import Batch
from autotrack.store.store import Store
from tests import postgres

ROUND = 400
TRAINING = """
import sys
import autotrack
run = autotrack.start_run(sys.argv[1], experiment="shared")
print(run.id, flush=True)
step = 0
for line in sys.stdin:
    for step in range(step, step + int(line)):
        run.log_metric("loss", step * 0.5, step)
        run.log_metric("other", -float(step), step)
    step += 1
    print(step, flush=True)
run.finish()
"""


class Training:
    """A program on a machine of its own: another folder for its journals."""

    def __init__(self, number: int, uri: str, folder: Path) -> None:
        self.root = folder / f"machine{number}" / ".autotrack"
        self.root.mkdir(parents=True)
        environment = {**os.environ, "AUTOTRACK_TRACKING_URI": uri, "HOME": str(self.root.parent)}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", TRAINING, f"t{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=self.root.parent,
            text=True,
        )
        self.run = self.told()
        self.acknowledged = 0

    def told(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{ROUND}\n")
        self.process.stdin.flush()

    def answered(self) -> None:
        self.acknowledged = int(self.told())

    def end(self, signum: int | None = None) -> None:
        if signum is not None:
            self.process.send_signal(signum)
        _, errors = self.process.communicate()
        if signum is None:
            assert self.process.returncode == 0 and "Traceback" not in errors, errors


class Sender:
    """Sends batches without a journal, as a server's worker does, and remembers what was acknowledged."""

    def __init__(self, store: Store, run: str) -> None:
        self.store, self.run, self.acknowledged = store, run, 0
        self.away = self.longest = 0.0
        self.failures: list[BaseException] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        start = {"k": "run_start", "t": 1, "r": self.run, "name": "sent", "experiment": "shared", "tags": {}}
        try:
            while not self._stop.is_set():
                at = self.acknowledged
                tag = {"k": "tags", "t": at + 1, "r": self.run, "tags": {f"t{at}": str(at)}}
                batch = Batch([start, tag], [], Cursor(at + 1, 0), 0, False)
                try:
                    self.store.apply("e" * 32, Cursor(at, 0), batch)
                    self.acknowledged, self.away = at + 1, 0.0
                except UnavailableError:
                    self.away = self.away or time.monotonic()
        except BaseException as error:
            self.failures.append(error)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def until(what: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to that in time"


@pytest.fixture
def own_server(worker_id: str) -> Iterator[postgres.Server]:
    """A server that nobody else uses."""
    server = postgres.Server(Path(os.environ[postgres.FOLDER]) / f"own-{worker_id}")
    server.make()
    yield server
    server.stop()


@pytest.mark.slow
def test_a_server_that_is_restarted_costs_no_acknowledged_point(own_server: postgres.Server, tmp_path: Path) -> None:
    uri = own_server.made("shared")
    trainings = [Training(number, uri, tmp_path) for number in range(3)]
    with closing(Store.open(uri, root=tmp_path / "reader")) as store:
        sender = Sender(store, "e" * 32)
        for _ in range(2):
            for each in trainings:
                each.ask()
            reached = sender.acknowledged
            until(lambda: sender.acknowledged > reached + 20)
            own_server.stop("immediate")
            until(lambda: sender.away > 0)
            for each in trainings:
                each.answered()  # logging does not wait for a server that is away
                each.ask()
            trainings[-1].end(signal.SIGKILL)
            for each in trainings[:-1]:
                each.answered()
            own_server.start()
            back, reached = time.monotonic(), sender.acknowledged
            until(lambda: sender.acknowledged > reached + 5)
            assert time.monotonic() - back < 5
            killed = trainings.pop()
            check(uri, killed, "CRASHED")
        for each in trainings:
            each.end()
            check(uri, each, "FINISHED")
        sender.stop()
        assert sender.failures == []
        assert set(store.run(sender.run).tags) == {f"t{n}" for n in range(sender.acknowledged)}
        assert store.check() == []


def check(uri: str, training: Training, status: str) -> None:
    """Everything that was acknowledged is there once, in order, and nothing else but what was on its way."""
    with closing(Store.open(uri, root=training.root)) as store:
        found = store.run(training.run)
        assert found.status == status
        for key, factor in (("loss", 0.5), ("other", -1.0)):
            history = store.metric_history(training.run, key)
            steps = history.steps.tolist()
            assert steps == list(range(len(steps))) and len(steps) >= training.acknowledged
            assert len(steps) <= training.acknowledged + ROUND
            assert history.values.tolist() == [step * factor for step in steps]
