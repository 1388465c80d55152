"""Tracks TensorBoard: what is written through a SummaryWriter belongs to the run that is open, and its files are kept.

Nothing here imports TensorBoard, tensorboardX, torch or numpy when it is loaded.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Patch, hookimpl

from .timeline import Timeline

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun, Run, ServerRoute

    from .following import Following

#: torch.utils.tensorboard and Lightning's logger write through the first, tensorboardX (and Lightning, where it is
#: installed instead) through the second.
_WRITERS = (
    ("tensorboard.summary.writer.event_file_writer:EventFileWriter", ">=2.18,<3"),
    ("tensorboardX.event_file_writer:EventFileWriter", ">=2.6,<3"),
)
_timeline = Timeline()
_following: Following | None = None


@hookimpl
def register_patches() -> Sequence[Patch]:
    """The beginning and the end of each writer of event files; the scalars are read from its file."""
    found = []
    for writer, versions in _WRITERS:
        # "beside": a writer is no training, and what is trained around it is watched as if it were not there.
        found.append(Patch(f"{writer}.__init__", probe=made, nested="beside", versions=versions))
        found.append(Patch(f"{writer}.close", probe=closed, nested="beside", versions=versions))
    return found


@hookimpl
def register_settings() -> Mapping[str, Any]:
    """``keep_bytes``: what the event files of one run may take as artifacts; 0 keeps none."""
    return {"keep_bytes": 100_000_000}


@hookimpl
def run_started(run: Run) -> None:
    """From here on, what writers write belongs to this run."""
    # The recorder may hold a lock of its own here, so nothing is waited for.
    if _following is None or not _following.makes_run():
        _timeline.began(run, forget=_following is None or _following.idle)


@hookimpl
def run_ended(run: Run) -> None:
    """What the run's writers still hold is read, and their files are kept."""
    _timeline.ended(run)
    if _following is not None:
        _following.run_ended(run)


@hookimpl
def register_commands(cli: Any) -> None:
    """``autotrack tensorboard`` and ``autotrack import tensorboard``."""
    from .commands import add_commands

    add_commands(cli)


@hookimpl
def register_routes() -> Sequence[ServerRoute]:
    """``scalars/<run>``: what the event files among a run's files hold, for its page."""
    from autotrack.plugin import ServerRoute

    from .answering import scalars

    return [ServerRoute("scalars/{run}", scalars)]


def made(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A writer is made: its file is followed. A run of its own it gets only where scalars find no other."""
    yield
    if call.error is None:
        _follow().opened(call.obj, run)


def closed(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A writer is closed: the rest of its file is read."""
    writer = call.obj
    yield
    if _following is not None:
        _following.closing(writer)


def _follow() -> Following:
    global _following
    if _following is None:
        from .following import Following

        _following = Following(_timeline)
    return _following
