"""What every command has in common: examples in its help, ``--store`` and ``--debug``, and groups that load late."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

Examples = Sequence[tuple[str, str]]
#: Adds commands to a group.
Extension = Callable[[click.Group], None]

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")


@dataclass(slots=True)
class State:
    """What the global options say. ``store`` is None where the environment and the folder decide."""

    store: str | None = None
    debug: bool = False


def pairs(words: Iterable[str], option: str) -> dict[str, str]:
    """``["a=1", "b=x=y"]`` as a dict (click.UsageError where there is no ``=`` or no key)."""
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{option} {word!r}: expected KEY=VALUE.")
        found[key.strip()] = value
    return found


def _set_store(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(State).store = value


def _set_debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(State).debug = True


def global_options() -> list[click.Parameter]:
    """``--store`` and ``--debug``, which every command has."""
    return [
        click.Option(
            ["--store"],
            metavar="URI",
            expose_value=False,
            callback=_set_store,
            is_eager=True,
            help="Where the runs are kept: a folder, sqlite:///FILE or another URI. [default: AUTOTRACK_TRACKING_URI, "
            "else the nearest .autotrack]",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_set_debug,
            is_eager=True,
            help="Show the traceback of an error.",
        ),
    ]


def write_examples(formatter: click.HelpFormatter, examples: Examples) -> None:
    """Adds an Examples section: each command line with what it does under it."""
    if not examples:
        return
    with formatter.section("Examples"):
        for line, meaning in examples:
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")
            formatter.indent()
            formatter.write_text(meaning)
            formatter.dedent()


class Command(click.Command):
    """A click command with ``examples`` in its help and the global options after it, too."""

    def __init__(self, *args: Any, examples: Examples = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.examples = tuple(examples)
        self.params = [*self.params, *global_options()]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, self.examples)
        super().format_epilog(ctx, formatter)


def ask_plugins(ctx: click.Context) -> None:
    """Lets the plugins add their commands to any group of the command line, once."""
    root = ctx.find_root().command
    if isinstance(root, Group) and not root.asked_plugins:
        root.asked_plugins = True
        add_plugin_commands(root)


def add_plugin_commands(root: click.Group) -> None:
    """Lets each plugin add its commands to the command line; one that fails is warned of and left out."""
    from autotrack.core.plugins.registry import plugins

    manager = plugins()
    manager.load()
    manager.notify("register_commands", cli=root)


class Group(click.Group):
    """A group whose commands are imported when they are asked for; what is not built in is looked for in the plugins.

    ``lazy`` maps a command's name to ``("module:attribute", "what it does")``; the words stand in the group's help, so
    that listing the commands imports none of them.
    """

    command_class = Command

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, tuple[str, str]] | None = None,
        examples: Examples = (),
        **attributes: Any,
    ) -> None:
        attributes.setdefault("no_args_is_help", True)
        super().__init__(*args, **attributes)
        self.lazy = dict(lazy or {})
        self.asked_plugins = False
        self._extensions: dict[str, list[Extension]] = {}
        self.examples = tuple(examples)
        self.params = [*self.params, *global_options()]

    def command(  # type: ignore[override]
        self, *args: Any, **attributes: Any
    ) -> Callable[[Callable[..., Any]], click.Command]:
        """As click's, with ``examples``. The function keeps its options, which click takes off it: plugins make
        commands of the same functions wherever they are asked for them."""
        decorate = super().command(*args, **attributes)

        def keeping(function: Any) -> click.Command:
            options = list(getattr(function, "__click_params__", ()))
            made: click.Command = decorate(function)
            if options:
                function.__click_params__ = options
            return made

        return keeping

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.lazy, *(name for name in self.commands if name not in self.lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = self.built_in(cmd_name) or super().get_command(ctx, cmd_name)
        if command is None:
            ask_plugins(ctx)
            command = super().get_command(ctx, cmd_name)
        return command

    def built_in(self, name: str) -> click.Command | None:
        """A command of autotrack's own; None where there is none of that name."""
        if name not in self.lazy:
            return None
        module, _, attribute = self.lazy[name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        if isinstance(command, click.Group):
            for add in self._extensions.pop(name, ()):
                from autotrack.core.guard import guard

                guard.call_plugin(f"{add.__module__}.register_commands", add, command)
        return command

    def extend(self, name: str, add: Extension) -> None:
        """Adds commands to the group of that name in this one: ``add`` is called with it once it is asked for, so that
        nothing of it is imported for commands that nobody calls."""
        if name in self.lazy:
            self._extensions.setdefault(name, []).append(add)
            if self.lazy[name][0].partition(":")[0] in sys.modules:
                self.built_in(name)
        elif isinstance(group := self.commands.get(name), click.Group):
            add(group)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1, 0.6)
            meant = f" Did you mean `{near[0]}`?" if near else ""
            raise click.UsageError(f"there is no command `{name}`.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        ask_plugins(ctx)
        rows = []
        for name in self.list_commands(ctx):
            if name in self.lazy:
                rows.append((name, self.lazy[name][1]))
            elif (command := self.get_command(ctx, name)) is not None and not command.hidden:
                rows.append((name, command.get_short_help_str(formatter.width - 20)))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, self.examples)
        super().format_epilog(ctx, formatter)
