"""The ``sklearn`` flavor: a skops file, or a pickle (marked as such) for what skops cannot hold."""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.plugin import ArtifactError, Flavor, UntrustedModelError, attempt, file_inside

if TYPE_CHECKING:
    from .skopstree import SkopsTree

#: What nearly every model holds and skops opens without being told to: nothing to declare in MLmodel for them.
_ORDINARY = frozenset(
    {
        *(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "set", "str", "tuple")),
        *(f"numpy.{name}" for name in ("bool", "float32", "float64", "int32", "int64", "ndarray", "str_")),
    }
)


def save(model: Any, folder: Path) -> Mapping[str, Any]:
    """Writes what ``dump`` makes into a folder; answers the MLmodel entry."""
    entry, files = dump(model)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return entry


def dump(model: Any) -> tuple[Mapping[str, Any], Mapping[str, bytes]]:
    """The MLmodel entry, and ``model.skops`` or (where that cannot hold the model) ``model.pkl``."""
    from . import skopsfile

    buffer = io.BytesIO()
    names, reason = attempt(skopsfile.write, model, buffer)
    if names is not None:
        files = {"model.skops": buffer.getvalue()}
        trusted = [name for name in names if name not in _ORDINARY]
        entry: dict[str, Any] = {"pickled_model": "model.skops", "serialization_format": "skops"}
        modules = names
    else:
        from autotrack.plugin import pickled

        content, pickler = pickled.dumps(model)
        files = {"model.pkl": content}
        entry = {"pickled_model": "model.pkl", "serialization_format": pickler, "pickled_because": str(reason)}
        trusted, modules = None, [pickler]
    sklearn = sys.modules.get("sklearn")
    entry |= {
        "sklearn_version": getattr(sklearn, "__version__", None),
        "code": None,
        "skops_trusted_types": trusted,
        "modules": modules,
    }
    return entry, files


def load(folder: Path, entry: Mapping[str, Any], trust: bool) -> Any:
    """The model in the folder. UntrustedModelError where its file could run code and nobody vouched for it."""
    path = file_inside(folder, entry.get("pickled_model"))
    kind = entry.get("serialization_format") or ("skops" if path.suffix == ".skops" else "pickle")
    if kind != "skops" and path.suffix != ".skops":
        from autotrack.plugin import pickled

        return pickled.load(path, trust)
    return _load_skops(path, trust)


def _load_skops(path: Path, trust: bool) -> Any:
    """The object in a skops file, out of the very bytes that were judged."""
    content = path.read_bytes()
    what = f"{path} ({_digest(content)})"
    if content[:2] != b"PK" or not zipfile.is_zipfile(io.BytesIO(content)):
        raise UntrustedModelError(f"{what} is said to be a skops file and is none; it is not loaded in any other way")
    tree, refused = attempt(_read, content)
    if tree is None and not trust:
        raise UntrustedModelError(
            f"{what} is refused: {refused}. No training writes such a file: get the model again from where it was made"
        ) from None
    sound = set() if trust else _sound(tree, what)
    if tree is not None:
        from .skopsbuild import build

        model, error = attempt(build, tree, sound)
        if error is None:
            return model
    import skops.io

    if not trust:  # most often nothing else is in it, and then the file need not be read once more to say so
        model, error = attempt(skops.io.loads, content, trusted=sorted(sound))
        if error is None:
            return model
    types, error = attempt(skops.io.get_untrusted_types, data=content)
    if types is None:
        raise ArtifactError(f"{what} is not a readable skops file: {error}") from error
    held_back = [] if trust else sorted(set(types) - sound)
    if held_back:
        raise UntrustedModelError(
            f"{what} holds types that could run code or crash: {', '.join(held_back)}. If you know "
            f"who made it, load it with autotrack.load_model(..., trust=True)"
        )
    model, error = attempt(skops.io.loads, content, trusted=types)
    if error is not None:
        raise ArtifactError(f"{what} cannot be built again: {type(error).__name__}: {error}") from error
    return model


def _read(content: bytes) -> SkopsTree:
    from .skopstree import read_tree

    return read_tree(content)


def _sound(tree: SkopsTree, what: str) -> set[str]:
    """The types in the file that need no trust, for their content was checked (UntrustedModelError where it is bad)."""
    from .arrays import Refused
    from .owners import sound_types

    try:
        return sound_types(tree)
    except Refused as error:
        raise UntrustedModelError(
            f"{what} is refused: {error}. No training writes such a file: get the model again from where it was made"
        ) from None


def _digest(content: bytes) -> str:
    return f"sha256 {hashlib.sha256(content).hexdigest()[:16]}…"


@contextmanager
def rehearsal(model: Any) -> Iterator[Any]:
    """What to ask for predictions that nobody notices; None where the model's own code may do more than predict."""
    from .kinds import keeps_quiet
    from .training import caller_of, talks_inside, unmoved

    if keeps_quiet(model) is not None or talks_inside(model):
        yield None
        return
    with unmoved(model) as why:
        yield caller_of(model) if why is None else None


def _draws(model: Any) -> bool:
    from .drawing import may_draw

    return may_draw(model)


def _array_predictor(model: Any, columns: Sequence[str] | None) -> Any:
    from .tableless import array_predictor

    return array_predictor(model, columns)


SKLEARN = Flavor(
    name="sklearn",
    handles=("sklearn.base:BaseEstimator",),
    save=save,
    load=load,
    dump=dump,
    packages=("scikit-learn", "skops", "numpy", "scipy"),
    mlflow_loader="mlflow.sklearn",
    answers=("predict", "predict_proba"),
    draws=_draws,
    rehearsal=rehearsal,
    array_predictor=_array_predictor,
)
