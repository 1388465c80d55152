"""How fits end, and how they go on: exceptions, Ctrl-C, signals, checkpoints of earlier runs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import autotrack
from tests.plugins.lightning.nets import NAMES, lightning, loaders, net, trainer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(params=NAMES)
def pl(request: pytest.FixtureRequest, store: Path) -> Iterator[ModuleType]:
    found = lightning(request.param)
    autotrack.enable(silent=True)
    yield found
    autotrack.disable()


def only_run() -> Any:
    runs = autotrack.search_runs()
    assert len(runs) == 1
    return runs[0]


def test_an_exception_is_a_failed_run_and_the_same_exception(pl: ModuleType, tmp_path: Path) -> None:
    module = net(pl, fails_at=3)
    with pytest.raises(RuntimeError) as caught:
        trainer(pl, tmp_path).fit(module, *loaders())
    assert caught.value is module.raises
    run = only_run()
    assert run.status == "FAILED" and "the step failed" in run._view().error
    assert len(run.metric_history("train_loss_step")) == 3 and run.params["optimizer"] == "Adam"


def test_a_failure_before_the_first_step_is_a_failed_run(pl: ModuleType, tmp_path: Path) -> None:
    module = net(pl)
    module.configure_optimizers = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        trainer(pl, tmp_path).fit(module, *loaders())
    assert only_run().status == "FAILED" and only_run().params["hidden"] == "8"


@pytest.fixture
def ctrl_c_works_again() -> Iterator[None]:
    """Lightning leaves SIGINT ignored after a Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_a_killed_run_though_lightning_exits_by_itself(
    pl: ModuleType, tmp_path: Path, ctrl_c_works_again: None
) -> None:
    module = net(pl, fails_at=3)
    module.raises = KeyboardInterrupt()
    with pytest.raises(SystemExit) as caught:
        trainer(pl, tmp_path).fit(module, *loaders())
    assert caught.value.code == 1
    assert only_run().status == "KILLED" and "KeyboardInterrupt" in only_run()._view().error


def test_sigterm_is_a_killed_run(pl: ModuleType, tmp_path: Path) -> None:
    class Terminated(pl.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, index: int) -> None:
            if index == 2:
                signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit):
            trainer(pl, tmp_path, callbacks=[Terminated()]).fit(net(pl), *loaders())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert only_run().status == "KILLED"


def test_a_fit_from_a_checkpoint_goes_on_with_its_run(pl: ModuleType, tmp_path: Path) -> None:
    module = net(pl, fails_at=12)
    fitting = trainer(pl, tmp_path, callbacks=[pl.callbacks.ModelCheckpoint(tmp_path, save_last=True)])
    with pytest.raises(RuntimeError):
        fitting.fit(module, *loaders())
    first = only_run()
    assert first.status == "FAILED"
    elsewhere = tmp_path / "moved.ckpt"
    Path(fitting.checkpoint_callback.best_model_path).rename(elsewhere)
    trainer(pl, tmp_path, max_epochs=3).fit(net(pl), *loaders(), ckpt_path=str(elsewhere))
    run = only_run()
    assert run.id == first.id and run.status == "FINISHED" and run.started == first.started
    assert run._view().error is None
    steps = sorted(run.metric_history("train_loss_step").steps)
    assert steps == sorted([*range(12), *range(8, 24)]), "8 to 11 were done twice: from the checkpoint on"
    assert run.params["trainer.max_epochs"] == "3"
    assert run.tags["lightning.from_checkpoint"] in run.tags["lightning.checkpoints"].split()


def test_a_keyword_finds_the_checkpoint_too(pl: ModuleType, tmp_path: Path) -> None:
    def saving() -> Any:
        return [pl.callbacks.ModelCheckpoint(tmp_path / "kept", save_last=True)]

    trainer(pl, tmp_path, callbacks=saving()).fit(net(pl), *loaders())
    first = only_run()
    trainer(pl, tmp_path, callbacks=saving(), max_epochs=4).fit(net(pl), *loaders(), ckpt_path="last")
    assert only_run().id == first.id and len(only_run().metric_history("val_loss")) == 4


def test_a_strange_checkpoint_begins_a_run_that_says_so(pl: ModuleType, tmp_path: Path) -> None:
    autotrack.disable()
    fitting = trainer(pl, tmp_path)
    fitting.fit(net(pl), *loaders())
    autotrack.enable(silent=True)
    assert autotrack.search_runs() == []
    path = fitting.checkpoint_callback.best_model_path
    trainer(pl, tmp_path, max_epochs=3).fit(net(pl), *loaders(), ckpt_path=path)
    assert len(only_run().tags["lightning.from_checkpoint"]) == 32


def test_a_run_that_is_still_recorded_is_not_joined(pl: ModuleType, tmp_path: Path) -> None:
    with autotrack.start_run("open"):
        fitting = trainer(pl, tmp_path)
        fitting.fit(net(pl), *loaders())
        path = fitting.checkpoint_callback.best_model_path
        import contextvars

        go_on = trainer(pl, tmp_path, max_epochs=3)
        contextvars.Context().run(go_on.fit, net(pl), *loaders(), ckpt_path=path)
    assert len(autotrack.search_runs()) == 2


def test_a_checkpoint_that_the_user_saves_after_the_fit_counts(pl: ModuleType, tmp_path: Path) -> None:
    fitting = trainer(pl, tmp_path, enable_checkpointing=False)
    fitting.fit(net(pl), *loaders())
    fitting.save_checkpoint(tmp_path / "own.ckpt")
    trainer(pl, tmp_path, max_epochs=3).fit(net(pl), *loaders(), ckpt_path=tmp_path / "own.ckpt")
    assert only_run().metrics["epoch"] == 2


def test_another_process_goes_on_with_the_run(store: Path, tmp_path: Path, script: Any) -> None:
    source = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        import autotrack
        from tests.plugins.lightning.nets import lightning, loaders, net, trainer
        pl = lightning("lightning.pytorch")
        autotrack.enable()
        path = sys.argv[2] if len(sys.argv) > 2 else None
        fitting = trainer(pl, {str(tmp_path)!r}, max_epochs=int(sys.argv[1]))
        fitting.fit(net(pl), *loaders(), ckpt_path=path)
        print(fitting.checkpoint_callback.best_model_path)
    """
    first = script(source, "1", timeout=110)
    assert first.returncode == 0, first.stderr
    second = script(source, "2", first.stdout.strip().splitlines()[-1], timeout=110)
    assert second.returncode == 0, second.stderr
    assert only_run().status == "FINISHED" and len(only_run().metric_history("train_loss_step")) == 16
