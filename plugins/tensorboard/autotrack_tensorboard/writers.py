"""The writers of event files that this process makes: where they write, and what they still hold in memory."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

#: How long it is waited for what tensorboardX holds in its queue.
PATIENCE = 1.0


def file_of(writer: Any) -> Path | None:
    """The event file of an ``EventFileWriter`` of tensorboard or tensorboardX; None where it is not on this machine."""
    inner = getattr(writer, "_ev_writer", writer)
    name = getattr(inner, "_file_name", None)
    if not isinstance(name, str) or "://" in name:
        return None
    return Path(name).absolute()


def flush(writer: Any) -> None:
    """Brings what a writer holds to its file, as its own ``flush`` does; not where its thread is gone."""
    queue = getattr(writer, "_event_queue", None)
    if queue is not None:  # tensorboardX's own flush leaves out what is still in its queue
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.005)):
            if queue.qsize() == 0:
                break
            pause.wait(0.005)
        pause.wait(0.005)  # the last event may be in its thread's hands
    worker = getattr(getattr(writer, "_async_writer", writer), "_worker", None)
    if worker is not None and worker.is_alive():
        writer.flush()
