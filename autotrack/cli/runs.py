"""``autotrack runs``: list, show, search, delete and restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import click

from autotrack.core.entities import RunRecord
from autotrack.core.errors import NotFoundError
from autotrack.core.sink import Sink

from .commands import Group, State, json_option
from .documents import print_json, run_document, summaries_document
from .listing import Choice, more_line, print_runs
from .screen import Screen
from .stores import find_place, open_place, open_store, tell_no_store
from .telling import Branch, fold
from .words import plural

_HEX = frozenset("0123456789abcdef")

_limit = click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most.")
_experiment = click.option("-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only of this one.")
_order = click.option(
    "--order-by",
    "order_by",
    multiple=True,
    metavar="KEY",
    help="For instance 'metrics.loss ASC'. [default: newest first]",
)
_metric = click.option("--metric", "metrics", multiple=True, metavar="KEY", help="Show this metric; may be repeated.")
_param = click.option("--param", "params", multiple=True, metavar="KEY", help="Show this param; may be repeated.")


@click.group(
    "runs",
    cls=Group,
    lazy={
        "console": ("autotrack.cli.console:console", "Show what the program of a run printed."),
        "export": ("autotrack.cli.archives:export_runs", "Write runs to one file, to take them in elsewhere."),
        "figure": ("autotrack.cli.figures:figure", "Show the charts of a run, or draw them."),
        "import": ("autotrack.cli.archives:import_runs", "Take in the runs of such a file, ids kept."),
    },
    examples=(
        ("autotrack runs list", "the newest runs"),
        ("autotrack runs show 3f9a", "everything about the run whose id begins with 3f9a"),
        ("autotrack runs search 'metrics.accuracy > 0.9'", "runs that match"),
    ),
)
def runs() -> None:
    """List, show, search, delete, restore, export and import runs."""


@runs.command(
    "list",
    examples=(
        ("autotrack runs list", "the newest 20, their best metric and the params that vary"),
        (
            "autotrack runs list -e churn --metric val_loss --order-by 'metrics.val_loss ASC'",
            "the best of one experiment",
        ),
        ("autotrack runs list --children", "with the candidates of a search under it"),
        ("autotrack runs list --json | jq '.[].params'", "for programs"),
    ),
)
@_experiment
@_limit
@_order
@_metric
@_param
@click.option("--children", is_flag=True, help="Show child runs under their parents instead of their number.")
@click.option("--deleted", is_flag=True, help="Show the deleted runs instead.")
@json_option
@click.pass_obj
def list_runs(
    state: State,
    experiments: tuple[str, ...],
    limit: int,
    order_by: tuple[str, ...],
    metrics: tuple[str, ...],
    params: tuple[str, ...],
    children: bool,
    deleted: bool,
    as_json: bool,
) -> None:
    """The newest runs. With --json, children are in the list too, each with its parent's id."""
    place = find_place(state)
    if not place.exists:
        tell_no_store(place, as_json)
        return
    with closing(open_place(place)) as sink:
        lifecycle = "deleted" if deleted else "active"
        branches, more = _branches(sink, experiments, order_by, lifecycle, limit)
    if as_json:
        print_json([run_document(run) for branch in branches for run in (branch.run, *branch.children)])
        return
    screen = Screen()
    if not branches:
        what = "deleted runs" if deleted else "runs"
        where = f" in {', '.join(experiments)}" if experiments else ""
        click.echo(f"no {what}{where} at {place.shown}", err=True)
        return
    print_runs(screen, branches, Choice(metrics, params, children))
    if more:
        screen.note(more_line(len(branches), limit))


def _branches(
    sink: Sink, experiments: tuple[str, ...], order_by: tuple[str, ...], lifecycle: str, limit: int
) -> tuple[list[Branch], bool]:
    """The first ``limit`` runs that are nobody's child, with their children, and whether there are more.

    A child starts after its parent, so in the usual order, newest first, all children of a run come before it.
    """
    found: list[RunRecord] = []
    branches: list[Branch] = []
    for page in _pages(sink, experiments, order_by, lifecycle, 2 * limit + 1):
        found += page
        branches = fold(found)
        if len(branches) > limit:
            break
    more = len(branches) > limit
    chosen = branches[:limit]
    if order_by:
        # In an order of its own, a run may come before its children.
        chosen = [Branch(each.run, _children(sink, each, lifecycle)) for each in chosen]
    return chosen, more


def _children(sink: Sink, branch: Branch, lifecycle: str) -> tuple[RunRecord, ...]:
    known = {run.id: run for run in branch.children}
    for child in sink.runs(children_of=branch.run.id, max_results=10_000, lifecycle=lifecycle):
        known.setdefault(child.id, child)
    return tuple(known.values())


def _pages(
    sink: Sink, experiments: tuple[str, ...], order_by: tuple[str, ...], lifecycle: str, first: int
) -> Iterator[list[RunRecord]]:
    """All runs, in pages that grow: most stores have few children, some have thousands."""
    offset, count = 0, first
    while True:
        page = sink.runs(
            "",
            experiments=experiments or None,
            order_by=order_by,
            max_results=count,
            offset=offset,
            lifecycle=lifecycle,
        )
        yield page
        if len(page) < count:
            return
        offset += count
        count = min(4 * count, 2000)


@runs.command(
    "search",
    examples=(
        ("autotrack runs search 'metrics.loss < 0.1 and params.lr = \"0.1\"'", "MLflow's grammar"),
        ("autotrack runs search 'accuracy > 0.9 or (f1 > 0.8 and not status = \"FAILED\")'", "bare names, or, not"),
        ("autotrack runs search \"tags.team LIKE 'ri%'\" --order-by 'metrics.f1 DESC' --json", "for programs"),
    ),
)
@click.argument("filter")
@_experiment
@_limit
@_order
@_metric
@_param
@json_option
@click.pass_obj
def search(
    state: State,
    filter: str,
    experiments: tuple[str, ...],
    limit: int,
    order_by: tuple[str, ...],
    metrics: tuple[str, ...],
    params: tuple[str, ...],
    as_json: bool,
) -> None:
    """The runs that FILTER matches, child runs as well."""
    with closing(open_store(state)) as sink:
        found = sink.runs(filter, experiments=experiments or None, order_by=order_by, max_results=limit + 1)
    more = len(found) > limit
    found = found[:limit]
    if as_json:
        print_json([run_document(run) for run in found])
        return
    screen = Screen()
    if not found:
        click.echo("no run matches", err=True)
        return
    print_runs(screen, [Branch(run) for run in found], Choice(metrics, params))
    if more:
        screen.note(more_line(len(found), limit))


@runs.command(
    "show",
    examples=(
        ("autotrack runs show", "the newest run"),
        ("autotrack runs show 3f9a", "the run whose id begins with 3f9a"),
        ("autotrack runs show 3f9a --plot", "with curves of its metrics, in the terminal"),
        ("autotrack runs show 3f9a --plot loss val_loss", "with these two in one chart"),
        ("autotrack runs show --plot loss", "the same of the newest run"),
        ("autotrack runs show 3f9a --full", "with every param, long values and the whole traceback"),
        ("autotrack runs show 3f9a --graph", "the steps of a workflow, and which took what others had made"),
    ),
)
@click.argument("run", required=False)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--plot", is_flag=True, help="Draw the metrics named by KEY..., or all that have a curve.")
@click.option("--log", "logarithmic", is_flag=True, help="Draw with a logarithmic scale of values.")
@click.option("--time", "by_time", is_flag=True, help="Draw over seconds since the start instead of steps.")
@click.option("--full", is_flag=True, help="Cut nothing.")
@click.option("--graph", is_flag=True, help="Show the runs inside it as the steps of a workflow instead.")
@json_option
@click.pass_obj
def show(
    state: State,
    run: str | None,
    keys: tuple[str, ...],
    plot: bool,
    logarithmic: bool,
    by_time: bool,
    full: bool,
    graph: bool,
    as_json: bool,
) -> None:
    """Everything about RUN, an id or the beginning of one; without it, about the newest run."""
    if plot and run is not None and not set(run.lower()) <= _HEX:
        keys = (run, *keys)  # `runs show --plot loss`: of the newest run
        run = None
    with closing(open_store(state)) as sink:
        record = sink.run(run) if run else newest(sink)
        if graph:
            from .workflow import show_workflow

            show_workflow(sink, record, as_json=as_json)
            return
        summaries = sink.metric_summaries(record.id)
        children = sink.runs(children_of=record.id, max_results=10_000, lifecycle="all")
        from autotrack.answers.story import tell

        story = tell(sink, record)
        if as_json:
            from .making import making_document

            document = run_document(record)
            document["metric_summaries"] = summaries_document(summaries)
            document["children"] = [child.id for child in children]
            document["made_by"] = making_document(story)
            print_json(document)
            return
        from .page import print_curves, print_run, print_title

        screen = Screen()
        if not (plot or keys) or full:
            print_run(screen, record, summaries, children, story, full=full)
        else:
            print_title(screen, record)
        if plot or keys:
            print_curves(screen, sink, record, summaries, keys, by_time=by_time, logarithmic=logarithmic)


def newest(sink: Sink) -> RunRecord:
    """The newest run that is nobody's child (NotFoundError where there is none)."""
    for page in _pages(sink, (), (), "active", 20):
        for run in page:
            if run.parent is None:
                return run
    raise NotFoundError("there is no run to show yet; make one with `autotrack run train.py`")


@runs.command(
    "delete",
    examples=(
        ("autotrack runs delete 3f9a 81cc", "two runs, by the beginnings of their ids"),
        ("autotrack runs delete --filter 'status = \"FAILED\"'", "all that match"),
    ),
)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--filter", "filter", metavar="FILTER", help="Delete the runs that match; see `runs search --help`.")
@json_option
@click.pass_obj
def delete(state: State, runs: tuple[str, ...], filter: str | None, as_json: bool) -> None:
    """Delete runs. They can be restored until `autotrack gc --yes` frees their space."""
    _change(state, runs, filter, as_json, restore=False)


@runs.command(
    "restore",
    examples=(
        ("autotrack runs restore 3f9a", "a deleted run"),
        ("autotrack runs list --deleted", "which ones there are"),
    ),
)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--filter", "filter", metavar="FILTER", help="Restore the deleted runs that match.")
@json_option
@click.pass_obj
def restore(state: State, runs: tuple[str, ...], filter: str | None, as_json: bool) -> None:
    """Restore deleted runs."""
    _change(state, runs, filter, as_json, restore=True)


def _change(state: State, names: tuple[str, ...], filter: str | None, as_json: bool, *, restore: bool) -> None:
    if not names and filter is None:
        raise click.UsageError("name the runs by their ids, or give --filter.")
    with closing(open_store(state)) as sink:
        ids = [sink.run(name).id for name in names]
        if filter is not None:
            lifecycle = "deleted" if restore else "active"
            ids += [run.id for run in sink.runs(filter, max_results=1_000_000, lifecycle=lifecycle)]
        ids = list(dict.fromkeys(ids))
        count = sink.restore_runs(ids) if restore else sink.delete_runs(ids)
        from .standing import standing_on

        needed = {} if restore else standing_on(sink, ids)
    if as_json:
        print_json(
            {"restored" if restore else "deleted": count, "runs": ids, **({} if restore else {"needed": needed})}
        )
    elif restore:
        click.echo(f"restored {plural(count, 'run')}")
    else:
        click.echo(f"deleted {plural(count, 'run')}")
        screen = Screen()
        for run, versions in needed.items():
            screen.line(f"run {run[:8]} keeps its files for {', '.join(versions)} of the registry")
        if ids:
            screen.note(f"back with `autotrack runs restore {ids[0][:8]}`; gone for good with `autotrack gc --yes`")
