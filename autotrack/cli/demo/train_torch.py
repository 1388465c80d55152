"""The same image classifier twice, as a plain PyTorch loop and as a Lightning module, with one line added."""

import logging
import warnings
from collections.abc import Iterable

import lightning
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

import autotrack

autotrack.enable()

EPOCHS = 15
Batches = Iterable[list[torch.Tensor]]


def digits() -> tuple[Batches, Batches]:
    """The hand-written digits of scikit-learn, in batches: three quarters to train on, the rest to look at."""
    data, target = load_digits(return_X_y=True)
    whole = TensorDataset(torch.tensor(data, dtype=torch.float32) / 16, torch.tensor(target))
    train, test = random_split(whole, [0.75, 0.25])
    return DataLoader(train, batch_size=32, shuffle=True), DataLoader(test, batch_size=len(test))


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))


class Classifier(lightning.LightningModule):
    """The network as a Lightning module."""

    def __init__(self, lr: float = 1e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = network()

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        self.log("accuracy", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.hparams["lr"])


def plain_loop() -> None:
    """A loop as anybody writes it."""
    torch.manual_seed(0)
    train, test = digits()
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for images, labels in train:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        images, labels = next(iter(test))
        accuracy = (model(images).argmax(1) == labels).float().mean()
    print(f"digits, a plain loop: accuracy {accuracy:.3f} on unseen data")


def with_lightning() -> None:
    """The same by Lightning's Trainer."""
    torch.manual_seed(0)
    train, test = digits()
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(Classifier(), train, test)
    print(f"digits, Lightning: accuracy {trainer.callback_metrics['accuracy']:.3f} on unseen data")


# Lightning's advice for large trainings would hide the three lines that count here.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
plain_loop()
with_lightning()
