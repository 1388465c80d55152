"""One model on one screen: which folder the words on the command line mean, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from autotrack.core.errors import AutotrackError, NotFoundError
from autotrack.core.guard import attempt
from autotrack.core.model_uris import SCHEME
from autotrack.models.finding import folder_of, locate
from autotrack.models.golden import FILE as GOLDEN
from autotrack.models.golden import made_with
from autotrack.models.located import Located
from autotrack.models.mlmodel import ModelDescription, read
from autotrack.models.pickle_scan import risky_files
from autotrack.models.profile_file import FILE as PROFILE
from autotrack.models.profile_file import read_profile
from autotrack.models.schema import Schema
from autotrack.models.signature import Signature, signature_of
from autotrack.models.snapshot import Snapshot, take

from .commands import State
from .screen import Cell, Column, Screen
from .stores import find_place, open_store
from .words import plural

_HEX = frozenset("0123456789abcdef")


def model_uri(state: State, text: str) -> str:
    """A folder and a URI as they are; ``churn``, ``churn/3`` and ``churn@champion`` are versions of a registered model;
    ``3f9a`` is the model of that run, ``3f9a/ridge`` another of its models."""
    if "://" in text or text.startswith(("runs:/", SCHEME)) or Path(text).exists():
        return text
    if is_registered(state, text):
        return f"{SCHEME}{text}/latest"
    if is_registered(state, text.rpartition("/")[0]) or is_registered(state, text.rpartition("@")[0]):
        return f"{SCHEME}{text}"
    run, _, path = text.partition("/")
    return f"runs:/{run}/{path or 'model'}" if run and set(run.lower()) <= _HEX else text


def is_registered(state: State, name: str) -> bool:
    """True where the store has a registered model of that name."""
    if not name or "/" in name or not find_place(state).exists:
        return False
    with closing(open_store(state)) as sink:
        try:
            sink.registry.get(name)
        except NotFoundError:
            return False
    return True


def located_in(state: State, uri: str) -> Located:
    """The folder of a ``runs:/`` or ``models:/`` URI in the store that the command line names."""
    with closing(open_store(state)) as sink:
        return folder_of(uri, sink, find_place(state).location)


@contextmanager
def looked_into(state: State, uri: str) -> Iterator[tuple[Located, Snapshot, ModelDescription]]:
    """A checked copy of the model's folder and its description; nothing is loaded."""
    located = locate(model_uri(state, uri), lambda text: located_in(state, text))
    try:
        snapshot = take(located.folder, located.digest)
    finally:
        located.discard()
    try:
        yield located, snapshot, read(snapshot.folder)
    except AutotrackError as error:
        raise type(error)(str(error).replace(str(snapshot.folder), str(located.folder))) from error.__cause__
    finally:
        snapshot.discard()


def model_document(located: Located, snapshot: Snapshot, description: ModelDescription) -> dict[str, Any]:
    """What a model's folder says of it, for programs."""
    folder = snapshot.folder
    golden = (folder / GOLDEN).read_bytes() if GOLDEN in snapshot.files else None
    requirements = folder / "requirements.txt"
    example = folder / str((description.example or {}).get("artifact_path"))
    inside = example.is_file() and example.parent == folder
    return {
        "folder": str(located.folder),
        "digest": snapshot.digest,
        "sealed": snapshot.sealed,
        "flavors": {name: dict(entry) for name, entry in sorted(description.flavors.items())},
        "signature": None if description.signature is None else dict(description.signature),
        "example": example.read_text("utf-8", "replace") if inside else None,
        "golden": None if golden is None else {"made_with": made_with(golden)},
        "profile": _profile((folder / PROFILE).read_bytes()) if PROFILE in snapshot.files else None,
        "requirements": requirements.read_text("utf-8", "replace").split("\n")[:-1] if requirements.is_file() else [],
        "own_modules": list(description.metadata.get("own_modules") or []),
        "risky_files": risky_files(folder, snapshot.files, description.flavors.values()),
        "run_id": description.run_id,
        "created": description.created,
        "files": {path: {"sha256": found.sha256, "size": found.size} for path, found in sorted(snapshot.files.items())},
    }


def _profile(content: bytes) -> dict[str, Any] | None:
    found, _ = attempt(read_profile, content)
    if found is None:
        return None
    columns = {"inputs": [each.name for each in found.inputs], "answers": [each.name for each in found.answers]}
    return {"rows": found.rows, "sampled": found.sampled, "answered": found.answered, **columns}


def print_model(screen: Screen, document: dict[str, Any]) -> None:
    """The same for people: what a model is, by which it is checked, what it takes and answers."""
    screen.line("  flavors   ", ", ".join(document["flavors"]))
    whole = "" if document["sealed"] else "  (no manifest: nobody can say if it is whole)"
    screen.line("  digest    ", document["digest"], whole)
    if document["created"]:
        screen.line("  created   ", document["created"])
    if document["golden"] is not None:
        made = ", ".join(f"{name} {version}" for name, version in document["golden"]["made_with"].items())
        screen.line("  golden    ", f"predictions to check it by, made with {made}")
    if document["profile"] is not None:
        said = document["profile"]
        columns = plural(len(said["inputs"]), "column")
        answers = f" and {said['answered']:,} answers" if said["answered"] else ""
        screen.line("  profile   ", f"what production is held against: {columns} of {said['rows']:,} rows{answers}")
    if document["risky_files"]:
        screen.line("  can run code when loaded: ", Cell(", ".join(document["risky_files"]), "yellow"))
    if document["own_modules"]:
        screen.line("  needs your own modules: ", ", ".join(document["own_modules"]))
    if document["signature"] is not None:
        _print_signature(screen, signature_of(document["signature"]))


def _print_signature(screen: Screen, signature: Signature) -> None:
    for title, schema in (("takes", signature.inputs), ("answers", signature.outputs)):
        if schema is not None:
            screen.heading(title)
            screen.table([Column("") for _ in range(3)], _schema_rows(schema), indent=2)
    if signature.params:
        screen.heading("params")
        rows: list[list[Cell | str]] = [
            [Cell(param.name, "bold"), str(param.type) + ("" if param.shape is None else " list"), repr(param.default)]
            for param in signature.params
        ]
        screen.table([Column("") for _ in range(3)], rows, indent=2)


def _name(name: str | int | None) -> Cell:
    return Cell("" if name is None else str(name), "bold")


def _schema_rows(schema: Schema) -> list[list[Cell | str]]:
    rows: list[list[Cell | str]] = []
    for column in schema.columns:
        rows.append([_name(column.name), str(column.type), "" if column.required else "may be missing"])
    for tensor in schema.tensors:
        sizes = ", ".join("any" if count == -1 else str(count) for count in tensor.shape)
        rows.append([_name(tensor.name), tensor.dtype, f"({sizes})"])
    return rows
