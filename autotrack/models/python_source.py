"""Models that are Python code: a class with ``predict`` in a file that is copied into the folder; no pickle.

The folder holds ``code/`` (the file, and what it imports of the user's own), ``artifacts/`` (what it reads) and
``mlflow_model.py``, through which stock MLflow loads the same model. See ADR 9.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.core.errors import ArtifactError, UsageError
from autotrack.core.plugins.flavor import Flavor

CODE, ARTIFACTS, BRIDGE = "code", "artifacts", "mlflow_model.py"

_BRIDGE = '''"""Written by autotrack: MLflow's door to the model in code/."""

import importlib.util
import inspect
import pathlib
import sys

import mlflow

HERE = pathlib.Path(__file__).resolve().parent
FILE, CLASS, ARTIFACTS = {file!r}, {name!r}, {artifacts!r}


def _made():
    sys.path.insert(0, str(HERE / "code"))
    spec = importlib.util.spec_from_file_location("autotrack_model_code", HERE / "code" / FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    model = getattr(module, CLASS)()
    if hasattr(model, "load"):
        model.load({{name: HERE / path for name, path in ARTIFACTS.items()}})
    return model


class Model(mlflow.pyfunc.PythonModel):
    def __init__(self):
        self.model = _made()
        self.takes_params = "params" in inspect.signature(self.model.predict).parameters

    def predict(self, context, model_input, params=None):
        return self.model.predict(model_input, params=params) if self.takes_params else self.model.predict(model_input)


mlflow.models.set_model(Model())
'''


@dataclass(frozen=True, slots=True)
class PythonSource:
    """The code of a model before it is saved: its file and class, the files it imports, the files it reads."""

    file: Path
    class_name: str
    code: tuple[Path, ...] = ()
    artifacts: Mapping[str, Path] = field(default_factory=dict)


def source_of(
    model: str | Path, code: Sequence[str | Path] = (), artifacts: Mapping[str, str | Path] | None = None
) -> PythonSource:
    """What ``"file.py"`` or ``"file.py:Class"`` means. The file is parsed, not run.

    UsageError where a file is missing, or the class is, or it cannot be told which class is meant.
    """
    text, colon, name = str(model).rpartition(":")
    if not colon or not name.isidentifier():
        text, name = str(model), ""
    file = Path(text)
    if file.suffix != ".py" or not file.is_file():
        raise UsageError(
            f"{text!r} is no Python file; a model that is code is given as 'file.py' or 'file.py:Class', any other "
            "model as the object itself"
        )
    candidates = _classes(file)
    if not name:
        if len(candidates) != 1:
            found = ", ".join(candidates) or "none"
            raise UsageError(
                f"{file} should hold one class with a method predict (found: {found}); say 'file.py:Class'"
            )
        name = candidates[0]
    elif name not in candidates:
        found = ", ".join(candidates) or "none"
        raise UsageError(f"{file} has no class {name} with a method predict; it has: {found}")
    places = tuple(Path(place) for place in code)
    kept = {str(key): Path(place) for key, place in (artifacts or {}).items()}
    for place in (*places, *kept.values()):
        if not place.exists():
            raise UsageError(f"there is no {str(place)!r} to go with the model")
    from .code_loading import shadowed

    hidden = shadowed(place.stem for place in places)
    if hidden:
        raise UsageError(
            f"code= holds {hidden[0]}, which would hide an installed or standard module of that name; rename it"
        )
    return PythonSource(file, name, places, kept)


def _classes(file: Path) -> list[str]:
    """Classes of a file that have, or may inherit, a method ``predict``."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{file} is not Python that runs here: {error}") from None
    found = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    own = [
        node.name
        for node in found
        if any(isinstance(part, ast.FunctionDef) and part.name == "predict" for part in node.body)
    ]
    return own or [node.name for node in found if node.bases]


def save(model: PythonSource, folder: Path) -> Mapping[str, Any]:
    """Copies the code and the files that it reads into the folder; answers the MLmodel entry."""
    code = folder / CODE
    code.mkdir()
    shutil.copyfile(model.file, code / model.file.name)
    for place in model.code:
        target = code / place.name
        if target.exists():
            raise ArtifactError(f"two files of the model's code are called {place.name}")
        _copy(place, target)
    kept: dict[str, str] = {}
    for number, (name, place) in enumerate(model.artifacts.items()):
        kept[name] = f"{ARTIFACTS}/{number}/{place.name}"
        (folder / kept[name]).parent.mkdir(parents=True)
        _copy(place, folder / kept[name])
    (folder / BRIDGE).write_text(_BRIDGE.format(file=model.file.name, name=model.class_name, artifacts=kept), "utf-8")
    return {
        "code": CODE,
        "file": model.file.name,
        "class": model.class_name,
        "artifacts": kept,
        "modules": sorted(set(_imported(code))),
        "python_function": {"model_code_path": BRIDGE, "code": CODE, "streamable": False},
    }


def _copy(place: Path, target: Path) -> None:
    """A file or folder; what a link names is copied, bytecode is not."""
    if place.is_dir():
        shutil.copytree(place, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".git"))
    else:
        shutil.copyfile(place, target)


def _imported(code: Path) -> Iterator[str]:
    """Top-level names that the code imports and does not bring."""
    own = {place.stem for place in code.iterdir()}
    for file in code.rglob("*.py"):
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from (name for name in names if name.partition(".")[0] not in own)


def load(folder: Path, entry: Mapping[str, Any], trust: bool) -> Any:
    """The model: an instance of the class, told where its artifacts are. UntrustedModelError without trust."""
    from autotrack.core.plugins.flavor import file_inside, path_inside

    from .code_loading import load_class

    name, kept = entry.get("class"), entry.get("artifacts") or {}
    if not isinstance(name, str) or not isinstance(kept, dict):
        raise ArtifactError(f"the MLmodel in {folder} does not say which class the model is")
    file = file_inside(folder / CODE, entry.get("file"))
    artifacts = {str(key): path_inside(folder, path) for key, path in kept.items()}
    return _made(load_class(file, name, (folder / CODE,), trust), artifacts)


def _made(kind: Callable[[], Any], artifacts: Mapping[str, Path]) -> Any:
    model = kind()
    if hasattr(model, "load"):
        model.load(dict(artifacts))
    return model


def predictor(model: Any) -> Callable[..., Any] | None:
    """``predict`` of a loaded model; of one that is only source, of an instance that is made for it."""
    if isinstance(model, PythonSource):
        from .code_loading import load_class

        folders = dict.fromkeys([model.file.parent, *(place.parent for place in model.code)])
        model = _made(load_class(model.file, model.class_name, tuple(folders), True), model.artifacts)
    return getattr(model, "predict", None)


PYTHON = Flavor(
    name="python",
    handles=("autotrack.models.python_source:PythonSource",),
    save=save,
    load=load,
    predictor=predictor,
    mlflow_loader="mlflow.pyfunc.model",
    keeps_folder=True,
)
