"""``autotrack run``: a script, exactly as Python runs it, with autotrack switched on before it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from autotrack.core.errors import UsageError
from autotrack.core.launching import launched_with

from .commands import Command, State, global_options, pairs

#: Options of ``run`` itself that take a value; what follows ``-m MODULE`` belongs to the module.
_VALUED = frozenset({"--experiment", "-e", "--name", "-n", "--tag", "-t", "--store"})

#: The same of options that only projects have.
_PROJECTS = frozenset(
    {"--entry-point", "-P", "--param", "--version", "-v", "--env", "--backend", "--backend-config", "--jobs", "-j"}
)

#: Letters that installers write into the first line of the ``autotrack`` script to isolate it, not the user's program.
_ISOLATING = "IEsP"

_PROJECT = ("git+", "git@", "git:", "ssh:", "http:", "https:", "file:", "github:")


class RunCommand(Command):
    """A command whose options end where the script or ``-m MODULE`` begins; a project has a command of a plugin's."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        other = _command_for(args)
        if other is not None:
            return other.make_context(info_name, args, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, end_of_options(args))

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


def _command_for(args: Sequence[str]) -> click.Command | None:
    """The command of a plugin that runs what these words name, if that is no script and no module."""
    target = _target(args)
    if target is None or (Path(target).is_file() and not target.endswith(".zip")):
        return None
    from autotrack.core.plugins.registry import plugins

    found: click.Command | None = plugins().choose("run_target", target=target)
    if found is not None and not any(param.name == "store" for param in found.params):
        found.params = [*found.params, *global_options()]
    return found


def _target(args: Sequence[str]) -> str | None:
    """The first word that is no option and no option's value; None behind ``-m``, whose module it would belong to."""
    at = 0
    while at < len(args):
        word = args[at]
        if word == "--":
            return args[at + 1] if at + 1 < len(args) else None
        if not word.startswith("-") or word == "-":
            return word
        if word in ("-m", "--module") or word.startswith(("--module=", "-m")):
            return None
        at += 2 if word in _VALUED or word in _PROJECTS else 1
    return None


def end_of_options(args: Sequence[str]) -> list[str]:
    """The arguments with ``--`` put in after ``-m MODULE``, as Python reads its own command line."""
    at = 0
    while at < len(args):
        word = args[at]
        if word == "--" or not word.startswith("-") or word == "-":
            break
        if word in ("-m", "--module"):
            return [*args[: at + 2], "--", *args[at + 2 :]]
        if word.startswith(("--module=", "-m")):
            return [*args[: at + 1], "--", *args[at + 1 :]]
        at += 2 if word in _VALUED else 1
    return list(args)


@click.command(
    "run",
    cls=RunCommand,
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS]",
    examples=(
        ("autotrack run train.py", "every fit in train.py becomes a run; nothing in it is edited"),
        ("autotrack run train.py --epochs 5", "what follows the script goes to the script"),
        ("autotrack run -m package.train --epochs 5", "a module, as `python -m` finds it"),
        ("autotrack run -e churn -t team=risk train.py", "in the experiment `churn`, with a tag on each run"),
        ("autotrack run . -P lr=0.1", "a project: its entry point `main`, in its own environment (docs/projects.md)"),
        (
            "autotrack run https://host/team/repo#churn -e train --version v2",
            "a project of a repository; see `autotrack run . --help`",
        ),
        ("python -O -W error -m autotrack run train.py", "Python's own options are kept"),
    ),
)
@click.option("-e", "--experiment", metavar="NAME", help="The experiment that the runs go to.")
@click.option("-n", "--name", metavar="NAME", help="The name of the runs.")
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag for each run; may be repeated.")
@click.option("--no-models", is_flag=True, help="Do not save the trained models.")
@click.option("-m", "--module", metavar="MODULE", help="Run a module instead of a file, as `python -m` does.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT [ARGS]...")
@click.pass_obj
def run(
    state: State,
    experiment: str | None,
    name: str | None,
    tags: tuple[str, ...],
    no_models: bool,
    module: str | None,
    command: tuple[str, ...],
) -> None:
    """Run a script and track it, with no edit at all.

    The script gets what Python would give it: its arguments, `__main__`, standard input, signals, tracebacks; and
    its exit code is the answer.
    """
    settings: dict[str, object] = {}
    if experiment is not None:
        settings["experiment"] = experiment
    if name is not None:
        settings["run_name"] = name
    if no_models:
        settings["models"] = False
    if state.store is not None:
        settings["tracking_uri"] = state.store
    if module is None:
        if not command:
            raise click.UsageError("nothing to run: give a script, or -m and a module (autotrack run train.py).")
        check_script(command[0])
    launch(settings, command, module=module, tags=pairs(tags, "--tag"))


def check_script(script: str) -> None:
    """Refuses what Python cannot run as a script, in a sentence (UsageError)."""
    path = Path(script)
    if script == "-" or path.is_file():
        return
    if path.is_dir() or script.startswith(_PROJECT) or script.endswith(".git"):
        what = "a folder" if path.is_dir() else "a repository"
        raise UsageError(
            f"cannot run {script}: it is {what}, and running a project comes with the plugin `projects`, which is "
            "blocked or not installed; name a script in it instead (autotrack run path/to/train.py)"
        )
    if path.exists():  # a pipe, as in `autotrack run <(generate)`
        return
    raise UsageError(f"cannot run {script}: there is no such file in {Path.cwd()}; check the path")


def interpreter_options(arguments: Sequence[str]) -> list[str]:
    """Python's own options out of ``sys.orig_argv``, to the letter (UsageError where they forbid the injection)."""
    options: list[list[str]] = []
    at = 1
    by_name = False
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] not in ("-", "--"):
        word = arguments[at]
        at += 1
        valued = next((letter for letter in word[1:] if letter in "cmWX"), "") if not word.startswith("--") else ""
        if valued and valued in "cm":
            by_name = True
            letters = word[: word.index(valued)]
            options += [[letters]] if letters != "-" else []
            break
        takes_next = word.endswith(valued) if valued else word == "--check-hash-based-pycs"
        options.append([word, *arguments[at : at + 1]] if takes_next else [word])
        at += int(takes_next)
    if not by_name:
        options = [kept for option in options if (kept := _without_isolation(option))]
    for option in options:
        if found := sorted(set(_letters(option[0])) & set("ISE")):
            raise UsageError(
                f"cannot track a script under `python -{''.join(found)}`, which ignores PYTHONPATH or the site module; "
                "leave that option out, or call autotrack.enable() in the script"
            )
    return [word for option in options for word in option]


def _letters(word: str) -> str:
    """The single-letter options in one word: ``-OOWerror`` holds O and O, and what follows W is its value."""
    if word.startswith("--"):
        return ""
    return word[1:].partition("W")[0].partition("X")[0]


def _without_isolation(option: list[str]) -> list[str]:
    letters = _letters(option[0])
    if not letters:
        return option
    kept = "".join(letter for letter in letters if letter not in _ISOLATING) + option[0][1 + len(letters) :]
    return [f"-{kept}", *option[1:]] if kept else option[1:]


def launch(
    settings: dict[str, object], command: Sequence[str], *, module: str | None, tags: dict[str, str]
) -> NoReturn:
    """Replaces this process by Python running the command, with our ``sitecustomize`` in front."""
    if not sys.executable:
        raise UsageError("cannot run a script: Python does not know its own executable; use autotrack.enable() instead")
    arguments = [sys.executable, *interpreter_options(sys.orig_argv)]
    if module is not None:
        arguments += ["-m", module]
        folder = str(Path.cwd())
    else:
        folder = str(Path(command[0]).resolve().parent)
    arguments += command
    environment = launched_with(os.environ, folder=folder, settings=settings, tags=tags)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, arguments, environment)
