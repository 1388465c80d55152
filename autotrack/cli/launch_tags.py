"""The tags of ``autotrack run --tag``: a plugin of the launched process that gives them to every run."""

from __future__ import annotations

from collections.abc import Mapping

from autotrack.core.plugins.hookspecs import hookimpl
from autotrack.core.plugins.registry import plugins


class LaunchTags:
    """A plugin with one hook."""

    def __init__(self, tags: Mapping[str, str]) -> None:
        self._tags = dict(tags)

    @hookimpl
    def run_tags(self) -> Mapping[str, str]:
        return self._tags


def give_tags(tags: Mapping[str, str]) -> None:
    """Has every run that starts in this process carry the tags (its own tags win)."""
    plugins().register(LaunchTags(tags), "autotrack run")
