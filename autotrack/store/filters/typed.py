"""What a person types into a page's search box: a filter with short spellings, or words that names have in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from .grammar import parse_filter
from .syntax import And, Compare, Field, In, IsNull, Node, Not, Or

#: What a filter has and a few words have not.
_OPERATOR = re.compile(r"[=<>!()'\"`]|\s(?:i?like|in|is)\s", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{4,32}")


def parse_typed(text: str) -> Node | None:
    """The syntax tree of a filter or, where there is no operator in it, of a search for names (and beginnings of ids)
    with each of the words (FilterError)."""
    if _OPERATOR.search(text):
        return parse_filter(text, short=True)
    items = tuple(_word(word) for word in text.split())
    return None if not items else items[0] if len(items) == 1 else And(items)


def _word(word: str) -> Node:
    named = Compare(Field("attribute", "name", 0), "ILIKE", f"%{word}%")
    if not _HEX.fullmatch(word):
        return named
    return Or((named, Compare(Field("attribute", "id", 0), "LIKE", f"{word}%")))


def bare_names(node: Node | None) -> Iterator[Field]:
    """The names in a filter that do not say whether they are a metric's, a param's or a tag's."""
    match node:
        case And(items) | Or(items):
            for item in items:
                yield from bare_names(item)
        case Not(item):
            yield from bare_names(item)
        case Compare(field) | In(field) | IsNull(field):
            if field.entity == "bare":
                yield field


def resolved(node: Node, known: Mapping[str, Collection[str]]) -> Node:
    """The same with those bare names that are in one of the collections of keys (by entity) and in no other made
    names of that entity: an index may answer them. A status is compared in capitals, as it is stored."""
    match node:
        case And(items):
            return And(tuple(resolved(item, known) for item in items))
        case Or(items):
            return Or(tuple(resolved(item, known) for item in items))
        case Not(item):
            return Not(resolved(item, known))
        case Compare(field, _, value) if field == Field("attribute", "status", field.position):
            return replace(node, value=str(value).upper())
    field = node.field
    if field.entity != "bare":
        return node
    found = [entity for entity in ("metric", "param", "tag") if field.key in known.get(entity, ())]
    # What is compared with a text is never a metric, and stays bare: that is false for every run.
    if len(found) != 1 or (found[0] == "metric" and _is_text(node)) or (found[0] == "tag" and not _is_text(node)):
        return node
    return replace(node, field=Field(found[0], field.key, field.position))


def _is_text(node: Compare | In | IsNull) -> bool:
    match node:
        case Compare(_, _, value):
            return isinstance(value, str)
        case In(_, values):
            return isinstance(values[0], str)
    return True
