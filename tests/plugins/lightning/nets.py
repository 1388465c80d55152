"""Small modules, data and trainers of either Lightning, and a logger that remembers what it was told."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

NAMES = ("lightning.pytorch", "pytorch_lightning")


def lightning(name: str) -> ModuleType:
    """``lightning.pytorch`` or ``pytorch_lightning``, without their advice at the terminal."""
    pl = importlib.import_module(name)
    for logger in (*NAMES, "lightning.fabric", "lightning_fabric"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    return pl


def net(pl: ModuleType, **params: Any) -> Any:
    """A classifier with dropout; ``fails_at`` is the step at which ``raises`` is raised."""
    import torch

    class Net(pl.LightningModule):  # type: ignore[misc, name-defined]
        raises: BaseException = RuntimeError("the step failed")

        def __init__(self, hidden: int = 8, lr: float = 0.01, fails_at: int = -1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(4, hidden), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(hidden, 2)
            )

        def loss(self, batch: Any) -> Any:
            return torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

        def training_step(self, batch: Any, index: int) -> Any:
            if self.global_step == self.hparams["fails_at"]:
                raise self.raises
            loss = self.loss(batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", self.loss(batch))

        def test_step(self, batch: Any, index: int) -> None:
            self.log_dict({"val_loss": self.loss(batch), "test_loss": self.loss(batch)})

        def predict_step(self, batch: Any, index: int) -> Any:
            return self.layers(batch[0])

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams["lr"])
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]

    return Net(**params)


def loaders(batch_size: int = 8) -> tuple[Any, Any]:
    """64 rows for training, shuffled, and the same for validation."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    x = torch.linspace(-1, 1, 256).reshape(64, 4)
    rows = TensorDataset(x, (x.sum(1) > 0).long())
    return DataLoader(rows, batch_size=batch_size, shuffle=True), DataLoader(rows, batch_size=32)


class Batches:
    """The batches of a loader that is none of torch's: for those Lightning recommends workers, as a warning."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[Any]:
        return iter(loaders()[1])


def trainer(pl: ModuleType, folder: Any, **options: Any) -> Any:
    """A quiet trainer on the CPU: two epochs, each step logged, no logger."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": str(folder)}
    settings = {"max_epochs": 2, "logger": False, "log_every_n_steps": 1, "accelerator": "cpu", "devices": 1}
    return pl.Trainer(**{**quiet, **settings, **options})


def remembering(pl: ModuleType) -> Any:
    """A logger of the user's own, with everything that it was told in ``told``."""

    class Remembering(pl.loggers.Logger):  # type: ignore[misc, name-defined]
        name, version = "remembering", 0

        def __init__(self) -> None:
            super().__init__()
            self.told: list[tuple[str, int, float]] = []

        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            assert step is not None
            self.told += [(key, step, float(value)) for key, value in metrics.items()]

        def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None: ...

    return Remembering()


def points(run: Any) -> list[tuple[str, int, float]]:
    """Everything that a run has of the fit's metrics, as a logger would have been told it."""
    found = []
    for key in run.metrics:
        if not key.startswith(("best_", "stopped_")):
            history = run.metric_history(key)
            found += [(key, int(step), float(value)) for step, value in zip(history.steps, history.values, strict=True)]
    return sorted(found)
