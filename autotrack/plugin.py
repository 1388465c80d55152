"""Everything that a plugin author needs, and the only module of autotrack that a plugin imports."""

from __future__ import annotations

from autotrack.core import pickled
from autotrack.core.capture import Call
from autotrack.core.errors import ArtifactError, AutotrackError, PluginError, UntrustedModelError
from autotrack.core.flavor import Flavor
from autotrack.core.guard import attempt
from autotrack.core.hookspecs import hookimpl, hookspec
from autotrack.core.patching import Family, Patch
from autotrack.core.proberun import ProbeRun

__all__ = [
    "ArtifactError",
    "AutotrackError",
    "Call",
    "Family",
    "Flavor",
    "Patch",
    "PluginError",
    "ProbeRun",
    "UntrustedModelError",
    "attempt",
    "hookimpl",
    "hookspec",
    "pickled",
]
