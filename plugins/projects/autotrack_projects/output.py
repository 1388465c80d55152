"""A program's output: shown as it comes, its first and its last part kept, in bounded memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

#: Bytes of a program's output that are kept: of its beginning, and of its end.
KEPT = 1 << 20


def keep(blocks: Iterable[bytes], file: Path, shown: bool) -> None:
    """Copies output to the terminal if ``shown``; its first and its last ``KEPT`` bytes to a file.

    A file that cannot be written (a full disk) or a terminal that is gone does not hold up the program: its output
    is still taken from it.
    """
    terminal = sys.stdout.buffer if shown and hasattr(sys.stdout, "buffer") else None
    left, tail, dropped = KEPT, bytearray(), 0
    with _opened(file) as out:
        for block in blocks:
            if terminal is not None:
                with suppress(OSError, ValueError):
                    terminal.write(block)
                    terminal.flush()
            if left:
                with suppress(OSError):
                    out.write(block[:left])
            tail += block[left:]
            left = max(0, left - len(block))
            if len(tail) > 2 * KEPT:
                dropped += len(tail) - KEPT
                del tail[:-KEPT]
        if len(tail) > KEPT:
            dropped += len(tail) - KEPT
            del tail[:-KEPT]
        with suppress(OSError):
            if dropped:
                out.write(f"\n... {dropped:,} bytes left out ...\n".encode())
            out.write(tail)


def _opened(file: Path) -> IO[bytes]:
    """The file for writing, or nowhere. Unbuffered: what a full disk refused is not tried again when it is closed."""
    try:
        return open(file, "wb", buffering=0)
    except OSError:
        return open(os.devnull, "wb", buffering=0)
