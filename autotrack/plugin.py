"""Everything that a plugin author needs, and the only module of autotrack that a plugin imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotrack.core.errors import ArtifactError, AutotrackError, PluginError, UntrustedModelError
from autotrack.core.guard import attempt
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.plugins.hookspecs import hookimpl, hookspec
from autotrack.core.probes.patching import Family, Hook, Patch, Tap

if TYPE_CHECKING:
    from autotrack.core import pickled
    from autotrack.core.plugins.registry import settings
    from autotrack.core.probes.argument_names import argument_name
    from autotrack.core.probes.capture import Call
    from autotrack.core.runs.active import start_run
    from autotrack.core.runs.looprun import LoopRun
    from autotrack.core.runs.proberun import ProbeRun
    from autotrack.core.runs.run import Run
    from autotrack.core.session.opened import saw_file

__all__ = [
    "ArtifactError",
    "AutotrackError",
    "Call",
    "Family",
    "Flavor",
    "Hook",
    "LoopRun",
    "Patch",
    "PluginError",
    "ProbeRun",
    "Run",
    "Tap",
    "UntrustedModelError",
    "argument_name",
    "attempt",
    "hookimpl",
    "hookspec",
    "pickled",
    "saw_file",
    "settings",
    "start_run",
]


def __getattr__(name: str) -> Any:
    # What plugins name in annotations, or need only when a model is saved, is not loaded with every plugin.
    if name == "Call":
        from autotrack.core.probes.capture import Call

        return Call
    if name == "LoopRun":
        from autotrack.core.runs.looprun import LoopRun

        return LoopRun
    if name == "ProbeRun":
        from autotrack.core.runs.proberun import ProbeRun

        return ProbeRun
    if name == "argument_name":
        from autotrack.core.probes.argument_names import argument_name

        return argument_name
    if name == "pickled":
        from autotrack.core import pickled

        return pickled
    if name == "saw_file":
        from autotrack.core.session.opened import saw_file

        return saw_file
    if name == "Run":
        from autotrack.core.runs.run import Run

        return Run
    if name == "start_run":
        from autotrack.core.runs.active import start_run

        return start_run
    if name == "settings":
        from autotrack.core.plugins.registry import settings

        return settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
