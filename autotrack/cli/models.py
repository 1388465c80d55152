"""``autotrack models``: list, show, verify and trust."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from autotrack.core.entities import RunRecord
from autotrack.core.errors import AutotrackError
from autotrack.models import trust as trusts
from autotrack.models.environment import version_of
from autotrack.models.golden import FILE as GOLDEN
from autotrack.models.golden import made_with
from autotrack.models.loading import Located, locate, located_in, open_model, split_uri
from autotrack.models.mlmodel import ModelDescription, read
from autotrack.models.pickle_scan import is_dangerous, risky_files
from autotrack.models.schema import Schema
from autotrack.models.signature import Signature, signature_of
from autotrack.models.snapshot import Snapshot, take

from .commands import Group, State
from .documents import print_json
from .runs import json_option
from .screen import Cell, Column, Screen
from .stores import find_place, no_store, open_place, open_store
from .words import age, short_ids, size

_HEX = frozenset("0123456789abcdef")
#: Globals of one file that are listed, the dangerous ones first.
_GLOBALS = 20


@click.group(
    "models",
    cls=Group,
    examples=(
        ("autotrack models list", "the models of the newest runs"),
        ("autotrack models show 3f9a", "what the model of run 3f9a takes, answers and needs"),
        ("autotrack models verify 3f9a", "whether it is as it was saved, and answers the same here"),
        ("autotrack models trust ./from-a-friend", "look into a model, and vouch for it"),
    ),
)
def models() -> None:
    """List, show, verify and trust models."""


@models.command(
    "list",
    examples=(
        ("autotrack models list", "the models of the newest runs"),
        ("autotrack models list -e churn --limit 5", "of one experiment"),
        ("autotrack models list --json | jq -r '.[].uri'", "for programs"),
    ),
)
@click.option("-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only of this one.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most.")
@json_option
@click.pass_obj
def list_models(state: State, experiments: tuple[str, ...], limit: int, as_json: bool) -> None:
    """The models of the store's runs, newest first."""
    place = find_place(state)
    if not place.exists:
        if as_json:
            print_json([])
        else:
            click.echo(no_store(place), err=True)
        return
    found: list[tuple[RunRecord, Any]] = []
    with closing(open_place(place)) as sink:
        offset, page = 0, 200
        while len(found) < limit:
            runs = sink.runs("", experiments=experiments or None, order_by=(), max_results=page, offset=offset)
            found += [(run, model) for run in runs for model in run.models]
            offset += page
            if len(runs) < page:
                break
    found = found[:limit]
    if as_json:
        print_json(
            [
                {
                    "uri": f"runs:/{run.id}/{model.path}",
                    "run": run.id,
                    "run_name": run.name,
                    "experiment": run.experiment,
                    "path": model.path,
                    "flavor": model.flavor,
                    "class_name": model.class_name,
                    "size": model.size,
                    "digest": model.digest,
                }
                for run, model in found
            ]
        )
        return
    if not found:
        click.echo(f"no models at {place.shown}", err=True)
        return
    ids, now = short_ids({run.id: None for run, _ in found}), time.time_ns()
    screen = Screen()
    screen.table(
        [
            Column("model"),
            Column("class", shrink=True),
            Column("flavor"),
            Column("size", right=True),
            Column("digest"),
            Column("age", right=True),
        ],
        [
            [
                Cell(f"{ids[run.id]}/{model.path}", "bold"),
                model.class_name.rpartition(".")[2],
                model.flavor,
                size(model.size),
                (model.digest or "")[:12],
                age(run.started, now),
            ]
            for run, model in found
        ],
    )
    screen.note("more with `autotrack models show MODEL`")


_model = click.argument("uri", metavar="MODEL")


@models.command(
    "show",
    examples=(
        ("autotrack models show 3f9a", "the model of a run, by the beginning of its id"),
        ("autotrack models show runs:/3f9a/ridge", "a model under another name"),
        ("autotrack models show ./model --json", "a folder, for programs"),
    ),
)
@_model
@json_option
@click.pass_obj
def show(state: State, uri: str, as_json: bool) -> None:
    """What MODEL takes, answers and needs. Nothing of it is loaded.

    MODEL is a folder, runs:/RUN/PATH, RUN/PATH, or RUN for its model.
    """
    with _looked_into(state, uri) as (located, snapshot, description):
        document = _document(located, snapshot, description)
        entry = description.signature
    if as_json:
        print_json(document)
        return
    screen = Screen()
    screen.line(Cell(str(located.folder), "bold"))
    screen.line("  flavors   ", ", ".join(document["flavors"]))
    screen.line(
        "  digest    ", snapshot.digest, "" if snapshot.sealed else "  (no manifest: nobody can say if it is whole)"
    )
    if document["created"]:
        screen.line("  created   ", document["created"])
    if document["golden"] is not None:
        made = ", ".join(f"{name} {version}" for name, version in document["golden"]["made_with"].items())
        screen.line("  golden    ", f"predictions to check it by, made with {made}")
    if document["risky_files"]:
        screen.line("  can run code when loaded: ", Cell(", ".join(document["risky_files"]), "yellow"))
    if document["own_modules"]:
        screen.line("  needs your own modules: ", ", ".join(document["own_modules"]))
    if entry is not None:
        _print_signature(screen, signature_of(entry))
    if document["requirements"]:
        screen.heading("requirements")
        for line in document["requirements"]:
            screen.line("  ", line)


def _document(located: Located, snapshot: Snapshot, description: ModelDescription) -> dict[str, Any]:
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
        "requirements": requirements.read_text("utf-8", "replace").split("\n")[:-1] if requirements.is_file() else [],
        "own_modules": list(description.metadata.get("own_modules") or []),
        "risky_files": risky_files(folder, snapshot.files, description.flavors.values()),
        "run_id": description.run_id,
        "created": description.created,
        "files": {path: {"sha256": found.sha256, "size": found.size} for path, found in sorted(snapshot.files.items())},
    }


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


@models.command(
    "verify",
    examples=(
        ("autotrack models verify 3f9a", "the model of a run"),
        ("autotrack models verify ./model --trust", "a folder whose code may run"),
        ("autotrack models verify ./model --json", "for programs; exit code 1 where something is wrong"),
    ),
)
@_model
@click.option("--trust", "trusted", is_flag=True, help="Load it even if its files could run code.")
@json_option
@click.pass_obj
def verify(state: State, uri: str, trusted: bool, as_json: bool) -> None:
    """Whether MODEL is, byte by byte, what was saved, and answers here what it answered there.

    Exit code 0: it is and does; 1: it is not or does not; 3: it could run code, and nobody vouched for it.
    """
    with _looked_into(state, uri) as (_, snapshot, _description):
        content = (snapshot.folder / GOLDEN).read_bytes() if GOLDEN in snapshot.files else b""
        digest, sealed, count = snapshot.digest, snapshot.sealed, len(snapshot.files)
    opened = open_model(_uri(uri), True if trusted else None, resolve=lambda text: _located(state, text))
    changed = {
        name: {"saved": version, "here": here}
        for name, version in made_with(content).items()
        if (here := version_of(name)) is not None and here != version
    }
    replay = opened.replay
    if as_json:
        print_json(
            {
                "digest": digest,
                "sealed": sealed,
                "files": count,
                "golden": {
                    "verdict": replay.verdict,
                    "largest": replay.largest,
                    "where": replay.where,
                    "reason": replay.reason,
                },
                "versions": changed,
                "verified": replay.passed,
            }
        )
    else:
        screen = Screen()
        if sealed:
            screen.line(Cell("whole      ", "green"), f"all {count} files are as they were saved, digest {digest}")
        else:
            screen.line(
                Cell("no manifest", "yellow"), f" {count} files, digest {digest}: nobody can say if it is whole"
            )
        style = "green" if replay.verdict in ("equal", "close") else "yellow" if replay.passed else "red"
        screen.line(Cell(f"{replay.verdict:<11}", style), str(replay))
        for name, versions in changed.items():
            screen.line(
                Cell("version    ", "yellow"), f"{name} {versions['here']} here, saved with {versions['saved']}"
            )
    if not replay.passed:
        raise click.exceptions.Exit(1)


@models.command(
    "trust",
    examples=(
        ("autotrack models trust ./model", "say what could run, ask, and write it down"),
        ("autotrack models trust runs:/3f9a/model --yes", "without asking"),
    ),
)
@_model
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def trust(state: State, uri: str, yes: bool, as_json: bool) -> None:
    """Vouch for MODEL as it is now: `load_model` then loads it for you, and for nobody else.

    Shows first what its files would call, read without running any of it. What is written down is the digest: a
    model that changes in one byte is another one.
    """
    with _looked_into(state, uri) as (_, snapshot, description):
        risky = risky_files(snapshot.folder, snapshot.files, description.flavors.values())
        digest = snapshot.digest
        sums = {name: snapshot.files[name].sha256 for name in risky}
    screen = Screen()
    if not as_json:
        _print_risks(screen, risky, sums)
        screen.line("digest ", digest)
    if not yes:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.UsageError("nobody can be asked here; look at what it says above, and add --yes to trust it.")
        if not click.confirm("Do you trust it?", default=False):
            raise click.exceptions.Exit(1)
    file = trusts.vouch(digest, uri, sums)
    if as_json:
        print_json({"digest": digest, "risky_files": risky, "sha256": sums, "trust_file": str(file)})
    else:
        click.echo(f"trusted; written to {file}")


def _print_risks(screen: Screen, risky: Mapping[str, list[str]], sums: Mapping[str, str]) -> None:
    if not risky:
        screen.line("no file of this model is known to run code when it is loaded")
    for name, calls in risky.items():
        screen.line(Cell(name, "bold"), f"  sha256 {sums[name]}")
        shown = sorted(calls, key=lambda call: (not is_dangerous(call), call))
        for call in shown[:_GLOBALS]:
            dangerous = is_dangerous(call)
            screen.line(
                "  ", Cell(call, "red" if dangerous else ""), Cell("  can do anything", "red") if dangerous else ""
            )
        if len(shown) > _GLOBALS:
            screen.line(f"  and {len(shown) - _GLOBALS} more")


@contextmanager
def _looked_into(state: State, uri: str) -> Iterator[tuple[Located, Snapshot, ModelDescription]]:
    """A checked copy of the model's folder and its description; nothing is loaded."""
    located = locate(_uri(uri), lambda text: _located(state, text))
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


def _uri(text: str) -> str:
    """A folder and a URI as they are; ``3f9a`` is the model of that run, ``3f9a/ridge`` another of its models."""
    if "://" in text or text.startswith("runs:/") or Path(text).exists():
        return text
    run, _, path = text.partition("/")
    return f"runs:/{run}/{path or 'model'}" if run and set(run.lower()) <= _HEX else text


def _located(state: State, uri: str) -> Located:
    run_id, path = split_uri(uri)
    with closing(open_store(state)) as sink:
        return located_in(sink, run_id, path, find_place(state).location)
