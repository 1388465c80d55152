"""The data of a training, as far as they can be told without reading them: kinds, sizes, how they are loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun

#: Loaders of one kind, and tensors of one data set, that are described.
MAX_LOADERS, MAX_TENSORS = 8, 8
_SETTINGS = ("num_workers", "drop_last", "pin_memory", "persistent_workers", "prefetch_factor")
#: Packages whose data sets may be asked for their length: it is counted there, not computed by the user's code.
_COUNTED = frozenset({"torch", "torchvision", "torchaudio", "torchtext"})


def described(kind: str, loaders: Any, batches: Any) -> dict[str, Any]:
    """``train.dataset``, ``train.rows``, ``train.batch_size``, ...; of further loaders ``train_2.dataset`` and so on.

    ``loaders`` is what Lightning was given: a loader, or lists and mappings of them. ``batches`` are the batches an
    epoch that Lightning worked out, a number or a list of them.
    """
    found: dict[str, Any] = {}
    for number, loader in enumerate(_flat(loaders)):
        if number == MAX_LOADERS:
            break
        name = f"{kind}_{number + 1}" if number else kind
        found |= {f"{name}.{key}": value for key, value in _of(loader).items() if value is not None}
        count = batches[number] if isinstance(batches, list) and number < len(batches) else batches
        if type(count) is int:
            found[f"{name}.batches"] = count
    return found


def log_datasets(run: ProbeRun, kind: str, loaders: Any) -> None:
    """Fingerprints of data that lie in memory as tensors, the smallest first."""
    torch = sys.modules["torch"]
    for loader in list(_flat(loaders))[:MAX_LOADERS]:
        dataset = getattr(loader, "dataset", None)
        if type(dataset) is not torch.utils.data.TensorDataset:
            continue
        tensors = [(number, tensor) for number, tensor in enumerate(dataset.tensors) if _readable(tensor, torch)]
        for number, tensor in sorted(tensors[:MAX_TENSORS], key=lambda entry: entry[1].numel()):
            run.log_dataset(tensor.detach().numpy(), f"{kind}_dataset.{number}", kind)


def _readable(tensor: Any, torch: Any) -> bool:
    return type(tensor) is torch.Tensor and tensor.device.type == "cpu" and tensor.layout is torch.strided


def _flat(loaders: Any, depth: int = 0) -> Iterator[Any]:
    if loaders is None or depth > 4:
        return
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if type(loaders) in (list, tuple):
        for inner in loaders:
            yield from _flat(inner, depth + 1)
    elif type(loaders).__name__ == "CombinedLoader":
        yield from _flat(loaders.iterables, depth + 1)
    else:
        yield loaders


def _of(loader: Any) -> dict[str, Any]:
    state = getattr(loader, "__dict__", {})
    dataset, sampler = state.get("dataset"), state.get("sampler")
    size = state.get("batch_size")
    if size is None:
        size = getattr(state.get("batch_sampler"), "batch_size", None)
    found = {
        "dataset": type(dataset).__name__ if dataset is not None else type(loader).__name__,
        "rows": _rows(dataset),
        "batch_size": size if type(size) is int else None,
        "sampler": type(sampler).__name__ if sampler is not None else None,
    }
    return found | {key: state.get(key) for key in _SETTINGS if type(state.get(key)) in (int, bool)}


def _rows(dataset: Any) -> int | None:
    kind, data = type(dataset), sys.modules["torch"].utils.data
    if kind is data.TensorDataset:
        return int(dataset.tensors[0].shape[0]) if dataset.tensors else None
    if kind is data.Subset:
        return len(dataset.indices) if type(dataset.indices) in (list, range) else None
    if kind is data.ConcatDataset:
        return int(dataset.cumulative_sizes[-1]) if dataset.cumulative_sizes else None
    if kind in (list, tuple) or (kind.__module__.partition(".")[0] in _COUNTED and hasattr(kind, "__len__")):
        return len(dataset)
    return None
