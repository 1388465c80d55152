"""What tracking adds to a Lightning fit that logs at every step: all CPU from ``fit`` to the program's end.

Loggers that Lightning brings do the same work in the same run, for comparison: they write metrics and hyperparameters,
and neither data, environment nor model.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import autotrack

from .harness import Place, Row, added, child, interleaved

PROGRAM = """
import logging, sys, time, warnings
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
mode, epochs, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset
if mode == "ours":
    import autotrack
    autotrack.enable()
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
trainer = pl.Trainer(
    max_epochs=epochs, logger=CSVLogger(".") if mode == "csv" else False, log_every_n_steps=1, accelerator="cpu",
    enable_progress_bar=False, enable_model_summary=False,
)
model = Net()
before = time.process_time()
trainer.fit(model, loader)
print(before)
"""
#: Nothing is left out for the sake of the budget while the budget is measured.
GENEROUS = {"AUTOTRACK_OVERHEAD_SHARE": "1000"}


def rows(place: Place) -> Iterator[Row]:
    epochs, steps = 5, place.scaled(200, 4)

    def a_fit(mode: str) -> float:
        run = child(PROGRAM, mode, epochs, steps, env=GENEROUS, cwd=place.folder)
        return run.cpu - float(run.json)

    plain, ours, csv = interleaved(
        place.scaled(5, 1), *[lambda mode=mode: a_fit(mode) for mode in ("plain", "ours", "csv")]
    )
    runs = autotrack.search_runs()
    if len(runs) != len(ours):
        raise RuntimeError(
            f"not every fit made one run ({len(runs)} of {len(ours)}): what was measured is not promised"
        )
    for run in runs:
        if len(run.metric_history("train_loss")) != epochs * steps or not run.datasets or "hidden" not in run.params:
            raise RuntimeError(f"the run {run.id} lacks points, data or hyperparameters")
    what = f"Lightning, {epochs} x {steps} steps, each logged, CPU added"
    floor = statistics.median(plain)
    yield Row(what, added(plain, ours), "s", 0.12, floor, "the fit alone", f"CSVLogger {added(plain, csv):.2f} s here")
