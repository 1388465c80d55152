"""Modules joined into a few files, one a screen: a browser asks for less, and what is alike is compressed together.

A module becomes a function that is called once and returns what it exports; imports become names of that. The forms of
``import`` and ``export`` that the pages use are known here, any other is an error. A source map leads from each line of
such a file to the module's own.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

FOLDER = "parts"

#: What several entries share is in the first part, which everybody has, where it is of at most so many characters
#: or of so many entries: a request of its own would cost more.
_LITTLE, _COMMON = 1700, 8
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_IMPORT = re.compile(r"^import(?:\{([^}]*)\}| ([\w$]+) )from'([^']+)'$", re.MULTILINE)
_LATER = re.compile(r"(?<![\w$.])import\('(\.{1,2}/[^']+)'\)")
_EXPORT = re.compile(r"^export (?:async )?(?:const|function\*?|class) ?([\w$]+)", re.MULTILINE)
_HERE = re.compile(r"(?<![\w$.])import\.meta\.url(?![\w$])")
_EXPORTING = re.compile(r"^export (?=(?:async )?(?:const|function|class)\b)", re.MULTILINE)
_OTHER = re.compile(r"^(?:import(?![\w$(.])|export(?! (?:async )?(?:const|function|class) ?[\w$]))[^\n]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """A file of joined modules: its path, its text, the modules, and for each line the module and the line in it."""

    path: str
    text: str
    modules: tuple[str, ...]
    needs: frozenset[str]  # the paths of the parts that it imports
    origins: tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """The parts by path, and for each module the part that it is in, its name there, and what it exports."""

    parts: Mapping[str, Part]
    places: Mapping[str, tuple[str, str]]
    exports: Mapping[str, tuple[str, ...]]

    def beside(self, module: str) -> str:
        """A module of its own that exports what the module does: the very same things that are in its part."""
        part, name = self.places[module]
        exports = ",".join(self.exports[module])
        return f"import{{{name}}}from'{_relative(part, module)}'\nexport const{{{exports}}}={name}\n"

    def needed(self, module: str) -> list[str]:
        """The paths of the parts that have to be there before a module runs, its own first."""
        found = [self.places[module][0]]
        for path in found:  # grows while it is walked
            found += sorted(self.parts[path].needs.difference(found))
        return found


def join(modules: Mapping[str, str], first: str) -> Joined:
    """Joins shrunk modules, by path, that ``first`` leads to, at once or later."""
    now = {path: _imported(path, text) for path, text in modules.items()}
    entries = [first]
    reached = {first: _reached(first, now)}
    for entry in entries:  # grows while it is walked
        for module in reached[entry]:
            for later in _LATER.findall(modules[module]):
                if (path := _resolved(module, later)) not in reached:
                    entries.append(path)
                    reached[path] = _reached(path, now)
    groups = _groups(entries, reached, {path: len(text) for path, text in modules.items()}, now)
    places: dict[str, tuple[str, str]] = {}
    for members in groups:
        for path in members:
            places[path] = (f"{FOLDER}/{members[-1].replace('/', '-')}", f"_{len(places)}")
    exports = {path: tuple(_EXPORT.findall(modules[path])) for path in places}
    parts = [_part(members, modules, places, exports) for members in groups]
    return Joined({part.path: part for part in parts}, places, exports)


def _groups(
    entries: list[str], reached: Mapping[str, list[str]], lengths: Mapping[str, int], now: Mapping[str, list[str]]
) -> list[list[str]]:
    """The modules of each part, in the order in which they run; those that the first entry leads to are the first."""
    first = entries[0]
    order = list(dict.fromkeys(path for entry in (*entries[1:], first) for path in reached[entry]))
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in order:
        alike[tuple(entry for entry in entries if path in reached[entry])].append(path)
    everywhere = set(reached[first])
    for users, members in sorted(alike.items(), key=lambda group: -len(group[0])):
        is_worth_it = len(users) >= _COMMON or (len(users) > 1 and sum(lengths[path] for path in members) <= _LITTLE)
        if is_worth_it and all(needed in everywhere or needed in members for path in members for needed in now[path]):
            everywhere.update(members)
    groups = [[path for path in members if path not in everywhere] for members in alike.values()]
    return [[path for path in order if path in everywhere], *filter(None, groups)]


def _imported(path: str, text: str) -> list[str]:
    return [_resolved(path, at) for _, _, at in _IMPORT.findall(text) if at.startswith(".")]


def _reached(entry: str, now: Mapping[str, list[str]]) -> list[str]:
    """What an entry needs at once, each after what it needs itself, the entry last."""
    order: list[str] = []
    open_: set[str] = set()

    def visit(path: str) -> None:
        if path in open_:
            raise ValueError(f"modules of the pages import each other in a ring, at {path}")
        open_.add(path)
        for needed in now[path]:
            if needed not in order:
                visit(needed)
        open_.remove(path)
        order.append(path)

    visit(entry)
    return order


def _part(
    members: list[str],
    modules: Mapping[str, str],
    places: Mapping[str, tuple[str, str]],
    exports: Mapping[str, tuple[str, ...]],
) -> Part:
    here, _ = places[members[0]]
    lines: list[str] = []
    origins: list[tuple[int, int] | None] = []
    named: dict[str, set[str]] = defaultdict(set)  # what is imported from libraries and from other parts
    whole: dict[str, str] = {}  # libraries whose one export has a name here

    def imported(path: str, match: re.Match[str]) -> str:
        names, default, address = match.groups()
        if not address.startswith("."):
            named[address].update(filter(None, (names or "").split(",")))
            whole.update({default: address} if default else {})
            return ""
        part, name = places[_resolved(path, address)]
        if part != here:
            named[_relative(part, here)].add(name)
        return f"const{{{names.replace(' as ', ':')}}}={name}"

    def later(path: str, match: re.Match[str]) -> str:
        part, name = places[_resolved(path, match[1])]
        return f"import('{_relative(part, here)}').then(it=>it.{name})"

    for number, path in enumerate(members):
        text = modules[path]
        if unknown := _OTHER.search(_IMPORT.sub("", text)):
            raise ValueError(f"{path}: server/pages/joining.py knows no {unknown[0]!r}; write it as other modules do")
        text = _IMPORT.sub(partial(imported, path), text)
        text = _LATER.sub(partial(later, path), text)
        text = _HERE.sub(f"new URL('{_relative(path, here)}',import.meta.url).href", text)
        text = _EXPORTING.sub("", text)
        body = [(line, (number, at)) for at, line in enumerate(text.split("\n")) if line]
        name = places[path][1]
        start, end = f"const {name}=(()=>{{", f"return{{{','.join(exports[path])}}}}})()"
        for line, origin in ((start, None), *body, (end, None)):
            lines.append(line)
            origins.append(origin)
    head = [f"import {name} from'{address}'" for name, address in sorted(whole.items())]
    head += [f"import{{{','.join(sorted(names))}}}from'{address}'" for address, names in sorted(named.items()) if names]
    tail = [f"export{{{','.join(places[path][1] for path in members)}}}", f"//# sourceMappingURL={_name(here)}.map"]
    needs = frozenset(f"{FOLDER}/{_name(address)}" for address in named if address.startswith("."))
    text = "\n".join((*head, *lines, *tail))
    return Part(here, text, tuple(members), needs, (*(None for _ in head), *origins))


def source_map(part: Part, sources: Mapping[str, str]) -> dict[str, object]:
    """The map that browsers' tools read (version 3): where each line of a part comes from. ``sources``: by module."""
    mappings = []
    last = (0, 0)
    for origin in part.origins:
        if origin is None:
            mappings.append("")
            continue
        mappings.append(f"A{_vlq(origin[0] - last[0])}{_vlq(origin[1] - last[1])}A")
        last = origin
    return {
        "version": 3,
        "sources": [_relative(path, part.path) for path in part.modules],
        "sourcesContent": [sources[path] for path in part.modules],
        "names": [],
        "mappings": ";".join(mappings),
    }


def _vlq(number: int) -> str:
    """A number as source maps write it: base 64, five bits a sign, the sign in the lowest one."""
    rest = (abs(number) << 1) | (number < 0)
    said = ""
    while True:
        said += _ALPHABET[(rest & 31) | (32 if rest > 31 else 0)]
        rest >>= 5
        if not rest:
            return said


def _resolved(module: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(module), relative))


def _relative(path: str, module: str) -> str:
    found = posixpath.relpath(path, posixpath.dirname(module) or ".")
    return found if found.startswith(".") else f"./{found}"


def _name(path: str) -> str:
    return posixpath.basename(path)
