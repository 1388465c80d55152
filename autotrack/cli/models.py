"""``autotrack models``: list, show, verify and trust; what is done with registered models is in ``registry``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from autotrack.core.entities import ModelRecord, RunRecord
from autotrack.core.registered import ModelVersion
from autotrack.models import trust as trusts
from autotrack.models.environment import version_of
from autotrack.models.golden import FILE as GOLDEN
from autotrack.models.golden import made_with
from autotrack.models.loading import open_model
from autotrack.models.pickle_scan import is_dangerous, risky_files

from .commands import Group, State, json_option
from .documents import print_json
from .model_page import is_registered, located_in, looked_into, model_document, model_uri, print_model
from .platforms import on_platforms, platforms_document, print_platforms
from .screen import Cell, Column, Screen
from .standing import registered_as
from .stores import find_place, open_place, tell_no_store
from .words import age, short_ids, size

#: Globals of one file that are listed, the dangerous ones first.
_GLOBALS = 20


@click.group(
    "models",
    cls=Group,
    lazy={
        "register": ("autotrack.cli.registry:register", "Make a model the next version of a registered one."),
        "alias": ("autotrack.cli.registry:alias", "Have an alias stand for a version, or take it away."),
        "delete": ("autotrack.cli.registry:delete", "Delete a registered model, or one of its versions."),
    },
    examples=(
        ("autotrack models list", "the models of the newest runs"),
        ("autotrack models list --registered", "those that have a name"),
        ("autotrack models show 3f9a", "what the model of run 3f9a takes, answers and needs"),
        ("autotrack models register 3f9a churn --alias champion", "load it anywhere as models:/churn@champion"),
        ("autotrack models verify 3f9a", "whether it is as it was saved, and answers the same here"),
        ("autotrack models trust ./from-a-friend", "look into a model, and vouch for it"),
    ),
)
def models() -> None:
    """List, show, register, verify and trust models."""


@models.command(
    "list",
    examples=(
        ("autotrack models list", "the models of the newest runs"),
        ("autotrack models list --registered", "those that have a name, with aliases"),
        ("autotrack models list -e churn --limit 5", "of one experiment"),
        ("autotrack models list --json | jq -r '.[].uri'", "for programs"),
    ),
)
@click.option("-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only of this one.")
@click.option("--registered", is_flag=True, help="The registered models instead, by name.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most.")
@json_option
@click.pass_obj
def list_models(state: State, experiments: tuple[str, ...], registered: bool, limit: int, as_json: bool) -> None:
    """The models of the store's runs, newest first."""
    if registered:
        from .registry import list_registered

        if experiments:
            raise click.UsageError("registered models are of no experiment: leave out --experiment.")
        list_registered(state, limit, as_json)
        return
    place = find_place(state)
    if not place.exists:
        tell_no_store(place, as_json)
        return
    found: list[tuple[RunRecord, ModelRecord]] = []
    with closing(open_place(place)) as sink:
        offset, page = 0, 200
        while len(found) < limit:
            runs = sink.runs("", experiments=experiments or None, order_by=(), max_results=page, offset=offset)
            found += [(run, model) for run in runs for model in run.models]
            offset += page
            if len(runs) < page:
                break
        found = found[:limit]
        named = registered_as(sink, [run.id for run, _ in found])
    if as_json:
        print_json([_document(run, model, named.get((run.id, model.path), ())) for run, model in found])
    elif found:
        _print_models(found, named)
    else:
        click.echo(f"no models at {place.shown}", err=True)


def _document(run: RunRecord, model: ModelRecord, versions: Iterable[ModelVersion]) -> dict[str, Any]:
    return {
        "uri": f"runs:/{run.id}/{model.path}",
        "run": run.id,
        "run_name": run.name,
        "experiment": run.experiment,
        "path": model.path,
        "flavor": model.flavor,
        "class_name": model.class_name,
        "size": model.size,
        "digest": model.digest,
        "registered": [f"models:/{each.name}/{each.version}" for each in versions],
    }


def _print_models(
    found: list[tuple[RunRecord, ModelRecord]], named: Mapping[tuple[str, str], list[ModelVersion]]
) -> None:
    ids, now = short_ids({run.id: None for run, _ in found}), time.time_ns()
    screen = Screen()
    screen.table(
        [
            Column("model"),
            Column("class", shrink=True),
            Column("flavor"),
            Column("size", right=True),
            Column("digest"),
            *([Column("registered as")] if named else []),
            Column("age", right=True),
        ],
        [
            [
                Cell(f"{ids[run.id]}/{model.path}", "bold"),
                model.class_name.rpartition(".")[2],
                model.flavor,
                size(model.size),
                (model.digest or "")[:12],
                *([", ".join(map(_spoken, named.get((run.id, model.path), ())))] if named else []),
                age(run.started, now),
            ]
            for run, model in found
        ],
    )
    screen.note("more with `autotrack models show MODEL`")


def _spoken(version: ModelVersion) -> str:
    return f"{version.name} {version.version}" + "".join(f" @{alias}" for alias in version.aliases)


_model = click.argument("uri", metavar="MODEL")


@models.command(
    "show",
    examples=(
        ("autotrack models show 3f9a", "the model of a run, by the beginning of its id"),
        ("autotrack models show runs:/3f9a/ridge", "a model under another name"),
        ("autotrack models show churn", "a registered model: versions, aliases, and what the newest takes"),
        ("autotrack models show churn@champion", "one version of it"),
        ("autotrack models show ./model --json", "a folder, for programs"),
    ),
)
@_model
@json_option
@click.pass_obj
def show(state: State, uri: str, as_json: bool) -> None:
    """What MODEL takes, answers and needs. Nothing of it is loaded.

    MODEL is a folder, runs:/RUN/PATH, RUN/PATH, or RUN for its model; models:/NAME@ALIAS, NAME/VERSION, or NAME for a
    registered model with its versions, what production says of them beside their training, and how aliases moved.
    """
    if not Path(uri).exists() and is_registered(state, uri):
        from .registry import show_registered

        show_registered(state, uri, as_json)
        return
    with looked_into(state, uri) as looked:
        document = model_document(*looked)
    if as_json:
        print_json(document)
        return
    screen = Screen()
    screen.line(Cell(document["folder"], "bold"))
    print_model(screen, document)
    if document["requirements"]:
        screen.heading("requirements")
        for line in document["requirements"]:
            screen.line("  ", line)


@models.command(
    "verify",
    examples=(
        ("autotrack models verify 3f9a", "the model of a run"),
        ("autotrack models verify ./model --trust", "a folder whose code may run"),
        ("autotrack models verify ./model --json", "for programs; exit code 1 where something is wrong"),
        ("autotrack models verify churn@champion --on serve --on spark", "asked over REST and on Spark, too"),
    ),
)
@_model
@click.option("--trust", "trusted", is_flag=True, help="Load it even if its files could run code.")
@click.option(
    "--on",
    "platforms",
    multiple=True,
    metavar="PLATFORM",
    help="Ask it there, too: pyfunc, serve, spark, docker, or what a plugin brings; may be repeated.",
)
@json_option
@click.pass_obj
def verify(state: State, uri: str, trusted: bool, platforms: tuple[str, ...], as_json: bool) -> None:
    """Whether MODEL is, byte by byte, what was saved, and answers here what it answered there.

    Exit code 0: it is and does; 1: it is not or does not; 3: it could run code, and nobody vouched for it.
    """
    with looked_into(state, uri) as (_, snapshot, _description):
        content = (snapshot.folder / GOLDEN).read_bytes() if GOLDEN in snapshot.files else b""
        digest, sealed, count = snapshot.digest, snapshot.sealed, len(snapshot.files)
        resolved = model_uri(state, uri)
        opened = open_model(resolved, True if trusted else None, resolve=lambda text: located_in(state, text))
        on = on_platforms(snapshot.folder, platforms) if platforms else {}
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
                "platforms": platforms_document(on),
                "verified": replay.passed and all(each.verdict in ("equal", "close") for each in on.values()),
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
        if on:
            screen.heading("asked on")
            print_platforms(screen, on)
    if not replay.passed or any(each.verdict not in ("equal", "close") for each in on.values()):
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
    with looked_into(state, uri) as (_, snapshot, description):
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
