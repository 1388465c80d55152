"""What a plugin author or a user can name is documented, with its exact arguments, and nothing else is.

Where a document and the code disagree, one of them is mended in the same change.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
VARIABLE = re.compile(r"\bAUTOTRACK_[A-Z0-9]+(?:_[A-Z0-9]+)*\b")
HOOK_HEADING = re.compile(r"^### `(\w+\([^`]*\))`$", re.M)
SETTING_ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| ([^|]+) \|", re.M)
PLUGIN_COMMAND = re.compile(r"^\*\*`autotrack ([a-z][^`]*)`\*\*", re.M)
COMMAND_HEADING = re.compile(r"^#{2,4} `autotrack ([a-z][^`]*)`$", re.M)


def hook_signatures(source: str) -> set[str]:
    """``name(arg, arg)`` of every function that is marked as a hook spec."""
    return {
        f"{node.name}({', '.join(argument.arg for argument in node.args.args)})"
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and any("hookspec" in ast.unparse(mark) for mark in node.decorator_list)
    }


def text_constants(source: str) -> Iterator[str]:
    """Every string in the code that is not a docstring."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def settings() -> dict[str, object]:
    """Every setting with its default."""
    config = importlib.import_module("autotrack.core.config")
    return {field.name: field.default for field in dataclasses.fields(config.Settings)}


def commands_under(group: object, prefix: str = "", *, built_in: bool = False) -> Iterator[str]:
    """Every visible command of a click group, with its path: ``runs list``. ``built_in``: less those of plugins."""
    assert isinstance(group, click.Group)
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden or (built_in and not is_ours(command)):
            continue
        if isinstance(command, click.Group):
            yield from commands_under(command, f"{prefix}{name} ", built_in=built_in)
        else:
            yield f"{prefix}{name}"


def is_ours(command: click.Command) -> bool:
    return command.callback is not None and command.callback.__module__.startswith("autotrack.")


def test_every_hook_is_documented_with_its_exact_arguments() -> None:
    written = hook_signatures((ROOT / "autotrack/core/plugins/hookspecs.py").read_text("utf-8"))
    assert len(written) > 15
    documented = HOOK_HEADING.findall((DOCS / "hooks.md").read_text("utf-8"))
    assert len(documented) == len(set(documented))
    assert set(documented) == written


def test_every_environment_variable_is_documented() -> None:
    sources = [*ROOT.glob("autotrack/**/*.py"), *ROOT.glob("plugins/*/autotrack_*/**/*.py")]
    texts = (text for file in sources for text in text_constants(file.read_text("utf-8")))
    used = {name for text in texts for name in VARIABLE.findall(text)}
    used |= {f"AUTOTRACK_{name.upper()}" for name in settings()}
    assert used == set(VARIABLE.findall((DOCS / "settings.md").read_text("utf-8")))


def test_every_setting_is_documented_with_its_default() -> None:
    rows = SETTING_ROW.findall((DOCS / "settings.md").read_text("utf-8"))
    assert {(name, f"AUTOTRACK_{name.upper()}", spelled(default)) for name, default in settings().items()} == set(rows)


def spelled(default: object) -> str:
    """A default as the settings page writes it."""
    if default is None or default == ():
        return "none"
    return f"`{str(default).lower()}`"


def test_every_command_is_documented() -> None:
    text = (DOCS / "cli.md").read_text("utf-8")
    documented, brought = (
        {re.split(r" [A-Z<\[]", line)[0] for line in pattern.findall(text)}
        for pattern in (COMMAND_HEADING, PLUGIN_COMMAND)
    )
    cli = importlib.import_module("autotrack.cli.main").cli
    own = set(commands_under(cli, built_in=True))
    importlib.import_module("autotrack.cli.commands").ask_plugins(click.Context(cli))
    assert documented == own
    assert brought == set(commands_under(cli)) - own


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.md")) + sorted(ROOT.glob("*.md")), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_checks_see_what_they_look_for() -> None:
    assert hook_signatures("@hookspec(firstresult=True)\ndef open_sink(uri: str, x=1): ...\ndef other(): ...") == {
        "open_sink(uri, x)"
    }
    assert list(text_constants('"""AUTOTRACK_DOC"""\nx = "AUTOTRACK_X"')) == ["AUTOTRACK_X"]
    assert SETTING_ROW.findall("| `models` | `AUTOTRACK_MODELS` | `true` | x |") == [
        ("models", "AUTOTRACK_MODELS", "`true`")
    ]
    assert HOOK_HEADING.findall("### `open_sink(uri)`\n#### `no(x)`") == ["open_sink(uri)"]
