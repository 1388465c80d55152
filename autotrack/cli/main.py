"""The ``autotrack`` command: its groups, what an error looks like, and which exit code it has."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import NoReturn

import click

from autotrack.core.errors import AutotrackError, UntrustedModelError, UsageError
from autotrack.core.terminating import exit_code_of

from .commands import Group, State

_COMMANDS = {
    "run": ("autotrack.cli.run_script:run", "Run a script and track it, with no edit at all."),
    "runs": ("autotrack.cli.runs:runs", "List, show, search, delete, restore, export and import runs."),
    "diff": ("autotrack.cli.diff:diff", "Say why two runs differ."),
    "bisect": (
        "autotrack.cli.bisect:bisect",
        "Find out by running it why a run's metric is another than one's before.",
    ),
    "rebuild": ("autotrack.cli.rebuild:rebuild", "Run a run again from what was captured, and compare what comes out."),
    "lineage": ("autotrack.cli.lineage:lineage", "Say what something was made from, and what was made from it."),
    "experiments": ("autotrack.cli.experiments:experiments", "List, create, rename, delete and restore experiments."),
    "artifacts": ("autotrack.cli.artifacts:artifacts", "List files of runs, and fetch them."),
    "models": ("autotrack.cli.models:models", "List, show, verify and trust models."),
    "import": ("autotrack.cli.imports:imports", "Take in runs that other tools have recorded."),
    "plugins": ("autotrack.cli.plugins:plugins", "Show the plugins that are installed, and why one is not loaded."),
    "doctor": ("autotrack.cli.doctor:doctor", "Check this installation and its store."),
    "sync": ("autotrack.cli.sync:sync", "Deliver what training processes have written, now."),
    "gc": (
        "autotrack.cli.maintenance:gc",
        "Free the space of deleted runs; without --yes, only say what and how much.",
    ),
    "backup": ("autotrack.cli.backup:backup", "Copy a store while others write to it; the copy is a store."),
    "verify": ("autotrack.cli.backup:verify", "Read everything in a store again and compare its sha256."),
    "db": ("autotrack.cli.maintenance:db", "Look after the database of the store."),
    "ui": ("autotrack.cli.ui:ui", "Open the pages of a store in a browser: find, compare and understand runs."),
    "report": ("autotrack.cli.report:report", "Write runs, or runs compared, into one HTML file that opens anywhere."),
    "server": ("autotrack.cli.server:server", "Serve a store: to MLflow's clients, to autotrack's, and as pages."),
    "login": ("autotrack.cli.login:login", "Log in to a server."),
    "logout": ("autotrack.cli.login:logout", "Revoke the token for a server, and forget it."),
    "users": ("autotrack.cli.users:users", "Users of a server: what they may do, and who they are."),
    "tokens": ("autotrack.cli.users:tokens", "Tokens: what programs log in to a server with."),
    "demo": ("autotrack.cli.demo:demo", "Train a few real models and look at their runs."),
}


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"autotrack {version('autotrack')}")
        ctx.exit()


@click.group(
    cls=Group,
    lazy=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=(
        ("autotrack run train.py", "track a training script without editing it"),
        ("autotrack runs list", "what was run, newest first"),
        ("autotrack runs show", "everything about the newest run"),
        ("autotrack runs search \"metrics.accuracy > 0.9 and params.C = '1.0'\"", "find runs"),
    ),
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say the version.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Tracks what ran, with what, and what came out."""
    ctx.ensure_object(State)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and ends the process: 0 done, 1 failed, 2 bad usage, 3 untrusted, 130 interrupted.

    A reader that leaves early (``| head``) is met by click: silence, and exit code 1.
    """
    state = State()

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if state.debug:
            sys.__excepthook__(kind, error, trace)
        else:
            _say(f"unexpected {kind.__name__}: {error}; this is a bug in autotrack (--debug shows where)")

    sys.excepthook = report
    _show_what_fits()
    sys.exit(_run(state, arguments))


def _show_what_fits() -> None:
    """A terminal whose encoding lacks a character gets a question mark for it, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _run(state: State, arguments: Sequence[str] | None) -> int:
    try:
        code = cli.main(
            args=None if arguments is None else list(arguments), prog_name="autotrack", standalone_mode=False, obj=state
        )
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        return exit_code_of(stop.__cause__ if isinstance(stop, click.Abort) else stop)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AutotrackError as error:
        if state.debug:
            raise
        _say(str(error))
        return 2 if isinstance(error, UsageError) else 3 if isinstance(error, UntrustedModelError) else 1
    except OSError as error:
        if state.debug:
            raise
        where = f": {error.filename}" if error.filename else ""
        _say(f"{error.strerror or error}{where}; check the path, its permissions and the space that is left")
        return 1


def _say(message: str) -> None:
    click.echo(f"autotrack: {message}", err=True)


if __name__ == "__main__":
    main()
