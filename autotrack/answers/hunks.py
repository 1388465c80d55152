"""Reads unified diffs, and says how two changes of the same text differ without having the text.

The format is that of ``git diff``: POSIX unified hunks under git's extended headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

_PLACE = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
#: The line that names blobs, with the new one's id where it is a whole one (``--full-index``).
_BLOBS = re.compile(r"index [0-9a-f]+\.\.(?:([0-9a-f]{40}|[0-9a-f]{64})|[0-9a-f]+)(?: [0-7]+)?")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_LETTERS = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11}
#: Stands at the end of a line that no newline follows, where no text has it.
_UNENDED = "\0"
CONTEXT = 3
#: Pairs of lines beyond which two stretches are not compared line by line: that takes time that grows with them.
_MOST_PAIRS = 10_000_000


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that change: ``old`` stands from line ``at`` (0-based) on and becomes ``new``; both hold the context."""

    at: int
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(slots=True)
class Patch:
    """What a diff says of one file. ``lines`` is everything it says, but for the ids of blobs.

    ``blob`` is the id of the file as it became (of what is no text, the diff says nothing else of it); None where it is
    not told in full.
    """

    path: str
    added: bool = False
    removed: bool = False
    binary: bool = False
    blob: str | None = None
    hunks: list[Hunk] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def parse(text: str) -> dict[str, Patch]:
    """The changes of a diff by path. What is no diff is passed over."""
    found: dict[str, Patch] = {}
    patch: Patch | None = None
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("diff --git "):
            patch = Patch(_path_of_header(line))
            found[patch.path] = patch
            continue
        if patch is None:
            continue
        if line.startswith(("--- ", "+++ ")):
            name = _unquoted(line[4:].rstrip("\t"))
            if name != "/dev/null" and name[:2] in ("a/", "b/"):
                found.pop(patch.path, None)
                patch.path = name[2:]
                found[patch.path] = patch
            continue
        ids = _BLOBS.fullmatch(line)
        if ids is not None:
            patch.blob = ids[1] if ids[1] and ids[1].strip("0") else None
        elif line:
            patch.lines.append(line)
        patch.added = patch.added or line.startswith("new file mode")
        patch.removed = patch.removed or line.startswith("deleted file mode")
        patch.binary = patch.binary or line.startswith(("Binary files ", "GIT binary patch"))
        place = _PLACE.match(line)
        if place:
            hunk, at = _hunk(lines, at, place)
            patch.hunks.append(hunk)
            patch.lines += [*("-" + old for old in hunk.old), *("+" + new for new in hunk.new)]
    return found


def _hunk(lines: Sequence[str], at: int, place: re.Match[str]) -> tuple[Hunk, int]:
    start, left, right = int(place[1]), int(place[2] or 1), int(place[4] or 1)
    begin = start if left == 0 else start - 1  # of no lines, the place is the line before
    old: list[str] = []
    new: list[str] = []
    last = " "
    while at < len(lines) and (len(old) < left or len(new) < right or lines[at].startswith("\\")):
        sign, rest = lines[at][:1], lines[at][1:]
        if sign == "\\":
            for side in (old, new) if last == " " else (old,) if last == "-" else (new,):
                if side:
                    side[-1] += _UNENDED
        elif sign in ("-", " ", "+", ""):
            last = sign or " "
            if last in "- ":
                old.append(rest)
            if last in "+ ":
                new.append(rest)
        else:
            break
        at += 1
    return Hunk(max(begin, 0), tuple(old), tuple(new)), at


def _path_of_header(line: str) -> str:
    """The path in ``diff --git a/x b/x``: both names are the same one where there is no other line to say it."""
    names = line[len("diff --git ") :]
    if names.startswith('"'):
        end = names.find('" ', 1)
        return _unquoted(names[: end + 1])[2:]
    return names[: len(names) // 2][2:]


def _unquoted(name: str) -> str:
    """A path as git writes it, with its C escapes taken back."""
    if not (name.startswith('"') and name.endswith('"') and len(name) > 1):
        return name
    raw = bytearray()
    at = 1
    while at < len(name) - 1:
        escape = _ESCAPE.match(name, at) if name[at] == "\\" else None
        if escape is None:
            raw += name[at].encode("utf-8", "surrogateescape")
            at += 1
            continue
        code = escape[1]
        raw.append(int(code, 8) & 0xFF if len(code) == 3 else _LETTERS.get(code, ord(code) & 0xFF))
        at = escape.end()
    return raw.decode("utf-8", "backslashreplace")


def split(text: str) -> list[str]:
    """The lines of a text, its last one marked where no newline ends it."""
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, last + _UNENDED] if last else lines


def apply(base: Sequence[str], patch: Patch | None) -> list[str]:
    """The lines of a text after a change. ValueError where the change is of another text."""
    if patch is None:
        return list(base)
    out: list[str] = []
    at = 0
    for hunk in patch.hunks:
        if tuple(base[hunk.at : hunk.at + len(hunk.old)]) != hunk.old or hunk.at < at:
            raise ValueError(f"the change of {patch.path} at line {hunk.at + 1} does not fit")
        out += [*base[at : hunk.at], *hunk.new]
        at = hunk.at + len(hunk.old)
    return [*out, *base[at:]]


def joined(lines: Sequence[str]) -> str:
    """The text that ``split`` takes apart."""
    text = "".join(f"{line}\n" for line in lines)
    return text.removesuffix(f"{_UNENDED}\n")


def edits(a: Sequence[str], b: Sequence[str]) -> list[Hunk]:
    """The places where lines ``a`` become lines ``b``, without context: any of them can be applied without the rest."""
    return [
        Hunk(from_a, tuple(a[from_a:to_a]), tuple(b[from_b:to_b]))
        for group in _groups(a, b)
        for tag, from_a, to_a, from_b, to_b in group
        if tag != "equal"
    ]


def changes(a: Sequence[str], b: Sequence[str], *, at_a: int = 0, at_b: int = 0) -> list[str]:
    """How lines ``a`` become lines ``b``: a unified diff's hunks. ``at_a`` and ``at_b`` are added to line numbers."""
    lines: list[str] = []
    for group in _groups(a, b):
        first, last = group[0], group[-1]
        spans = _span(at_a + first[1], at_a + last[2]), _span(at_b + first[3], at_b + last[4])
        lines.append(f"@@ -{spans[0]} +{spans[1]} @@")
        for tag, from_a, to_a, from_b, to_b in group:
            if tag == "equal":
                lines += _shown(" ", a[from_a:to_a])
                continue
            lines += _shown("-", a[from_a:to_a])
            lines += _shown("+", b[from_b:to_b])
    return lines


def _groups(a: Sequence[str], b: Sequence[str]) -> Iterator[list[tuple[str, int, int, int, int]]]:
    """Opcodes of what differs, with context. Only what lies between the first and the last difference is compared."""
    same = next((n for n, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))
    if same == len(a) == len(b):
        return
    ends = 0
    while ends < min(len(a), len(b)) - same and a[-1 - ends] == b[-1 - ends]:
        ends += 1
    stop_a, stop_b = len(a) - ends, len(b) - ends
    if (stop_a - same) * (stop_b - same) > _MOST_PAIRS:
        before, behind = max(same - CONTEXT, 0), min(ends, CONTEXT)
        yield [
            ("equal", before, same, before, same),
            ("replace", same, stop_a, same, stop_b),
            ("equal", stop_a, stop_a + behind, stop_b, stop_b + behind),
        ]
        return
    start = max(same - CONTEXT, 0)
    inner_a, inner_b = a[start : stop_a + CONTEXT], b[start : stop_b + CONTEXT]
    for group in SequenceMatcher(None, inner_a, inner_b, autojunk=False).get_grouped_opcodes(CONTEXT):
        yield [(tag, i + start, j + start, k + start, m + start) for tag, i, j, k, m in group]


def _span(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _shown(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line.removesuffix(_UNENDED)
        if line.endswith(_UNENDED):
            yield "\\ No newline at end of file"


def between(a: Patch | None, b: Patch | None) -> list[str]:
    """How a file changed by ``a`` becomes the same file changed by ``b``, as hunks; None is a file left as it was.

    Only what differs: a hunk that both have is no difference. The file itself is not needed: where the two changes
    touch, their hunks hold all lines of it that count.
    """
    left, right = (patch.hunks if patch is not None else [] for patch in (a, b))
    known = {hunk.at + n: line for hunk in (*left, *right) for n, line in enumerate(hunk.old)}
    lines: list[str] = []
    moved_a = moved_b = 0
    for start, stop in _regions([*left, *right]):
        lines_a = _after(left, start, stop, known)
        lines_b = _after(right, start, stop, known)
        lines += changes(lines_a, lines_b, at_a=start + moved_a, at_b=start + moved_b)
        moved_a += len(lines_a) - (stop - start)
        moved_b += len(lines_b) - (stop - start)
    return lines


def _regions(hunks: Sequence[Hunk]) -> Iterator[tuple[int, int]]:
    """The stretches of the unchanged file that hunks cover, those that touch taken together."""
    spans = sorted((hunk.at, hunk.at + len(hunk.old)) for hunk in hunks)
    if not spans:
        return
    start, stop = spans[0]
    for begin, end in spans[1:]:
        if begin > stop:
            yield start, stop
            start, stop = begin, end
        stop = max(stop, end)
    yield start, stop


def _after(hunks: Sequence[Hunk], start: int, stop: int, known: dict[int, str]) -> list[str]:
    out: list[str] = []
    at = start
    for hunk in hunks:
        if start <= hunk.at and hunk.at + len(hunk.old) <= stop:
            out += [known[n] for n in range(at, hunk.at)]
            out += hunk.new
            at = hunk.at + len(hunk.old)
    return [*out, *(known[n] for n in range(at, stop))]
