"""What a loader was set to, and how often it has begun."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from typing import Any

from autotrack.plugin import attempt

#: Modules whose data sets may be asked for their length: it is counted there, not computed by the user's code.
_COUNTED = frozenset({"torch", "torchvision", "torchaudio", "torchtext", "builtins"})

#: Tensors of a data set that are fingerprinted, and bytes of one at most.
MOST_TENSORS, MOST_BYTES = 4, 1 << 28


class Loading:
    """One loader that is being read, and what it was set to: a loop may let go of it while it reads."""

    __slots__ = ("batch_size", "data", "reference", "settings", "trained")

    def __init__(self, loader: Any) -> None:
        self.reference = weakref.ref(loader)
        self.data = Data(vars(loader).get("dataset"))
        self.batch_size = batch_size(loader)
        self.settings = described(loader)
        #: True once an optimizer has made a step while it was read.
        self.trained = False


class Data:
    """A set of data, held weakly: to tell one from another, and by number where that cannot be."""

    __slots__ = ("_number", "_reference")

    def __init__(self, data: Any) -> None:
        self._reference, error = attempt(weakref.ref, data)
        self._number = id(data) if error is not None else None

    def now(self) -> Any:
        """The data, where they are held weakly and are still there."""
        return self._reference() if self._reference is not None else None

    def is_gone(self) -> bool:
        """True where nobody has the data any more, as far as that can be seen."""
        return self._reference is not None and self._reference() is None

    def is_of(self, other: Data) -> bool:
        """True where both are the same object, alive."""
        if self._number is not None or other._number is not None:
            return self._number == other._number
        return self.now() is not None and self.now() is other.now()


def batch_size(loader: Any) -> int | None:
    """Rows in a batch, where the loader says it."""
    size = getattr(loader, "batch_size", None)
    if size is None:
        size = getattr(getattr(loader, "batch_sampler", None), "batch_size", None)
    return size if type(size) is int else None


def described(loader: Any) -> dict[str, Any]:
    """The loader's settings as parameters: ``batch_size``, ``loader.num_workers``, ``dataset``, ...

    No code of the user's runs: the length of a data set is given where torch's own classes count it.
    """
    found: dict[str, Any] = {"batch_size": batch_size(loader)}
    sampler = getattr(loader, "sampler", None)
    dataset = getattr(loader, "dataset", None)
    found["loader.shuffle"] = type(sampler).__name__ in (
        "RandomSampler",
        "WeightedRandomSampler",
        "SubsetRandomSampler",
    )
    found["loader.sampler"] = type(sampler).__name__ if sampler is not None else None
    for name in ("num_workers", "drop_last", "pin_memory", "persistent_workers", "prefetch_factor"):
        value = vars(loader).get(name)
        found[f"loader.{name}"] = value if type(value) in (int, bool) else None
    found["dataset"] = type(dataset).__name__ if dataset is not None else None
    found["dataset.rows"] = length(dataset)
    return {key: value for key, value in found.items() if value is not None}


def length(dataset: Any) -> int | None:
    """Rows of a data set of torch's own, or of a list or array; None for anything else."""
    kind = type(dataset)
    torch = sys.modules["torch"]
    data = torch.utils.data
    if kind is data.TensorDataset:
        tensors = dataset.tensors
        return int(tensors[0].shape[0]) if tensors else None
    if kind is data.Subset:
        return len(dataset.indices) if type(dataset.indices) in (list, range) else None
    if kind is data.ConcatDataset:
        sizes = dataset.cumulative_sizes
        return int(sizes[-1]) if sizes else None
    if kind.__module__.partition(".")[0] in _COUNTED and hasattr(kind, "__len__"):
        return len(dataset)
    return None


def tensors_of(data: Data) -> Iterator[tuple[str, Any]]:
    """Names and tensors of a ``TensorDataset`` that lies in memory: what can be fingerprinted without reading it."""
    dataset = data.now()
    if type(dataset) is sys.modules["torch"].utils.data.TensorDataset:
        for number, tensor in enumerate(dataset.tensors[:MOST_TENSORS]):
            if tensor.is_cpu and tensor.numel() * tensor.element_size() <= MOST_BYTES:
                yield f"TensorDataset.{number}", tensor.detach()
