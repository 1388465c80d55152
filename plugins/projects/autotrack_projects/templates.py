"""Commands with ``{parameter}`` in them, as characters and placeholders: the one thing that braces mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autotrack.plugin import UsageError

from .parameters import NAME


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Where a parameter's value goes."""

    name: str


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a shell puts in: of variables with these names, or what a command prints.

    ``carries``: a value is in it. ``splits``: it may become several words. ``reads``: it is read once more, as in
    ``${!NAME}``.
    """

    names: frozenset[str]
    carries: bool = False
    splits: bool = False
    reads: bool = False


#: One character, or a value that is still to come.
Item = str | Placeholder

#: A word: its text, and what comes into it, in order.
Word = list[str | Placeholder | Expansion]


def items_of(template: str, known: Mapping[str, object]) -> list[Item]:
    """The command in pieces. ``{{`` and ``}}`` are braces; UsageError for anything in braces that is no parameter."""
    items: list[Item] = []
    at = 0
    while at < len(template):
        character = template[at]
        if character in "{}":
            if template[at : at + 2] == character * 2:
                items.append(character)
                at += 2
                continue
            end = template.find("}", at)
            name = template[at + 1 : end] if character == "{" and end > 0 else ""
            if not NAME.fullmatch(name) or name not in known:
                have = ", ".join(known) or "none"
                raise UsageError(
                    f"the command {template!r:.200} has {template[at : at + 40]!r}, which is no parameter ({have}); a "
                    "brace itself is written twice, as in ${{HOME}}"
                )
            items.append(Placeholder(name))
            at = end + 1
            continue
        items.append(character)
        at += 1
    return items


def literal(word: Word) -> str:
    """The word's text, with nothing where values go."""
    return "".join(item for item in word if isinstance(item, str))


def has_value(word: Word) -> bool:
    """True where a value goes into the word."""
    return any(isinstance(item, Placeholder) for item in word)


def filled(word: Word, values: Mapping[str, str]) -> str:
    """The word with its values, whatever they hold, and with nothing for what a shell puts in."""
    return "".join(
        item if isinstance(item, str) else values[item.name] if isinstance(item, Placeholder) else "" for item in word
    )
