"""What tracking adds to a Lightning fit that logs at every step: all CPU of the process while ``fit`` runs.

A short fit comes first, tracked or not: what is captured once a program (code, environment) is no fit's. A logger that
Lightning brings is measured in the same run for comparison: it writes metrics and hyperparameters, and no data, best
checkpoint or model.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import autotrack

from .harness import Place, Row, added, child

PROGRAM = """
import json, logging, sys, time, warnings
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset
import autotrack
epochs, steps, times = map(int, sys.argv[1:])
torch.set_num_threads(1)
torch.manual_seed(0)

class Net(pl.LightningModule):
    def __init__(self, hidden=32, lr=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(torch.nn.Linear(16, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1))

    def training_step(self, batch, index):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.layers(x), y)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

x = torch.randn(steps * 8, 16)
loader = DataLoader(TensorDataset(x, x[:, :1]), batch_size=8)

def fit(mode, epochs):
    if mode == "ours":
        autotrack.enable()
    trainer = pl.Trainer(
        max_epochs=epochs, logger=CSVLogger(".") if mode == "csv" else False, log_every_n_steps=1, accelerator="cpu",
        enable_progress_bar=False, enable_model_summary=False,
    )
    model = Net()
    before = time.process_time()
    trainer.fit(model, loader)
    spent = time.process_time() - before
    autotrack.disable()
    return spent

modes = ("plain", "ours", "csv")
for mode in modes:
    fit(mode, 1)
print(json.dumps([[fit(mode, epochs) for mode in modes] for _ in range(times)]))
"""
#: Nothing is left out for the sake of the budget while the budget is measured.
GENEROUS = {"AUTOTRACK_OVERHEAD_SHARE": "1000"}


def rows(place: Place) -> Iterator[Row]:
    epochs, steps, times = 5, place.scaled(200, 4), place.scaled(5, 1)

    samples = child(PROGRAM, epochs, steps, times, env=GENEROUS, cwd=place.folder).json
    plain, ours, csv = (list(column) for column in zip(*samples, strict=True))
    runs = autotrack.search_runs()
    full = [run for run in runs if len(run.metric_history("train_loss")) == epochs * steps]
    if len(full) != len(ours):
        raise RuntimeError(f"{len(full)} of {len(ours)} fits have all their points: what was measured is not promised")
    if not all(run.datasets and "hidden" in run.params and "best_checkpoint" in run.tags for run in full):
        raise RuntimeError("some runs lack data, hyperparameters or their checkpoint")
    what = f"Lightning, {epochs} x {steps} steps, each logged, CPU added"
    floor = statistics.median(plain)
    yield Row(what, added(plain, ours), "s", 0.12, floor, "the fit alone", f"CSVLogger {added(plain, csv):.2f} s here")
