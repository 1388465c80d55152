"""Lightning's trainer, watched: runs, metrics as its loggers get them, settings, checkpoints, what comes after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import autotrack_tensorboard
import pytest

import autotrack
from tests.plugins.lightning.nets import NAMES, lightning, loaders, net, points, remembering, trainer

# Lightning's advice on workers and logging intervals.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(params=NAMES)
def pl(request: pytest.FixtureRequest, store: Path) -> Iterator[ModuleType]:
    found = lightning(request.param)
    autotrack.enable(silent=True)
    yield found
    autotrack.disable()


@pytest.fixture
def one(store: Path) -> Iterator[ModuleType]:
    """One of the two, where they do not differ."""
    found = lightning("lightning.pytorch")
    autotrack.enable(silent=True)
    yield found
    autotrack.disable()


def only_run() -> Any:
    runs = autotrack.search_runs()
    assert len(runs) == 1
    return runs[0]


def test_event_files_of_tests_make_no_further_runs(one: ModuleType, tmp_path: Path) -> None:
    """Lightning opens a file more in the folder of the fit for each of ``test`` and ``predict``."""
    train, validation = loaders()
    fitting = trainer(one, tmp_path, logger=one.loggers.TensorBoardLogger(tmp_path))
    fitting.fit(net(one), train, validation)
    fitting.test(dataloaders=validation, verbose=False)
    fitting.predict(dataloaders=validation)
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) >= 2
    autotrack_tensorboard._follow().at_exit()  # as the end of the program does: writers without a run get theirs
    run = only_run()
    assert run.name == "Net" and any(key.startswith("test") for key in run.metrics)


def seeded_fit(pl: ModuleType, folder: Path, **options: Any) -> Any:
    import torch

    torch.manual_seed(3)
    fitting = trainer(pl, folder, **options)
    fitting.fit(net(pl), *loaders())
    return fitting


def test_metrics_are_what_a_logger_is_told_with_one_and_without(pl: ModuleType, tmp_path: Path) -> None:
    logger = remembering(pl)
    seeded_fit(pl, tmp_path, logger=logger)
    told = sorted(logger.told)
    assert {key for key, _, _ in told} == {"train_loss_step", "train_loss_epoch", "val_loss", "epoch"}
    assert points(only_run()) == told
    seeded_fit(pl, tmp_path)
    newest, first = autotrack.search_runs()
    assert points(newest) == points(first) == told


def test_two_loggers_count_once(one: ModuleType, tmp_path: Path) -> None:
    first, second = remembering(one), remembering(one)
    seeded_fit(one, tmp_path, logger=[first, second])
    assert points(only_run()) == sorted(first.told) == sorted(second.told)


def test_a_logger_that_tells_its_base_class_counts_once(one: ModuleType, tmp_path: Path) -> None:
    Base = type(remembering(one))

    class Telling(Base):  # type: ignore[misc, valid-type]
        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            super().log_metrics(metrics, step)

    logger = Telling()
    seeded_fit(one, tmp_path, logger=logger)
    assert points(only_run()) == sorted(logger.told)


def test_what_callbacks_and_users_tell_a_logger_counts(one: ModuleType, tmp_path: Path) -> None:
    class Own(one.Callback):  # type: ignore[misc, name-defined]
        def on_train_end(self, trainer: Any, module: Any) -> None:
            trainer.logger.log_metrics({"mine": 7.0}, step=16)

    logger = remembering(one)
    seeded_fit(one, tmp_path, logger=logger, callbacks=[one.callbacks.LearningRateMonitor("step"), Own()])
    run = only_run()
    assert len(run.metric_history("lr-Adam")) == 16
    assert run.metrics["mine"] == 7.0
    assert points(run) == sorted(logger.told)


def test_settings_are_params(pl: ModuleType, tmp_path: Path) -> None:
    stopping = pl.callbacks.EarlyStopping("val_loss", patience=4)
    saving = pl.callbacks.ModelCheckpoint(tmp_path / "kept", monitor="val_loss", save_top_k=1)
    fitting = trainer(pl, tmp_path, callbacks=[stopping, saving], accumulate_grad_batches=2, gradient_clip_val=0.5)
    fitting.fit(net(pl, hidden=6), *loaders())
    run = only_run()
    expected = {
        "hidden": "6",
        "lr": "0.01",
        "optimizer": "Adam",
        "optimizer.lr": "0.01",
        "optimizer.betas": "(0.9, 0.999)",
        "scheduler": "StepLR",
        "scheduler.gamma": "0.5",
        "scheduler.interval": "epoch",
        "early_stopping.monitor": "val_loss",
        "early_stopping.patience": "4",
        "checkpoint.monitor": "val_loss",
        "trainer.max_epochs": "2",
        "trainer.precision": "32-true",
        "trainer.accumulate_grad_batches": "2",
        "trainer.gradient_clip_val": "0.5",
        "trainer.callbacks": "EarlyStopping, ModelCheckpoint",
        "parameters": "44",
        "parameters.trainable": "44",
        "train.dataset": "TensorDataset",
        "train.rows": "64",
        "train.batch_size": "8",
        "train.batches": "8",
        "train.sampler": "RandomSampler",
        "val.batches": "2",
    }
    assert {key: run.params.get(key) for key in expected} == expected
    assert {data.name: data.rows for data in run.datasets}["train_dataset.0"] == 64
    assert run.name == "Net" and run.tags["model_class"].endswith("Net")
    assert "44 trainable parameters" in text_of(run, "model_summary.txt")
    best = Path(saving.best_model_path)
    assert run.tags["best_checkpoint"] == str(best)
    assert run.metrics["best_val_loss"] == float(saving.best_model_score)
    assert (Path(run.artifact_uri) / "checkpoints" / best.name).read_bytes() == best.read_bytes()


def text_of(run: Any, path: str) -> str:
    return (Path(run.artifact_uri) / path).read_text()


def test_every_optimizer_and_scheduler(one: ModuleType, tmp_path: Path) -> None:
    import torch

    module = net(one)
    module.automatic_optimization = False

    def optimizers() -> Any:
        first, *rest = module.parameters()
        sgd = torch.optim.SGD([{"params": [first], "lr": 0.5}, {"params": rest[:1], "lr": 0.25}], momentum=0.9)
        return [sgd, torch.optim.Adam(rest[1:], lr=0.125)]

    def step(batch: Any, index: int = 0) -> None:
        for optimizer in module.optimizers():
            optimizer.zero_grad()
        module.manual_backward(module.loss(batch))
        for optimizer in module.optimizers():
            optimizer.step()

    module.configure_optimizers, module.training_step = optimizers, step
    trainer(one, tmp_path).fit(module, *loaders())
    params = only_run().params
    found = {key: params.get(key) for key in ("optimizer", "optimizer.lr", "optimizer.group_2.lr", "optimizer_2.lr")}
    assert found == {
        "optimizer": "SGD",
        "optimizer.lr": "0.5",
        "optimizer.group_2.lr": "0.25",
        "optimizer_2.lr": "0.125",
    }


def test_hyperparameters_that_are_not_to_be_logged_are_not(one: ModuleType, tmp_path: Path) -> None:
    class Data(one.LightningDataModule):  # type: ignore[misc, name-defined]
        def __init__(self, fold: int, secret_fold: int) -> None:
            super().__init__()
            self.save_hyperparameters("fold")

        def train_dataloader(self) -> Any:
            return loaders()[0]

    module = net(one)
    module._log_hyperparams = False
    trainer(one, tmp_path, max_epochs=1).fit(module, datamodule=Data(3, 4))
    params = only_run().params
    assert params["fold"] == "3" and "secret_fold" not in params and "hidden" not in params
    assert params["train.rows"] == "64"


def test_callbacks_and_loggers_stay_the_users(pl: ModuleType, tmp_path: Path) -> None:
    given = [pl.callbacks.EarlyStopping("val_loss"), pl.Callback(), pl.callbacks.ModelCheckpoint(tmp_path)]
    logger = remembering(pl)
    fitting = trainer(pl, tmp_path, callbacks=given, logger=logger)
    seen: list[list[Any]] = []
    given[1].on_train_batch_end = lambda trainer, *rest: seen.append(list(trainer.callbacks))
    fitting.fit(net(pl), *loaders())
    assert fitting.callbacks == given and all(found == given for found in seen) and len(seen) == 16
    assert fitting.loggers == [logger]
    assert not {"_run_stage", "save_checkpoint", "fit"} & vars(fitting).keys()
    assert "log_metrics" not in vars(fitting._logger_connector)


def test_what_is_measured_after_the_fit_goes_to_its_run(pl: ModuleType, tmp_path: Path) -> None:
    fitting, module = trainer(pl, tmp_path), net(pl)
    fitting.fit(module, *loaders())
    validated = only_run().metrics["val_loss"]
    tested = fitting.test(module, loaders()[1], verbose=False)
    assert only_run().metrics["test_val_loss"] == tested[0]["val_loss"]
    assert only_run().metrics["test_loss"] == tested[0]["test_loss"]
    assert only_run().metrics["val_loss"] == validated and only_run().status == "FINISHED"
    assert only_run().params["test.rows"] == "64"
    assert trainer(pl, tmp_path).test(module, loaders()[1], verbose=False)
    assert len(only_run().metric_history("test_loss")) == 2, "another trainer, the same module"
    fitting.validate(dataloaders=loaders()[1], ckpt_path="best", verbose=False)
    assert len(only_run().metric_history("val_loss")) == 3
    fitting.predict(module, loaders()[1])
    only_run()


def test_another_modules_test_is_a_run_of_its_own_and_predicting_is_none(one: ModuleType, tmp_path: Path) -> None:
    trainer(one, tmp_path).predict(net(one), loaders()[1])
    assert autotrack.search_runs() == []
    fitting = trainer(one, tmp_path)
    fitting.fit(net(one), *loaders())
    other = net(one)
    fitting.test(other, loaders()[1], verbose=False)
    newest, first = autotrack.search_runs()
    assert newest.tags["lightning.call"] == "test" and set(newest.metrics) == {"val_loss", "test_loss", "epoch"}
    assert "test_loss" not in first.metrics
    fitting.test(other, loaders()[1], verbose=False)
    assert len(autotrack.search_runs()) == 2


def test_a_fast_dev_run_is_tagged_and_saves_nothing(one: ModuleType, tmp_path: Path) -> None:
    trainer(one, tmp_path, fast_dev_run=True, logger=True).fit(net(one), *loaders())
    run = only_run()
    assert run.tags["lightning.fast_dev_run"] == "true"
    assert len(run.metric_history("train_loss_step")) == 1
    assert [file.path for file in run.artifacts] == ["model_summary.txt"] and run.models == ()


def test_a_search_for_learning_rates_or_batch_sizes_makes_no_runs(pl: ModuleType, tmp_path: Path) -> None:
    module, fitting = net(pl), trainer(pl, tmp_path)
    pl.tuner.Tuner(fitting).lr_find(module, *loaders(), num_training=4)
    assert autotrack.search_runs() == []
    searching = trainer(pl, tmp_path, callbacks=[pl.callbacks.LearningRateFinder(num_training_steps=4)])
    searching.fit(module, *loaders())
    assert len(only_run().metric_history("train_loss_step")) == 16, "the finder's own steps are not counted"
    assert len(only_run().tags["lightning.checkpoints"].split()) == 2


def test_inside_a_run_of_the_users_it_joins(one: ModuleType, tmp_path: Path) -> None:
    with autotrack.start_run("mine"):
        seeded_fit(one, tmp_path)
    run = only_run()
    assert run.name == "mine" and run.params["optimizer"] == "Adam"
    assert len(run.metric_history("train_loss_step")) == 16


def test_a_module_that_is_none_is_lightnings_to_complain_about(one: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="LightningModule"):
        trainer(one, tmp_path).fit("no module", *loaders())
    assert autotrack.search_runs() == []


def test_a_checkpoint_over_the_limit_stays_where_it_is(store: Path, tmp_path: Path, script: Any) -> None:
    done = script(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        import autotrack
        from tests.plugins.lightning.nets import lightning, loaders, net, trainer
        autotrack.enable()
        pl = lightning("lightning.pytorch")
        trainer(pl, {str(tmp_path)!r}, max_epochs=1).fit(net(pl), *loaders())
        """,
        timeout=110,
        AUTOTRACK_LIGHTNING_CHECKPOINT_MB="0.001",
    )
    assert done.returncode == 0, done.stderr
    run = only_run()
    assert not [file for file in run.artifacts if file.path.startswith("checkpoints/")]
    assert Path(run.tags["best_checkpoint"]).exists()
    assert any("checkpoint_mb" in note for note in run.health["notes"])
