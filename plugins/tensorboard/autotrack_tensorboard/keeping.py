"""Event files as artifacts of their run: whole, bounded, and without the records that give a secret away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.plugin import Ours, attempt, mask, mask_value, settings

from .eventfile import News

if TYPE_CHECKING:
    from autotrack.plugin import Run

FOLDER = "tensorboard"


def secret_places(news: News) -> Iterator[tuple[int, int]]:
    """Start and length of the records whose words would be masked anywhere else."""
    for said in news.said:
        named = [(name, str(value)) for name, value in (said.hparams or {}).items()]
        named += [(tag.rpartition("/")[2], text) for tag, text in said.texts]
        if any(mask_value(name, text) != text or mask(text) != text for name, text in named):
            yield said.place, said.length


def keep(run: Run, source: Path, name: str, secrets: list[tuple[int, int]], spent: int) -> int:
    """Keeps an event file under ``tensorboard/<name>``; answers its bytes, 0 where the run says why it is left out.

    ``spent`` are the bytes that the run's other files take of ``keep_bytes``.
    """
    most = settings("tensorboard")["keep_bytes"]
    try:
        size = source.stat().st_size
    except OSError:
        return 0
    if spent + size > most:
        if most:
            run.note(f"{source.name} of {size:,} bytes is not kept: a run's event files may take {most:,} (keep_bytes)")
        return 0
    content = without(source, secrets) if secrets else Ours(source)
    _, error = attempt(run.put, f"{FOLDER}/{name}", content, durable=False)
    if error is not None:
        run.note(f"{source.name} could not be kept: {error}")
        return 0
    if secrets:
        run.note(f"{len(secrets)} records of {source.name} that hold a secret are left out of the copy that is kept")
    return size


def without(source: Path, left_out: list[tuple[int, int]]) -> bytes:
    """The content of a file with some records (start and length) left out."""
    with open(Ours(source), "rb") as file:
        content = file.read()
    parts, at = [], 0
    for place, length in sorted(left_out):
        parts.append(content[at:place])
        at = place + length
    return b"".join([*parts, content[at:]])
