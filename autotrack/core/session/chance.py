"""Calls in a program's own sources that draw from the operating system, or seed a generator from it: found by reading.

Nothing of Python's is replaced to see such calls happen: they stand in the middle of libraries and of Python itself.
What numpy's generators draw is listened to (``entropy``), and kept. Sources are not parsed, which could warn.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator

from ..gaps import Gap
from ..keys import printable
from .distributions import text_of

#: Draws by themselves; every function of ``secrets`` does.
_DRAWS = frozenset({"os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "random.SystemRandom"})
_SECRETS = "secrets."
#: Begin at a place of the operating system's where no seed is given.
_UNSEEDED = frozenset({"random.Random", "random.seed", "torch.seed", "torch.random.seed", "torch.Generator.seed"})
#: A source without any of these words needs no reading.
_WORDS = ("urandom", "getrandom", "uuid", "secrets", "SystemRandom", "Random", "seed")
#: Calls that are named.
_MOST = 3
#: Seconds that a look through files takes at most, about.
_SECONDS = 0.3
_CLOSE = "Take a number from a generator that is seeded; where no result depends on it, it does no harm"

_OPENS = re.compile(r"#[^\n]*|'''|\"\"\"|'|\"")
#: What is left of a text behind its opening; no character can be read in two ways, so it costs what it is long.
_REST = {
    "'": re.compile(r"(?:[^'\\\n]|\\[^\n])*+'"),
    '"': re.compile(r"(?:[^\"\\\n]|\\[^\n])*+\""),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*+'''", re.DOTALL),
    '"""': re.compile(r"(?:[^\"\\]|\\.|\"(?!\"\"))*+\"\"\"", re.DOTALL),
}
_IMPORT = re.compile(r"^[ \t]*+import[ \t]++([^\n;]++)", re.MULTILINE)
#: A list of names in brackets is read up to some length, for it may lack its end.
_FROM = re.compile(r"^[ \t]*+from[ \t]++([\w.]++)[ \t]++import[ \t]++(\([^)]{0,4000}\)|[^\n;]++)", re.MULTILINE)
_NAME = r"(?<![\w.])[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)*+"
_CALL = re.compile(rf"({_NAME})[ \t]*+\((\s*+\))?(?:\.([A-Za-z_]\w*+)\((\s*+\))?)?")
_MADE = re.compile(rf"(?<![\w.])([A-Za-z_]\w*+)[ \t]*+=[ \t]*+({_NAME})[ \t]*+\(")


class Asked:
    """What a program's sources ask of the operating system, as far as they were looked through."""

    def __init__(self) -> None:
        #: The calls, each with its place.
        self.calls: list[str] = []
        self._unread = 0

    def look(self, paths: Iterable[str], seconds: float = _SECONDS) -> None:
        """Looks through files, for so long: a program may be made of thousands."""
        until = time.monotonic() + seconds
        for path in sorted(paths):
            if time.monotonic() > until:
                self._unread += 1
            else:
                self._read(path.rpartition("/")[2], text_of(path))

    def look_through_cells(self, texts: Iterable[str]) -> None:
        """Looks through what was typed in."""
        for text in texts:
            self._read("a cell", text)

    def gaps(self) -> list[Gap]:
        """One that names the calls, and one of what there was no time for; none where there is nothing to say."""
        found = []
        if self.calls:
            more = f" and {len(self.calls) - _MOST} more" if len(self.calls) > _MOST else ""
            named = printable(", ".join(self.calls[:_MOST]))
            what = f"what the operating system is asked for is not kept: {named}{more}"
            found.append(Gap("seeds", what, _CLOSE))
        if self._unread:
            what = f"{self._unread:,} sources were not looked through for draws from the operating system"
            found.append(Gap("seeds", what, "it does no harm where they draw nothing that a result depends on"))
        return found

    def _read(self, name: str, source: str) -> None:
        self.calls += [f"{call} ({name}, line {line})" for call, line in calls(source)]


def calls(source: str) -> list[tuple[str, int]]:
    """Such calls with their lines, in their order, by what the names in them were imported as."""
    if not any(word in source for word in _WORDS):
        return []
    code = _without_texts(source)
    names = dict(_imported(code))
    names |= {
        made[1]: "torch.Generator" for made in _MADE.finditer(code) if _whole(made[2], names) == "torch.Generator"
    }
    return [(f"{call}()", code.count("\n", 0, at) + 1) for call, at in _calls(code, names)]


def _without_texts(source: str) -> str:
    """The source with its texts emptied and without comments, of as many lines."""
    parts, at = [], 0
    #: Up to where an opening has no end that was not found: looked for once, not from each further opening.
    endless: dict[str, int] = {}
    while found := _OPENS.search(source, at):
        parts.append(source[at : found.start()])
        opening, at = found[0], found.end()
        if opening[0] == "#" or at <= endless.get(opening, 0):
            continue
        rest = _REST[opening].match(source, at)
        if rest is None:
            line = source.find("\n", at) if len(opening) == 1 else -1
            endless[opening] = line if line >= 0 else len(source)
            continue
        parts.append("''" + "\n" * source.count("\n", at, rest.end()))
        at = rest.end()
    return "".join([*parts, source[at:]])


def _calls(code: str, names: dict[str, str]) -> Iterator[tuple[str, int]]:
    for found in _CALL.finditer(code):
        called = _whole(found[1], names)
        if called in _DRAWS or called.startswith(_SECRETS) or (found[2] and called in _UNSEEDED):
            yield called, found.start()
        elif found[4] and f"{called}.{found[3]}" in _UNSEEDED:  # torch.Generator().seed()
            yield f"{called}.{found[3]}", found.start()


def _imported(code: str) -> Iterator[tuple[str, str]]:
    """What names stand for, wherever in the source they are imported."""
    for found in _IMPORT.finditer(code):
        for word in found[1].split(","):
            name, _, alias = (part.strip() for part in word.partition(" as "))
            first = name.partition(".")[0]
            yield alias or first, name if alias else first
    for found in _FROM.finditer(code):
        for word in found[2].strip("()").split(","):
            name, _, alias = (part.strip() for part in word.partition(" as "))
            yield alias or name, f"{found[1]}.{name}"


def _whole(dotted: str, names: dict[str, str]) -> str:
    """The full name of what is called; "" where its first word was not imported."""
    first, dot, rest = dotted.partition(".")
    return f"{names[first]}{dot}{rest}" if first in names else ""
