"""Pickle files: the one module that may read or write them.

Unpickling runs whatever code the file holds. So a file is read only where the caller vouches for it.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import pickle
from pathlib import Path
from typing import Any

from .errors import ArtifactError, UntrustedModelError
from .guard import attempt


def dumps(value: Any) -> tuple[bytes, str]:
    """The value as pickle bytes, and the name of the pickler that could hold it (``cloudpickle`` or ``pickle``).

    cloudpickle (or joblib's copy of it) holds lambdas and classes of ``__main__`` by value; without either, plain
    pickle is used. ArtifactError where the value cannot be pickled.
    """
    pickler = _cloudpickle()
    content, error = attempt((pickler or pickle).dumps, value, protocol=5)
    if content is None:
        kind = type(value)
        raise ArtifactError(
            f"a {kind.__module__}.{kind.__qualname__} cannot be pickled ({type(error).__name__}: {error})"
        ) from error
    return content, "pickle" if pickler is None else "cloudpickle"


def load(path: Path, trust: bool) -> Any:
    """The value in a pickle file. UntrustedModelError unless ``trust``; nothing of the file is looked at before."""
    _refuse(path, trust)
    return pickle.load(io.BytesIO(path.read_bytes()))  # noqa: S301  the caller vouches for this file


def load_torch(path: Path, trust: bool) -> Any:
    """What ``torch.save`` wrote, on the CPU; a pickle inside a zip file, so the same holds for it."""
    _refuse(path, trust)
    return importlib.import_module("torch").load(path, map_location="cpu", weights_only=False)


def _refuse(path: Path, trust: bool) -> None:
    if not trust:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        raise UntrustedModelError(
            f"{path} (sha256 {digest[:16]}…) is a pickle, and loading a pickle runs the code in it. If you know who "
            f"made it, load it with autotrack.load_model(..., trust=True)"
        )


def _cloudpickle() -> Any:
    """The cloudpickle module, or joblib's copy of it; None without either."""
    for name in ("cloudpickle", "joblib.externals.cloudpickle"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None
