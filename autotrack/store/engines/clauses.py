"""SQL that every engine has and each spells differently; the modules beside this one compile it.

Conditions have no type on purpose: a Boolean one is written ``(...) = 1`` for SQLite, and no index serves that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Replacing(Insert):
    """An INSERT that replaces the row with the same primary key."""

    inherit_cache = True


class Keeping(Insert):
    """An INSERT that leaves a row with the same primary key as it is."""

    inherit_cache = True


class Many(TypeDecorator[Sequence[Any]]):
    """Any number of values as one bound value: an array where there are arrays, else JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, texts: bool) -> None:
        super().__init__()
        self.texts = texts

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(Text() if self.texts else BigInteger()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class Pairs(TypeDecorator[Sequence[Any]]):
    """Pairs of a number and a text, as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str:
        return json.dumps(list(value or ()))


class Pattern(TypeDecorator[str]):
    """A pattern of LIKE (% any, _ one, nothing escaped) as the engine's case-sensitive operator wants it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or dialect.name != "sqlite":
            return value
        glob = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
        return "".join(glob.get(letter, letter) for letter in value)


class Among(FunctionElement[Any]):
    """``column IN values`` with one bound value, which a statement that is kept is given as ``bound``."""

    inherit_cache = True
    name = "among"

    def __init__(
        self, column: ColumnElement[Any], values: Sequence[int] | Sequence[str] | None, bound: str | None = None
    ) -> None:
        texts = column.type.python_type is str
        super().__init__(column, bindparam(bound, values, type_=Many(texts)))


class AmongPairs(FunctionElement[Any]):
    """``(number, text) IN pairs`` with one value, which the statement is given as ``bound``."""

    inherit_cache = True
    name = "among_pairs"

    def __init__(self, number: ColumnElement[Any], text: ColumnElement[Any], bound: str) -> None:
        super().__init__(number, text, bindparam(bound, type_=Pairs()))


class Same(FunctionElement[Any]):
    """``text = value``, found by an index however long the text is."""

    inherit_cache = True
    name = "same"

    def __init__(self, text: ColumnElement[Any], value: ColumnElement[Any] | str) -> None:
        super().__init__(text, bindparam(None, value, type_=Text()) if isinstance(value, str) else value)


class Like(FunctionElement[Any]):
    """``text LIKE pattern``, case-sensitive."""

    inherit_cache = True
    name = "like"

    def __init__(self, text: ColumnElement[Any], pattern: str) -> None:
        super().__init__(text, bindparam(None, pattern, type_=Pattern()))


class SmallLetters(FunctionElement[str]):
    """A text as ``small_letters`` has it."""

    inherit_cache = True
    name = "small_letters"
    type = Text()


@cache
def capitals() -> tuple[str, str]:
    """The capitals that have one small letter each, and those: by Python's Unicode, so that every engine agrees."""
    # No capital of Unicode is beyond.
    found = [letter for letter in map(chr, range(0x1F000)) if letter.lower() != letter and len(letter.lower()) == 1]
    return "".join(found), "".join(letter.lower() for letter in found)


@cache
def _table() -> dict[int, int]:
    return str.maketrans(*capitals())


def small_letters(text: str) -> str:
    """A text with each capital as its small letter, one for one."""
    return text.lower() if text.isascii() else text.translate(_table())
