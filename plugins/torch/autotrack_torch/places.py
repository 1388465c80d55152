"""Where in the program an optimizer steps: enough to tell two optimizers of one loop from two trainings in a row."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from types import CodeType, FrameType

#: Frames that are looked at, from the innermost; deeper ones belong to launchers.
DEEPEST = 60

#: A code object and the offset of the instruction at which its call stands, outermost first.
Place = tuple[tuple[CodeType, int], ...]


def here() -> Place:
    """The calls that led here, without those inside torch and autotrack. Holds code objects, no frames, no data."""
    frame: FrameType | None = sys._getframe(1)
    found: list[tuple[CodeType, int]] = []
    while frame is not None and len(found) < DEEPEST:
        if not _is_machinery(frame.f_code.co_filename):
            found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(reversed(found))


def in_one_loop(first: Place, second: Place) -> bool | None:
    """True where both places lie in one ``for`` or ``while`` of the same function, False where they do not.

    None where the places are the same, so that nothing can be said.
    """
    for (code, at), (other_code, other_at) in zip(first, second, strict=False):
        if code is not other_code:
            return False
        if at != other_at:
            return any(begin <= at <= end and begin <= other_at <= end for begin, end in loops_of(code))
    return None if len(first) == len(second) else False


def loops_of(code: CodeType) -> Iterator[tuple[int, int]]:
    """First and last instruction of every loop of a function, by its jumps backwards."""
    for instruction in dis.get_instructions(code):
        if "JUMP_BACKWARD" in instruction.opname and isinstance(instruction.argval, int):
            yield instruction.argval, instruction.offset


def _is_machinery(filename: str) -> bool:
    known = _machinery.get(filename)
    if known is None:
        parts = filename.replace("\\", "/")
        known = _machinery[filename] = any(
            f"/{name}/" in parts for name in ("torch", "autotrack", "autotrack_torch", "contextlib.py")
        ) or parts.endswith(("/contextlib.py", "/functools.py"))
    return known


_machinery: dict[str, bool] = {}
