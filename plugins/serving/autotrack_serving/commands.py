"""``autotrack serve`` and ``autotrack predict``."""

from __future__ import annotations

import atexit
import gc
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from autotrack.plugin import UsageError, uncollected, with_room

from .request import Request, full_uri

_KINDS = ("csv", "jsonl", "parquet", "arrow")
#: Names the archive that a packed model came in: the folder that it was unpacked to means nothing to anybody.
PACKED = "_AUTOTRACK_PACKED"
#: What of the extra ``serving`` the two commands cannot do without.
SERVING, PREDICTING = ("msgspec", "orjson", "uvicorn"), ("msgspec", "orjson", "pyarrow")


def add_commands(cli: click.Group) -> None:
    """Adds the commands of this plugin to the command line."""
    examples = (
        ("autotrack serve -m models:/churn@champion", "the version that the alias stands for, at 127.0.0.1:5001"),
        ("autotrack serve -m 3f9a", "the model of the run whose id begins with 3f9a"),
        ("autotrack serve -m ./model --port 8080 --workers 4", "a model's folder, by four processes"),
        ("autotrack serve -m models:/churn/3 --alert-if 'psi > 0.2'", "plugins hear of it once its inputs have moved"),
        (
            """curl -s localhost:5001/invocations -H 'content-type: application/json' -d '{"inputs": [[1, 2]]}'""",
            "asks it; http://localhost:5001/docs shows what it takes",
        ),
    )
    # A group of click's own, which a test or another program may have, knows no examples.
    more: dict[str, Any] = {"examples": examples} if hasattr(cli, "examples") else {}
    serving = cli.command("serve", **more)(serve)
    archive = os.environ.get(PACKED)
    if archive is not None:
        from .packing.usage import as_archive

        as_archive(serving, archive)
    files = (
        ("autotrack predict -m models:/churn@champion -i customers.parquet -o scores.parquet", "every row, in order"),
        ("autotrack predict -m 3f9a -i new.csv -o scores.csv --keep id", "with the column id beside the predictions"),
    )
    more = {"examples": files} if more else {}
    cli.command("predict", **more)(predict)
    if hasattr(cli, "extend"):
        cli.extend("models", _add_to_models)


def _add_to_models(models: Any) -> None:
    packed = (("autotrack models pack -m models:/churn@champion -o churn.zip", "then: python churn.zip --port 8080"),)
    built = (("autotrack models build-docker -m models:/churn@champion -o churn-image", "the context of an image"),)
    told = (
        ("autotrack models status churn", "how it is used, how far its inputs have moved, how good it is"),
        ("autotrack models status churn --fail-if 'psi > 0.2'", "exit code 1 where they have moved too far"),
        ("autotrack models status churn --fail-if 'prediction_psi > 0.2'", "the same of its predictions"),
    )
    models.command("pack", examples=packed)(pack_command)
    models.command("status", examples=told)(status_command)
    models.command("build-docker", examples=built)(build_docker)


@click.option("-m", "--model", "uri", required=True, metavar="MODEL", help="A URI, a folder, or a run's id.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=5001, show_default=True, help="0: any free one.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that predict.")
@click.option(
    "--batch-ms",
    type=click.FloatRange(0, 1000),
    default=0.0,
    show_default=True,
    help="Wait this long for requests to share a call of the model; 0: only while the model is busy.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Rows of a call that requests share; 1: each has its own.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.001, 86400),
    default=60.0,
    show_default=True,
    help="Seconds in which the model must answer; the client gets a 504 then.",
)
@click.option(
    "--max-mb", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Size of a request's body."
)
@click.option("--trust", is_flag=True, help="Vouch for the model's files, which may run code when they are loaded.")
@click.option("--allow-drift", is_flag=True, help="Serve it even where it answers otherwise than where it was trained.")
@click.option(
    "--report/--no-report",
    default=None,
    help="Tell in the store how it goes, and take feedback. [default: for models of the store]",
)
@click.option(
    "--log-payloads",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Keep this share of the requests, rows and answers, with the run that tells how it goes. [default: none]",
)
@click.option("--redact", multiple=True, metavar="COLUMN", help="Of this column nothing is kept; may be repeated.")
@click.option(
    "--alert-if",
    "alert_if",
    multiple=True,
    metavar="CONDITION",
    help="As in 'psi > 0.2': told to plugins (`production_reported`) and on the run; may be repeated.",
)
@click.option("--engine", default="", metavar="NAME", help="A server that another plugin brings.")
@click.pass_obj
def serve(
    state: Any,
    uri: str,
    host: str,
    port: int,
    workers: int,
    batch_ms: float,
    max_rows: int,
    timeout: float,
    max_mb: int,
    trust: bool,
    allow_drift: bool,
    report: bool | None,
    log_payloads: float,
    redact: tuple[str, ...],
    alert_if: tuple[str, ...],
    engine: str,
) -> None:
    """Put a model behind REST.

    It speaks what clients of `mlflow models serve` speak (/invocations, /ping, /version), the Open Inference Protocol
    (/v2), and describes itself at /docs and /openapi.json; /metrics is for Prometheus. The port opens once the model
    has given the predictions again that were kept where it was trained.
    """
    if engine in ("", "uvicorn"):
        _need("serving", *SERVING)
    from .engine import server_for

    if getattr(state, "store", None):
        os.environ["AUTOTRACK_TRACKING_URI"] = state.store  # of the workers, too
    if report is None:
        report = full_uri(uri).startswith(("runs:/", "models:/"))
    if log_payloads and not report:
        raise click.UsageError("--log-payloads keeps requests with the run that --report writes; add --report")
    if alert_if and not report:
        raise click.UsageError("--alert-if is about what --report tells; add --report")
    request = Request(
        uri=full_uri(uri),
        host=host,
        port=port,
        workers=workers,
        batch_ms=batch_ms,
        max_rows=max_rows,
        timeout=timeout,
        max_bytes=max_mb << 20,
        trust=True if trust else None,
        allow_drift=allow_drift,
        report=report,
        log_payloads=log_payloads,
        redact=redact,
        alert_if=alert_if,
        engine=engine,
    )

    shown = os.environ.pop(PACKED, None) or request.uri

    def ready(url: str) -> None:
        click.echo(f"{shown} is served at {url}  (docs: {url}/docs; Ctrl-C ends it)")

    server_for(request).run(ready)


@click.option("-m", "--model", "uri", required=True, metavar="MODEL", help="A URI, a folder, or a run's id.")
@click.option("-i", "--input", "source", required=True, type=click.Path(path_type=Path), help="The file of rows.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Where the predictions go.")
@click.option("--format", "kind", type=click.Choice(_KINDS), help="What the input holds. [default: by its ending]")
@click.option("--output-format", type=click.Choice(_KINDS), help="What the output is to be. [default: by its ending]")
@click.option("--keep", multiple=True, metavar="COLUMN", help="A column of the input beside the predictions.")
@click.option(
    "--chunk-rows", type=click.IntRange(1), default=65_536, show_default=True, help="Rows that are predicted at a time."
)
@click.option("--trust", is_flag=True, help="Vouch for the model's files, which may run code when they are loaded.")
@click.option(
    "--allow-drift", is_flag=True, help="Predict even where the model answers otherwise than where it was made."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document about the job.")
@click.pass_obj
def predict(
    state: Any,
    uri: str,
    source: Path,
    output: Path,
    kind: str | None,
    output_format: str | None,
    keep: tuple[str, ...],
    chunk_rows: int,
    trust: bool,
    allow_drift: bool,
    as_json: bool,
) -> None:
    """Predict every row of a file: CSV, JSON lines, parquet or Arrow.

    Rows are read and written in chunks, in their order. Interrupted, the same command goes on where it stood.
    """
    _need("predicting files", *PREDICTING)
    from .batch.predicting import Early, predict_file
    from .scorer import load

    if getattr(state, "store", None):
        os.environ["AUTOTRACK_TRACKING_URI"] = state.store
    atexit.register(gc.freeze)  # at its end the process need not look for garbage among all that it has imported
    with closing(Early(source, kind, keep, chunk_rows)) as early:
        with uncollected():
            scorer = with_room(
                load, full_uri(uri), trust=True if trust else None, allow_drift=allow_drift, described=early.begin
            )
        with _bar() as progress:
            done = predict_file(
                scorer,
                source,
                output,
                input_format=kind,
                output_format=output_format,
                keep=keep,
                chunk_rows=chunk_rows,
                progress=progress,
                begun=early.chunks,
            )
    if as_json:
        document = {
            "rows": done.rows,
            "resumed": done.resumed,
            "seconds": round(done.seconds, 3),
            "output": str(output),
        }
        click.echo(json.dumps(document))
        return
    before = f", {done.resumed:,} of them before" if done.resumed else ""
    click.echo(f"{done.rows:,} rows predicted in {done.seconds:.1f} s{before}: {output}")


@click.option("-m", "--model", "uri", required=True, metavar="MODEL", help="A URI, a folder, or a run's id.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The zip file to write.")
@click.pass_obj
def pack_command(state: Any, uri: str, output: Path) -> None:
    """Write MODEL and what serves it into one zip file: `python FILE` serves it.

    Packages are not in it: the Python that runs it must have what the model asks for, and says what is missing.
    """
    from .packing.packing import pack

    if getattr(state, "store", None):
        os.environ["AUTOTRACK_TRACKING_URI"] = state.store
    needed = pack(full_uri(uri), output)
    click.echo(f"{output} ({output.stat().st_size / 1e6:.1f} MB): python {output} --port 8080")
    click.echo(f"needs {len(needed)} packages: {', '.join(needed)}")


@click.option("-m", "--model", "uri", required=True, metavar="MODEL", help="A URI, a folder, or a run's id.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder of the context.")
@click.option("--base", default="python:3.11-slim", show_default=True, help="The image to build on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="The port in the container."
)
@click.option("-t", "--tag", metavar="NAME", help="Build the image, under this name, with docker or podman.")
@click.pass_obj
def build_docker(state: Any, uri: str, output: Path, base: str, port: int, tag: str | None) -> None:
    """Write the context of a container that serves MODEL: slim base, pinned requirements, no rights, a health check."""
    import subprocess

    from .packing.packing import Packed, builder, docker_context

    if getattr(state, "store", None):
        os.environ["AUTOTRACK_TRACKING_URI"] = state.store
    tool = builder()
    if tag is not None and tool is None:
        raise Packed(
            "neither docker nor podman is here to build an image; leave --tag out and build the context elsewhere"
        )
    files = docker_context(full_uri(uri), output, base=base, port=port)
    click.echo(f"{output}: {', '.join(files)}")
    if tag is None or tool is None:
        click.echo(f"docker build -t NAME {output} && docker run -p {port}:{port} NAME")
        return
    if subprocess.run([tool, "build", "-t", tag, "--", str(output)], check=False).returncode:
        raise Packed(f"{tool} could not build the image; what it said stands above")


@click.argument("model")
@click.option("--fail-if", "conditions", multiple=True, metavar="CONDITION", help="As in 'psi > 0.2'; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def status_command(ctx: click.Context, model: str, conditions: tuple[str, ...], as_json: bool) -> None:
    """How MODEL does in production: a name, a URI, or the run that made it.

    Of the server that reported last: requests, latency, how far inputs and predictions have moved from those of
    training (psi: from 0.1 a shift, from 0.25 a large one), values that training never saw, and, where truth came back,
    how good it is beside its training.
    """
    from .monitoring.showing import show
    from .monitoring.status import breaks, served
    from .monitoring.together import too_few

    found = served(model, getattr(ctx.obj, "store", None))
    newest = found[0]
    broken = [condition for condition in conditions if breaks(condition, newest)]
    unknown = [condition for condition in conditions if breaks(condition, newest) is None]
    if as_json:
        document = {"served": [one.document() for one in found], "broken": broken, "unknown": unknown}
        click.echo(json.dumps(document, indent=2))
    else:
        show(newest)
        if len(found) > 1:
            click.echo(f"and {len(found) - 1} more that served it before (--json)")
    few = too_few(newest.metrics)
    for condition in unknown:
        click.echo(f"not known yet: {condition}{f': {few}' if few else ''}", err=True)
    for condition in broken:
        click.echo(f"it holds: {condition}", err=True)
    if broken:
        ctx.exit(1)


def _need(what: str, *packages: str) -> None:
    """UsageError that says what to install, where one of them is not here."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} needs more packages ({', '.join(missing)}): pip install 'autotrack[serving]'")


@contextmanager
def _bar() -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal's standard error, and nowhere else."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
