"""Every command line that a document, a message or a help page names is one that `autotrack` understands."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from autotrack.cli.main import cli
from tests.unit.test_docs import text_constants

ROOT = Path(__file__).resolve().parents[3]
NAMED = re.compile(r"`(autotrack [a-z][^`]*)`")
TYPED = re.compile(r"^\$ (.*\bautotrack .*)$", re.M)
PAGES = [
    file
    for pattern in ("docs/**/*.md", "*.md", "plugins/*/README.md", "contrib/*/README.md")
    for file in sorted(ROOT.glob(pattern))
]
MODULES = [*ROOT.glob("autotrack/**/*.py"), *ROOT.glob("plugins/*/autotrack_*/**/*.py")]


def understood(line: str, *, whole: bool) -> None:
    """Parses a command line. UsageError where there is no such command or option, or too many arguments; with
    ``whole`` also where anything is missing."""
    line = re.sub(r"(\w)(\|\w+)+", r"\1", line.replace("...", ""))  # `list|show`, `RUN...`
    words = shlex.split(line, comments=True)
    words = words[: min((words.index(end) for end in ("|", "<", ">", "&&") if end in words), default=None)]
    words = words[words.index("autotrack") + 1 :] if "autotrack" in words else []
    command: click.Command | None = cli
    context = None
    try:
        while command is not None and words:
            context = command.make_context(command.name, list(words), parent=context)
            if not isinstance(command, click.Group):
                return
            _, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
    except click.exceptions.Exit:
        return  # --help, --version
    except (click.BadParameter, click.BadOptionUsage, click.exceptions.NoArgsIsHelpError) as error:
        missing = isinstance(error, click.MissingParameter | click.BadOptionUsage)
        if whole and missing:
            raise
        # A name such as RUN stands for a value, and a file need not be there.


def examples(group: click.Group) -> Iterator[str]:
    context = click.Context(group, parent=click.Context(cli))
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield from (line for line, _ in getattr(command, "examples", ()))
        if isinstance(command, click.Group):
            yield from examples(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_to_type(page: Path) -> None:
    text = page.read_text("utf-8")
    for line in TYPED.findall(text):
        understood(line, whole=True)
    for line in NAMED.findall(text):
        understood(line, whole=False)


def test_what_messages_and_docstrings_name() -> None:
    seen = 0
    for module in MODULES:
        source = module.read_text("utf-8")
        nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docstrings = (ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, nodes))
        for line in (line for text in (*text_constants(source), *docstrings) for line in NAMED.findall(text)):
            try:
                understood(line, whole=False)
            except click.UsageError as error:
                pytest.fail(f"{module.relative_to(ROOT)} names `{line}`: {error.format_message()}")
            seen += 1
    assert seen > 50


def test_the_examples_of_the_help() -> None:
    lines = list(examples(cli))
    assert len(lines) > 100
    for line in lines:
        understood(line, whole=True)


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("autotrack rums list", False),
        ("autotrack runs show --polt", False),
        ("autotrack doctor now", False),
        ("autotrack import mlflow mlruns --dryrun", False),
        ("autotrack diff A", True),
    ],
)
def test_the_check_sees_what_it_looks_for(line: str, whole: bool) -> None:
    with pytest.raises(click.UsageError):
        understood(line, whole=whole)
