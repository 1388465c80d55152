"""What a model format is to autotrack: three functions and the classes that it handles; and how it finds its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ArtifactError


@dataclass(frozen=True, slots=True)
class Flavor:
    """A model format.

    ``handles`` are class paths (``"sklearn.base:BaseEstimator"``); a model belongs to the flavor that names the
    nearest class in its MRO. ``save(model, folder)`` writes files into an existing empty folder and returns the
    entry for MLmodel (``{"pickled_model": "model.skops", ...}``). ``load(folder, entry, trust)`` returns the model;
    ``folder`` is a private copy whose bytes were checked, and goes after the call; ``trust`` is True where the caller
    or the store vouches for files that could run code. ``predictor(model)`` returns a function from a table or arrays
    to predictions (one that takes ``params`` gets them), or None where there is none.
    ``packages`` are distributions that loading needs, besides what the model's class implies.

    Two keys of the entry are taken out of it: ``modules``, what the model's code imports (for its requirements), and
    ``python_function``, what MLflow's common flavor needs besides the usual.
    """

    name: str
    handles: tuple[str, ...]
    save: Callable[[Any, Path], Mapping[str, Any]]
    load: Callable[[Path, Mapping[str, Any], bool], Any]
    predictor: Callable[[Any], Callable[..., Any] | None] = lambda model: getattr(model, "predict", None)
    packages: tuple[str, ...] = ()
    #: MLflow's loader for ``python_function``, where MLflow can load this format.
    mlflow_loader: str | None = None
    #: Methods whose answers to the example are kept and asked for again at each load, where the model has them;
    #: ``predict`` is asked through ``predictor``.
    answers: tuple[str, ...] = ("predict",)
    #: False where predicting is known to draw no random number from the process's generators. Else these are set back
    #: after a question that drew from them, and no question is asked while another thread runs that may draw, too.
    draws: Callable[[Any], bool] = lambda model: True
    #: A context in which asking leaves no trace on the model, beyond the process's random generators.
    #: It gives the object to ask, or None where asking might be noticed.
    rehearsal: Callable[[Any], AbstractContextManager[Any]] = nullcontext
    #: What ``save`` does, in memory: answers the entry and the files' contents by name. For formats that are made in
    #: memory anyway: a small model is then saved without a folder that comes and goes.
    dump: Callable[[Any], tuple[Mapping[str, Any], Mapping[str, bytes]]] | None = None
    #: ``array_predictor(model, columns)`` answers a function from one array of numbers to the very answers that
    #: ``predictor`` gives to a table of them with these columns (None: to the array), by nothing but the library's own
    #: code; None where there is none. A server can then do without tables, and trust the model to wait for nothing.
    array_predictor: Callable[[Any, Sequence[str] | None], Callable[[Any], Any] | None] = lambda model, columns: None
    #: True where the model reads its folder later, too: the private copy then lives as long as the model.
    keeps_folder: bool = False


def path_inside(folder: Path, name: object) -> Path:
    """What an entry of MLmodel names, for a flavor's ``load``. It must lie in the model's folder, links followed
    (ArtifactError): anybody may have written the entry."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise ArtifactError(f"the MLmodel in {folder} names no file to load: {name!r}")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or path == folder.resolve():
        raise ArtifactError(f"the MLmodel in {folder} names {name!r}, which lies outside of the model's folder")
    if not path.exists():
        raise ArtifactError(f"the MLmodel in {folder} names {name!r}, which is not there")
    return path


def file_inside(folder: Path, name: object) -> Path:
    """The file that an entry of MLmodel names; see ``path_inside``."""
    path = path_inside(folder, name)
    if not path.is_file():
        raise ArtifactError(f"the MLmodel in {folder} names {name!r}, which is no file")
    return path
