"""Keeps figures: what is shown or saved with matplotlib while a run is open becomes an artifact of it.

matplotlib is not imported here, and nothing of a figure is drawn, or changed, that the user's own call does not draw.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Patch, hookimpl, settings

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

_VERSIONS = ">=3.8,<4"


@hookimpl
def register_patches() -> Sequence[Patch]:
    """``Figure.savefig`` and ``pyplot.show``."""
    return [
        Patch("matplotlib.figure:Figure.savefig", probe=saved, nested="beside", versions=_VERSIONS),
        Patch("matplotlib.pyplot:show", probe=shown, nested="beside", versions=_VERSIONS),
    ]


@hookimpl
def register_settings() -> Mapping[str, Any]:
    """``keep``: False keeps no figure. ``most``, ``bytes``: how many of a run are kept, and what they may take."""
    return {"keep": True, "most": 100, "bytes": 50_000_000}


def saved(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A figure is saved to a file (or written into a buffer): what was written is kept as it is."""
    yield
    if call.error is None and settings("matplotlib")["keep"]:
        from .figures import keep_saved

        keep_saved(call.arg("fname", None), call.kwargs.get("format"))


def shown(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Open figures are shown: each is drawn once more, to a picture, from a copy."""
    from autotrack.plugin import open_run

    from .figures import keep, pictures_of_open

    # Drawn before, for a window that was closed is gone; written after, for the user does not wait for our disk.
    pictures = pictures_of_open() if settings("matplotlib")["keep"] and run.afford("figures") else []
    yield
    active = open_run()
    for picture in pictures if active is not None else ():
        keep(active, picture)
