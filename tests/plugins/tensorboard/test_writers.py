"""SummaryWriters of tensorboard (as torch and Lightning use them) and of tensorboardX, with real runs."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import autotrack_tensorboard
import pytest

import autotrack
from autotrack.core.runs.resuming import reopen, resumable
from autotrack.core.runs.run import Run
from autotrack.core.runs.trackers import tracker
from tests.conftest import Script


class Plain:
    """``torch.utils.tensorboard``'s way to TensorBoard's own writer, without torch."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.writer = EventFileWriter(str(folder))

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=time.time(), step=step)
        event.summary.value.add(tag=tag, simple_value=value)
        self.writer.add_event(event)

    def close(self) -> None:
        self.writer.close()


def tensorboardx(folder: Path) -> Any:
    import tensorboardX

    return tensorboardX.SummaryWriter(str(folder))


KINDS = pytest.mark.parametrize("make", [Plain, tensorboardx], ids=["tensorboard", "tensorboardX"])


@pytest.fixture
def enabled(store: Path) -> Iterator[Path]:
    autotrack.enable(silent=True)
    yield store


def history(run: Run, key: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in run.metric_history(key)]


@KINDS
def test_scalars_of_an_open_writer_are_on_the_run_when_it_ends(enabled: Path, tmp_path: Path, make: Any) -> None:
    with autotrack.start_run() as run:
        writer = make(tmp_path / "log")
        for step in range(200):
            writer.add_scalar("loss", step / 4, step)
    assert history(run, "loss") == [(step, step / 4) for step in range(200)]
    (kept,) = run.artifacts
    assert kept.path.startswith("tensorboard/events.out.tfevents.") and kept.size > 200 * 30
    assert run.tags["tensorboard.folder"] == str(tmp_path / "log")
    assert run.started <= run.metric_history("loss")[0].timestamp <= (run.ended or 0)
    writer.close()
    assert len(autotrack.search_runs()) == 1


@KINDS
def test_each_run_gets_what_was_written_while_it_was_open(enabled: Path, tmp_path: Path, make: Any) -> None:
    writer = make(tmp_path / "log")
    writer.add_scalar("loss", 0.0, 0)  # before any run: it belongs to the one that comes
    runs = []
    for number in (1, 2):
        with autotrack.start_run() as run:
            writer.add_scalar("loss", float(number), number)
        runs.append(run)
        writer.add_scalar("after", float(number), number)
    writer.close()
    assert [history(run.refresh(), "loss") for run in runs] == [[(0, 0.0), (1, 1.0)], [(2, 2.0)]]
    assert [history(run.refresh(), "after") for run in runs] == [[(1, 1.0)], [(2, 2.0)]]
    assert len(autotrack.search_runs()) == 2


@KINDS
def test_a_writer_alone_makes_a_run(enabled: Path, tmp_path: Path, make: Any) -> None:
    writer = make(tmp_path / "exp7")
    writer.add_scalar("loss", 0.5, 3)
    writer.close()
    (run,) = autotrack.search_runs()
    assert (run.name, run.status, history(run, "loss")) == ("exp7", "FINISHED", [(3, 0.5)])
    assert [each.path.startswith("tensorboard/") for each in run.artifacts] == [True]


@KINDS
def test_a_writer_without_scalars_makes_none(enabled: Path, tmp_path: Path, make: Any) -> None:
    make(tmp_path / "empty").close()
    assert autotrack.search_runs() == []


def test_splits_and_lines_have_names_of_their_own(enabled: Path, tmp_path: Path) -> None:
    with autotrack.start_run() as run:
        for part in ("train", "val"):
            writer = tensorboardx(tmp_path / "log" / part)
            writer.add_scalar("loss", 1.0, 1)
            writer.add_scalars("both/x", {"a": 1.0, "b": 2.0}, 1)
            writer.close()
    expected = {f"{part}/{key}" for part in ("train", "val") for key in ("loss", "both/x/a", "both/x/b")}
    assert set(run.metrics) == expected


def test_hyperparameters_become_params_and_secrets_stay_at_home(enabled: Path, tmp_path: Path) -> None:
    secret = "hunter2-hunter2-hunter2"
    with autotrack.start_run() as run:
        writer = tensorboardx(tmp_path / "log")
        writer.add_hparams({"lr": 0.1, "layers": 3, "name": "adam", "on": True}, {"hp/acc": 0.5})
        writer.add_text("db_password", secret)
        writer.add_text("harmless", "words that stay")
    assert run.params == {"lr": "0.1", "layers": "3", "name": "adam", "on": "True"}
    assert run.metrics == {"hp/acc": 0.5}
    content = b"".join((Path(run.artifact_uri) / each.path).read_bytes() for each in run.artifacts)
    assert secret.encode() not in content and b"words that stay" in content
    assert any("secret" in note for note in run.health["notes"])
    assert secret.encode() in b"".join(file.read_bytes() for file in (tmp_path / "log").glob("events*"))
    writer.close()


def test_a_metric_of_the_users_own_is_not_mixed_with_a_tag(enabled: Path, tmp_path: Path) -> None:
    with autotrack.start_run() as run:
        run.log_metric("loss", 9.0, 0)
        writer = Plain(tmp_path / "log")
        writer.add_scalar("loss", 1.0, 1)
    assert history(run, "loss") == [(0, 9.0)] and history(run, "tensorboard/loss") == [(1, 1.0)]
    writer.close()


def test_files_are_kept_up_to_a_limit(enabled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autotrack.core.plugins.registry import forget_plugins

    monkeypatch.setenv("AUTOTRACK_TENSORBOARD_KEEP_BYTES", "2000")
    forget_plugins()
    with autotrack.start_run() as run:
        for count in (10, 100):
            writer = Plain(tmp_path / str(count))
            for step in range(count):
                writer.add_scalar("loss", 1.0, step)
            writer.close()
    forget_plugins()
    assert len(run.artifacts) == 1 and run.artifacts[0].size < 2000
    assert any("keep_bytes" in note for note in run.health["notes"])


def test_files_of_a_run_that_is_gone_on_with(enabled: Path, tmp_path: Path) -> None:
    """As of a training that goes on from a checkpoint: another object of the same run, and the first one goes."""
    first = autotrack.start_run("a", tags={"mark": "abc1"})
    with closing(Plain(tmp_path / "one")) as writer:
        writer.add_scalar("loss", 1.0, 0)
    first.finish()
    earlier = resumable(tracker(), "mark", "abc1")
    assert earlier is not None
    again = reopen(tracker(), earlier, time.time_ns())
    gone = weakref.ref(first)
    with closing(Plain(tmp_path / "two")) as writer:
        writer.add_scalar("loss", 0.5, 1)
        writer.writer.flush()
        with autotrack_tensorboard._follow()._lock:
            autotrack_tensorboard._follow()._look()
        del first
        gc.collect()
        assert gone() is None, "somebody holds the first object, and this test says nothing"
        again.end("FINISHED", None, None)
    kept = [record.path for record in again.artifacts if record.path.startswith("tensorboard/")]
    assert sorted(path.count("/two/") for path in kept) == [0, 1]
    assert history(again, "loss") == [(0, 1.0)] and history(again, "two/loss") == [(1, 0.5)]


def test_the_end_of_a_program_leaves_nothing_in_memory(store: Path, script: Script) -> None:
    script(
        """
        import autotrack, tensorboardX
        autotrack.enable()
        writer = tensorboardX.SummaryWriter("logs/a")
        for step in range(50):
            writer.add_scalar("loss", step / 2, step)
        raise ValueError("the training broke")
        """
    )
    (run,) = autotrack.search_runs()
    assert (run.name, run.status, len(run.metric_history("loss"))) == ("a", "FAILED", 50)


def test_a_killed_program_keeps_what_was_flushed(store: Path, script: Script) -> None:
    script(
        """
        import os, signal, threading, autotrack, tensorboardX
        from autotrack_tensorboard import following
        following.PAUSE = 0.02
        autotrack.enable()
        run = autotrack.start_run()
        writer = tensorboardX.SummaryWriter("logs/a")
        for step in range(50):
            writer.add_scalar("loss", step / 2, step)
        limit = threading.Event()
        for _ in range(500):
            writer.flush()
            if run.has_metric("loss") and not writer.file_writer.event_writer._event_queue.qsize():
                break
            limit.wait(0.02)
        limit.wait(0.2)  # that the series is known is said a moment before its first points are kept
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    (run,) = autotrack.search_runs()
    assert run.status == "CRASHED" and history(run, "loss")[0] == (0, 0.0)


def test_a_forked_child_writes_on_and_leaves_the_run_alone(store: Path, script: Script) -> None:
    done = script(
        """
        import os, autotrack, tensorboardX
        autotrack.enable()
        with autotrack.start_run() as run:
            writer = tensorboardX.SummaryWriter("logs/a")
            writer.add_scalar("loss", 1.0, 1)
            child = os.fork()
            if not child:
                own = tensorboardX.SummaryWriter("logs/child")
                own.add_scalar("loss", 2.0, 2)
                own.close()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        writer.close()
        assert not run.health, run.health
        """
    )
    assert done.returncode == 0, done.stderr
    (run,) = autotrack.search_runs()
    assert history(run, "loss") == [(1, 1.0)]


def test_nothing_is_changed_for_the_writer(enabled: Path, tmp_path: Path) -> None:
    def write(folder: Path) -> list[bytes]:
        writer = tensorboardx(folder)
        for step in range(20):
            writer.add_scalar("loss", step / 2, step, walltime=step + 1.0)
        writer.close()
        (file,) = folder.glob("events*")
        return [file.read_bytes()[-20 * 40 :], repr(sorted(vars(writer))).encode()]

    with autotrack.start_run():
        tracked = write(tmp_path / "tracked")
    autotrack.disable()
    assert write(tmp_path / "plain") == tracked
