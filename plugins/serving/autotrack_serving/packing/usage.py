"""The help of ``python model.zip``: how the archive itself is started."""

from __future__ import annotations

from typing import Any

import click

#: What the archive gives by itself.
_GIVEN = frozenset({"uri", "trust"})


def as_archive(command: click.Command, archive: str) -> None:
    """Makes the command that serves say how the archive is started, in its help and in errors of usage."""

    class Context(click.Context):
        @property
        def command_path(self) -> str:
            return f"python {archive}"

    command.context_class = Context
    for option in command.params:
        if isinstance(option, click.Option) and option.name in _GIVEN:
            option.hidden = True
    told: Any = command  # a command of a group of click's own has no examples
    if hasattr(told, "examples"):
        told.examples = (
            (f"python {archive} --port 8080", "the model in it, at 127.0.0.1:8080"),
            (f"python {archive} --host 0.0.0.0 --workers 4", "for other machines, by four processes"),
            *(each for each in told.examples if each[0].startswith("curl ")),
        )
