"""``autotrack import``: runs that other tools have recorded. Each kind is a command that a plugin brings."""

from __future__ import annotations

import click

from .commands import Group


class Imports(Group):
    """The group to which plugins add their commands (``register_commands``)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        _ask_plugins(ctx)
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            _ask_plugins(ctx)
        return super().get_command(ctx, cmd_name)


def _ask_plugins(ctx: click.Context) -> None:
    root = ctx.find_root().command
    ask = getattr(root, "ask_plugins", None)
    if ask is not None:
        ask()


@click.group(
    "import",
    cls=Imports,
    examples=(("autotrack import tensorboard runs", "every log under the folder runs becomes a run"),),
)
def imports() -> None:
    """Take in runs that other tools have recorded. (Runs of autotrack's own: `autotrack runs import`.)"""
