"""``autotrack export --to mlflow``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotrack.plugin import UsageError, shown

if TYPE_CHECKING:
    from autotrack.plugin import RunRecord

    from .sending import Sent, Target

_PAGE = 500


@click.argument("destination", metavar="DEST")
@click.option("--to", "kind", type=click.Choice(["mlflow"]), required=True, help="The tool that DEST is of.")
@click.option("-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only this experiment (or id).")
@click.option("--filter", "filter_", default="", metavar="FILTER", help="Only runs that match, as in `runs search`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_obj
def export(state: Any, destination: str, kind: str, experiments: tuple[str, ...], filter_: str, as_json: bool) -> None:
    """Bring runs, and what is registered of them, to another tool.

    To MLflow: DEST is a folder mlruns or the http(s):// address of a server.

    Done again, it brings what came since. A folder keeps ids; a server gives its own, and ours go into a tag. Exit code
    1: something could not be brought; it is listed.
    """
    from autotrack.plugin import store_at

    from .sending import Sending

    store, _ = store_at(state.store)
    with closing(store), closing(open_target(destination)) as target:
        every = store.experiments("all")
        wanted = [each for each in every if not experiments or {each.name, each.id} & set(experiments)]
        missing = set(experiments) - {name for each in wanted for name in (each.name, each.id)}
        if missing:
            raise UsageError(f"there is no experiment {sorted(missing)[0]!r}; `autotrack experiments list` shows them")

        def runs(experiment: Any) -> Iterable[RunRecord]:
            return _pages(store, filter_, experiment.id)

        sent = Sending(store, store.artifacts, target, _told()).go(wanted, runs)
    if as_json:
        click.echo(json.dumps({"to": kind, "destination": target.shown, **sent.document()}, indent=2))
    else:
        _tell(sent, target)
    if sent.failed:
        sys.exit(1)


def open_target(destination: str) -> Target:
    """A place of MLflow's that takes runs (UsageError, StoreError)."""
    scheme = destination.partition("://")[0].lower() if "://" in destination else ""
    if scheme in ("http", "https"):
        from .to_server import ServerTarget
        from .wire import Wire

        return ServerTarget(Wire(destination))
    if scheme:
        raise UsageError(
            f"cannot export to {shown(destination)}: runs go to a folder or to a server; start "
            "`mlflow server --backend-store-uri ...` on the database and name its address"
        )
    from .to_folder import FolderTarget

    return FolderTarget(Path(destination).expanduser().absolute())


def _pages(store: Any, filter_: str, experiment: str) -> Iterator[RunRecord]:
    offset = 0
    while True:
        page: list[RunRecord] = store.runs(
            filter_, experiments=[experiment], lifecycle="all", max_results=_PAGE, offset=offset
        )
        yield from page
        offset += len(page)
        if len(page) < _PAGE:
            return


def _told() -> Any:
    if not sys.stderr.isatty():
        return lambda sent: None

    def told(sent: Sent) -> None:
        count = sent.new + sent.more + sent.same + len(sent.failed)
        click.echo(f"\r{count:,} runs", nl=False, err=True)

    return told


def _tell(sent: Sent, target: Target) -> None:
    parts = [f"{count:,} {word}" for count, word in ((sent.new, "new"), (sent.more, "changed")) if count]
    if parts:
        click.echo(f"brought runs to {target.shown}: {', '.join(parts)}")
    if sent.same:
        click.echo(f"{sent.same:,} left alone: there already, with nothing new")
    if sent.models:
        click.echo(f"registered models: {sent.models:,}")
    for what, how in sent.notes:
        click.echo(f"{what}: {how}", err=True)
    for what, why in sent.failed:
        click.echo(f"not brought: {what}: {why}", err=True)
