"""The loss of evaluation passes: what torch's own loss functions answer while a model is evaluated.

A pass begins with ``model.eval()``, or where a loader starts to give batches without gradients, and ends with the next
pass or step. Losses that no gradient can follow count, each by the rows of its batch; those of the training step that
comes next have one. On an accelerator the sum stays there.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Ear, attempt

from .loaders import Data, tensors_of
from .reading import number_of

if TYPE_CHECKING:
    from .training import Training

#: Functions of ``torch.nn.functional`` that the modules of ``torch.nn`` call, too.
LOSSES = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
)

#: Sets of data of one training that are told apart.
MOST_DATA = 8
#: Open while a training of some thread is being evaluated.
EAR = Ear()
_listening: set[int] = set()


class Pass:
    """One evaluation of a training's model, on one set of data."""

    __slots__ = ("_data", "_key", "_step", "_sums", "_training")

    def __init__(self, training: Training, step: int, data: Data | None) -> None:
        self._training = training
        self._step = step
        self._data = data
        self._key = ""
        #: By loss function: the sum over all rows, and how many they are.
        self._sums: dict[str, list[Any]] = {}
        _listening.add(id(training))
        EAR.open = True

    def add(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A loss function has answered; only a number that nothing can be trained on is a loss of an evaluation."""
        if type(result) is not sys.modules["torch"].Tensor or result.requires_grad or result.numel() != 1:
            return
        given = args[0] if args else next(iter(kwargs.values()), None)
        shape = getattr(given, "shape", ())
        rows = shape[0] if len(shape) else 1
        if type(rows) is not int or rows < 1 or result.device.type == "meta":
            return
        value, _ = attempt(number_of, result)  # under torch.vmap it is many
        if value is None:
            return
        if not result.is_cpu:
            value = value.float()
        if kwargs.get("reduction") != "sum":
            value = value * rows
        if not self._key:
            self._key = self._training.evaluated.on(self._data, self._training)
        total = self._sums.get(name)
        if total is None:
            self._sums[name] = [value, rows]
        elif type(total[0]) is float or type(value) is float or total[0].device == value.device:
            total[0] = total[0] + value
            total[1] += rows

    def close(self) -> None:
        """Logs the mean of each loss at the step before."""
        training = self._training
        training.passing = None
        _listening.discard(id(training))
        EAR.open = bool(_listening)
        for name, (total, rows) in self._sums.items():
            key = self._key if len(self._sums) == 1 else f"{self._key}.{name}"
            mean = total / rows
            if type(mean) is float:
                training.run.log_metric(key, mean, self._step)
            else:
                training.transfers.add(key, self._step, mean)


class Evaluated:
    """The data that a training's model was trained and evaluated on, and the names of their losses."""

    def __init__(self) -> None:
        self._trained: list[Data] = []
        self._known: list[tuple[Data | None, str]] = []

    def trains(self, data: Data) -> bool:
        """True for data that it was trained on."""
        return any(known.is_of(data) for known in self._trained)

    def trains_on(self, data: Data) -> bool:
        """The model is trained on these data: False where that is known, or there are many of them."""
        if self.trains(data) or len(self._trained) >= MOST_DATA:
            return False
        self._trained.append(data)
        return True

    def on(self, data: Data | None, training: Training) -> str:
        """The key of the loss on these data: ``eval_loss`` for the first ones, ``eval_loss.2`` for the next, ...

        Data that were made anew for each pass have one name. Logs the fingerprints of data that are new.
        """
        if data is not None and self.trains(data):
            return "eval_loss.train"
        for index, (known, key) in enumerate(self._known):
            if known is None or data is None:
                if known is data:
                    return key
            elif known.is_of(data):
                return key
            elif known.is_gone():
                self._known[index] = (data, key)
                return key
        number = len(self._known) + 1
        key = "eval_loss" if number == 1 else f"eval_loss.{min(number, MOST_DATA)}"
        if number <= MOST_DATA:
            self._known.append((data, key))
            for name, tensor in tensors_of(data) if data is not None else ():
                training.run.log_dataset(tensor, name, "eval")
        return key
