"""The ``torch`` flavor: a description and safetensors, no pickle; and ``pytorch``, MLflow's, which is one."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from autotrack.plugin import ArtifactError, Flavor, UntrustedModelError, attempt, file_inside, path_inside

from .describing import FORMAT, NotPlain, Tree, classes_in, rebuilt

DESCRIPTION, WEIGHTS, CLASSES, WHOLE = "module.json", "model.safetensors", "classes.pkl", "model.pkl"
#: Where torch's own layers live: they may be built by anybody's file, for it can only fill in numbers.
_OWN = ("torch.nn.modules.", "torch.nn.utils.")


def save(model: Any, folder: Path) -> Mapping[str, Any]:
    """Writes description and weights, or ``model.pkl`` for a module that is not plain data; its entry."""
    from autotrack.plugin import pickled

    torch = sys.modules["torch"]
    entry: dict[str, Any] = {"torch_version": torch.__version__}
    tree, reason = attempt(Tree, model)
    if tree is None:
        content, pickler = pickled.dumps(model)
        (folder / WHOLE).write_bytes(content)
        return entry | {"model": WHOLE, "pickled_because": str(reason), "modules": [pickler]}
    write_weights(tree.tensors, folder / WEIGHTS)
    document = {"format": FORMAT, "module": tree.root}
    (folder / DESCRIPTION).write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    entry |= {
        "description": DESCRIPTION,
        "weights": WEIGHTS,
        "modules": [path.partition(":")[0] for path in tree.classes],
    }
    local = {path: kind for path, kind in tree.classes.items() if path.startswith("__main__:")}
    if local:  # a script cannot be imported where the model is loaded: its classes go along by value
        content, pickler = pickled.dumps(local)
        (folder / CLASSES).write_bytes(content)
        entry |= {"classes": CLASSES}
        entry["modules"] = [name for name in entry["modules"] if name != "__main__"] + [pickler]
    return entry


def write_weights(tensors: Mapping[str, Any], path: Path) -> None:
    """Writes tensors as a safetensors file (ArtifactError where that package is missing)."""
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise ArtifactError("weights are kept as safetensors: install them with `pip install safetensors`") from None
    seen: set[int] = set()
    ready = {}
    for name, tensor in tensors.items():
        copy = tensor.detach().to("cpu").contiguous()
        place = copy.untyped_storage().data_ptr()
        if place in seen or copy.untyped_storage().nbytes() != copy.numel() * copy.element_size():
            copy = copy.clone()
        seen.add(place)
        ready[name] = copy
    save_file(ready, path, metadata={"format": "pt"})


def load(folder: Path, entry: Mapping[str, Any], trust: bool) -> Any:
    """The module in the folder. UntrustedModelError where code of somebody's would have a part in it without trust."""
    from autotrack.plugin import pickled

    torch = importlib.import_module("torch")
    if "model" in entry:
        return pickled.load(file_inside(folder, entry["model"]), trust)
    path = file_inside(folder, entry.get("description"))
    document, error = attempt(json.loads, path.read_bytes())
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise ArtifactError(
            f"{path} is no description of a module that this version reads: {error or 'another format'}"
        )
    foreign = sorted({name for name in classes_in(document.get("module")) if not name.startswith(_OWN)})
    if foreign and not trust:
        raise UntrustedModelError(
            f"{path} ({_digest(path)}) is of the class {', '.join(foreign)}, whose code would run with what the file "
            f"says. If you know who made it, load it with autotrack.load_model(..., trust=True)"
        )
    local: Mapping[str, Any] = {}
    if "classes" in entry and any(name.startswith("__main__:") for name in foreign):
        local = pickled.load(file_inside(folder, entry["classes"]), trust)
    from safetensors.torch import load_file

    weights = file_inside(folder, entry.get("weights"))
    tensors, error = attempt(load_file, weights)
    if tensors is None:
        raise ArtifactError(f"{weights} is no readable safetensors file: {error}") from error
    model, error = attempt(rebuilt, document["module"], tensors, lambda name: _class(name, local, torch))
    if error is not None:
        raise ArtifactError(f"the module in {path} cannot be built again: {error}") from error
    return model


def _class(name: str, local: Mapping[str, Any], torch: Any) -> type:
    """The class of a node; only of a module, and of torch's own only where it is found under its name."""
    module, _, path = name.partition(":")
    found: Any = local.get(name)
    if found is None:
        found = importlib.import_module(module) if not name.startswith(_OWN) else sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
    if not isinstance(found, type) or not issubclass(found, torch.nn.Module):
        raise NotPlain(f"{name} is no class of modules here")
    return found


def predictor(model: Any) -> Callable[[Any], Any]:
    """A function from a table or an array (as float32, unless it has whole numbers) to an array of what the module
    answers in evaluation mode, without gradients. Modes and random streams are as before afterwards."""

    def predict(data: Any) -> Any:
        torch = sys.modules["torch"]
        first = next(iter(model.parameters()), None)
        given = _tensor(torch, data, None if first is None else first.device)
        with _evaluating(torch, model):
            return _array(torch, model(given))

    return predict


def _tensor(torch: Any, data: Any, device: Any) -> Any:
    import numpy as np

    if isinstance(data, torch.Tensor):
        return data.to(device)
    array = np.asarray(data.to_numpy() if hasattr(data, "to_numpy") else data)
    if array.dtype.kind == "f" or array.dtype == object:
        array = array.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def _array(torch: Any, answer: Any) -> Any:
    if isinstance(answer, torch.Tensor):
        answer = answer.detach().cpu()
        return (answer.float() if answer.dtype == torch.bfloat16 else answer).numpy()
    if isinstance(answer, (list, tuple)):
        return [_array(torch, each) for each in answer]
    return {key: _array(torch, each) for key, each in answer.items()} if isinstance(answer, Mapping) else answer


@contextlib.contextmanager
def _evaluating(torch: Any, model: Any) -> Iterator[None]:
    modes = [(each, each.training) for each in model.modules()]
    with torch.no_grad():
        for each, _ in modes:
            each.training = False
        try:
            yield
        finally:
            for each, mode in modes:
                each.training = mode


def draws(model: Any) -> bool:
    """False for modules of torch's own that draw nothing where they are evaluated, and run no code of others."""
    torch = sys.modules["torch"]
    loops = torch.nn.modules.module
    if any(getattr(loops, name, None) for name in ("_global_forward_hooks", "_global_forward_pre_hooks")):
        return True
    return any(map(_may_draw, model.modules()))


def _may_draw(module: Any) -> bool:
    kind = type(module)
    if not kind.__module__.startswith("torch.nn.modules.") or kind.__name__.startswith("FractionalMaxPool"):
        return True
    state = vars(module)
    if state.get("_forward_hooks") or state.get("_forward_pre_hooks"):
        return True
    functions = [
        value for value in state.values() if isinstance(value, (FunctionType, BuiltinFunctionType, MethodType))
    ]
    return any(function.__name__ not in ("relu", "gelu") for function in functions)


def load_mlflow(folder: Path, entry: Mapping[str, Any], trust: bool) -> Any:
    """A model of MLflow's ``pytorch`` flavor: the pickle of a module, or an exported program; only with trust."""
    from autotrack.plugin import pickled

    torch = importlib.import_module("torch")
    place = path_inside(folder, entry.get("model_data"))
    path = place / "model.pth" if place.is_dir() else place
    if not path.is_file() and (place / "model.pt2").is_file():
        path = place / "model.pt2"
    if not path.is_file():
        raise ArtifactError(f"there is no model.pth in {place}")
    if path.suffix == ".pt2" and trust:
        return torch.export.load(path).module()
    return pickled.load_torch(path, trust)


def _not_saved(model: Any, folder: Path) -> Mapping[str, Any]:
    raise ArtifactError(
        "models are saved in the flavor torch; pytorch is MLflow's, which is a pickle, and is only loaded"
    )


def _digest(path: Path) -> str:
    return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}…"


TORCH = Flavor(
    "torch",
    handles=("torch.nn.modules.module:Module",),
    save=save,
    load=load,
    predictor=predictor,
    draws=draws,
    packages=("torch", "safetensors"),
)
MLFLOW = Flavor(
    "pytorch", handles=(), save=_not_saved, load=load_mlflow, predictor=predictor, draws=draws, packages=("torch",)
)
