"""Every exception that autotrack raises, in one hierarchy.

A message says what was tried, what was found and what to do.
"""

from __future__ import annotations


class AutotrackError(Exception):
    """Base of all errors raised by autotrack on purpose."""


class UsageError(AutotrackError, ValueError):
    """An argument or a setting that cannot be meant: the caller can correct it."""


class NotFoundError(AutotrackError, LookupError):
    """A run, experiment, model or artifact that is not in the store that was asked."""


class ConflictError(UsageError):
    """Something of that name is there already."""


class AmbiguousError(UsageError):
    """A prefix that stands for more than one thing; the message lists some of them."""


class FilterError(UsageError):
    """A search filter or order that does not parse.

    ``position`` is the 0-based index of the character in ``text`` at which parsing stopped, ``reason`` why.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        self.reason = message
        self.text = text
        self.position = position
        super().__init__(f"{message} at character {position + 1}:\n  {text}\n  {' ' * position}^")


class StoreError(AutotrackError):
    """The store could not be opened, read or written."""

    #: True where it is certain that nothing was done, and the same may work the next time.
    undone: bool = False


class SchemaVersionError(StoreError):
    """The store was written by a version that this one must not touch; the message names the one to install."""


class AccessError(StoreError):
    """A server that does not know who asks, or does not let him; or credentials that cannot be used."""


class UnavailableError(StoreError):
    """The store is busy or away for a moment: the same may be asked again, and nothing of it was done."""


class OutOfStepError(StoreError):
    """A batch of a writer's records that does not begin where the store is with that writer.

    ``events`` and ``points`` are the cursor from which the store wants to go on.
    """

    def __init__(self, message: str, events: int, points: int) -> None:
        self.events = events
        self.points = points
        super().__init__(message)


class TooLargeError(StoreError):
    """A batch of records that is larger than the store takes at once: smaller ones may be sent."""


class JournalError(AutotrackError):
    """The journal could not take a record (most often: the disk is full)."""


class JournalFull(JournalError):
    """There was no room for a record (the disk or a quota is full); nothing of it was written."""


class ArtifactError(AutotrackError):
    """An artifact path that is refused, or an artifact that could not be read or written."""


class ArchiveError(AutotrackError):
    """An archive of runs that could not be written, or that is refused as a whole: nothing of it was taken in."""


class PluginError(AutotrackError):
    """A plugin that was asked for by name and cannot be used."""


class EnvironmentBuildError(AutotrackError):
    """A Python environment that could not be built; the message names the log. ``reason``: the same in a few words."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ProjectError(AutotrackError):
    """A project that could not be fetched, or whose program failed."""


class SchemaError(UsageError):
    """Data that a model's signature does not allow, or a signature that is none; the message names the column."""


class UntrustedModelError(AutotrackError):
    """A model whose files could run code on loading, and nobody said that they may."""
