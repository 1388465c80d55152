"""``autotrack import``: runs that other tools have recorded. Each kind is a command that a plugin brings."""

from __future__ import annotations

import click

from .commands import Group


@click.group(
    "import",
    cls=Group,
    examples=(("autotrack import tensorboard runs", "every log under the folder runs becomes a run"),),
)
def imports() -> None:
    """Take in runs that other tools have recorded. (Runs of autotrack's own: `autotrack runs import`.)"""
