"""Parses filters and orders.

::

    filter  := disjunct ( OR disjunct )*
    disjunct:= term ( AND term )*
    term    := NOT term | '(' filter ')' | clause
    clause  := ident op value | ident [NOT] IN '(' value, ... ')' | ident IS [NOT] NULL
    ident   := [ entity '.' ] key            key: bare, "quoted" or `backtick`
    order   := ident [ ASC | DESC ]

MLflow's grammar is the part of it without OR, NOT, parentheses, ``==``, bare metric names, and with fewer operators a
field; ``mlflow=True`` accepts only that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from autotrack.core.errors import FilterError

from .subjects import RUNS, Subject
from .syntax import And, Compare, Field, In, IsNull, Node, Not, Or, Order, Value
from .tokens import Token, tokenize

CLAUSES = 50
DEPTH = 20

ENTITIES = {
    **dict.fromkeys(("metric", "metrics"), "metric"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "param"),
    **dict.fromkeys(("tag", "tags"), "tag"),
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attribute"),
    **dict.fromkeys(("dataset", "datasets"), "dataset"),
}
#: Short spellings, in what a person types into a page.
SHORT = {"m": "metric", "p": "param", "t": "tag"}
SHORT_ATTRIBUTES = {"start": "started", "end": "ended"}
#: The spellings that MLflow takes for two of its attributes.
ALIASES = {"run name": "run_name", "Run name": "run_name", "Run ID": "run_id", "run id": "run_id"}
DATASET_FIELDS = ("name", "digest", "context")
ORDERING = ("<", "<=", ">", ">=")
TEXT_OPS = ("=", "!=", "LIKE", "ILIKE")
NUMBERS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}


def parse_filter(text: str, *, mlflow: bool = False, subject: Subject = RUNS, short: bool = False) -> Node | None:
    """The syntax tree of a filter, None for an empty one (FilterError points at what does not parse).

    ``short``: ``m.``, ``p.`` and ``t.`` are metrics, params and tags, ``start`` and ``end`` the times of a run.
    """
    parser = _Parser(text, mlflow, subject, short)
    if parser.peek().kind == "end":
        return None
    node = parser.disjunction(0)
    parser.expect_end("AND, OR or the end" if not mlflow else "AND or the end")
    return node


def parse_order(texts: Sequence[str], *, mlflow: bool = False, subject: Subject = RUNS) -> list[Order]:
    """Sort keys, each ``ident [ASC|DESC]``; one text may hold several with commas."""
    orders: list[Order] = []
    for text in texts:
        parser = _Parser(text, mlflow, subject)
        while True:
            field = parser.ident()
            token = parser.peek()
            descending = token.is_word("DESC")
            if descending or token.is_word("ASC"):
                parser.next()
            orders.append(Order(field, descending))
            if mlflow or parser.peek().text != ",":
                break
            parser.next()
        parser.expect_end("ASC, DESC or the end")
        if len(orders) > CLAUSES:
            raise FilterError(f"there are more than {CLAUSES} sort keys", text, 0)
    return orders


class _Parser:
    def __init__(self, text: str, mlflow: bool, subject: Subject, short: bool = False) -> None:
        self.text = text
        self.mlflow = mlflow
        self.subject = subject
        self._entities = {**ENTITIES, **SHORT} if short else ENTITIES
        self._aliases = ({**ALIASES, **SHORT_ATTRIBUTES} if short else ALIASES) if subject is RUNS else {}
        self._tokens = tokenize(text)
        self._at = 0
        self._clauses = 0

    def peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def next(self) -> Token:
        token = self.peek()
        self._at += 1
        return token

    def fail(self, message: str, token: Token) -> FilterError:
        return FilterError(message, self.text, token.position)

    def expect_end(self, wanted: str) -> None:
        token = self.peek()
        if token.kind != "end":
            raise self.fail(f"{token.text!r} came where {wanted} was expected", token)

    def disjunction(self, depth: int) -> Node:
        items = [self.conjunction(depth)]
        while self.peek().is_word("OR"):
            self._only_ours("OR", self.next())
            items.append(self.conjunction(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def conjunction(self, depth: int) -> Node:
        items = [self.term(depth)]
        while self.peek().is_word("AND"):
            self.next()
            items.append(self.term(depth))
        return items[0] if len(items) == 1 else And(tuple(items))

    def term(self, depth: int) -> Node:
        token = self.peek()
        if depth > DEPTH:
            raise self.fail(f"the filter is nested more than {DEPTH} deep", token)
        if token.is_word("NOT") and self.peek(1).kind not in ("op", "dot"):
            self._only_ours("NOT", self.next())
            return Not(self.term(depth + 1))
        if token.kind == "punct" and token.text == "(":
            self._only_ours("a parenthesis", self.next())
            node = self.disjunction(depth + 1)
            closing = self.next()
            if closing.text != ")" or closing.kind != "punct":
                raise self.fail("a closing parenthesis is missing", closing)
            return node
        return self.clause()

    def clause(self) -> Node:
        self._clauses += 1
        if self._clauses > CLAUSES:
            raise self.fail(f"the filter has more than {CLAUSES} conditions", self.peek())
        field = self.ident()
        token = self.next()
        if token.kind == "op":
            return self._comparison(field, token, {"==": "=", "<>": "!="}.get(token.text, token.text))
        if token.is_word("LIKE") or token.is_word("ILIKE"):
            return self._comparison(field, token, token.text.upper())
        if token.is_word("IS"):
            negated = self._optional("NOT")
            end = self.next()
            if not end.is_word("NULL"):
                raise self.fail("IS takes NULL or NOT NULL", end)
            if self.mlflow and field.entity not in ("param", "tag"):
                raise self.fail("IS NULL is for params and tags only", token)
            if field.entity == "dataset":
                raise self.fail("IS NULL is not for datasets", token)
            return IsNull(field, negated)
        negated = token.is_word("NOT")
        if negated:
            token = self.next()
        if token.is_word("IN"):
            return self._membership(field, negated, token)
        if negated and (token.is_word("LIKE") or token.is_word("ILIKE")):
            self._only_ours("NOT LIKE", token)
            return Not(self._comparison(field, token, token.text.upper()))
        raise self.fail("a comparison was expected: = != < <= > >= LIKE ILIKE IN or IS NULL", token)

    def ident(self) -> Field:
        token = self.next()
        if token.kind not in ("word", "quoted", "backtick"):
            raise self.fail("a name was expected, such as metrics.loss or params.lr", token)
        if token.kind == "word" and self.peek().kind == "dot":
            entity = self._entities.get(token.text)
            if entity is not None:
                self.next()
                return self._known(Field(entity, self._key(), token.position), token)
        self._at -= 1
        return self._known(Field("bare", self._key(), token.position), token)

    def _key(self) -> str:
        """A key: quoted, or words and dots (and numbers) that touch each other."""
        token = self.next()
        if token.kind in ("quoted", "backtick"):
            if not token.text:
                raise self.fail("a key is empty", token)
            return token.text
        if token.kind not in ("word", "number"):
            raise self.fail("a key was expected", token)
        last = token
        while self.peek().position == last.end and self.peek().kind in ("word", "dot", "number"):
            last = self.next()
        if last.kind == "dot":
            raise self.fail("a key ends in a dot; put it in backticks if it is meant", last)
        return self.text[token.position : last.end]

    def _known(self, field: Field, token: Token) -> Field:
        key = self._aliases.get(field.key, field.key)
        attributes, ours = self.subject.attributes, self.subject.ours
        if field.entity == "bare" and (key in attributes or (not self.mlflow and key in ours)):
            return Field("attribute", key, field.position)
        if field.entity == "attribute" or (field.entity == "bare" and (self.mlflow or self.subject is not RUNS)):
            known = attributes if self.mlflow else {**attributes, **ours}
            if key not in known:
                what = self.subject.what
                raise self.fail(
                    f"{field.key!r} is no attribute of a {what}; there are {', '.join(sorted(known))}", token
                )
            return Field("attribute", key, field.position)
        if field.entity not in self.subject.entities and field.entity != "bare":
            raise self.fail(f"a {self.subject.what} has no {field.entity}s to search by", token)
        if field.entity == "dataset" and field.key not in DATASET_FIELDS:
            raise self.fail(f"{field.key!r} is no field of a dataset; there are name, digest and context", token)
        return field

    def _comparison(self, field: Field, op_token: Token, op: str) -> Node:
        if op_token.text in ("==", "<>"):
            self._only_ours(op_token.text, op_token)
        value_token = self.peek()
        value = self._value()
        is_text = isinstance(value, str)
        kind = self._kind(field)
        if op in ("LIKE", "ILIKE") and not is_text:
            raise self.fail(f"{op} takes a pattern in quotes", value_token)
        if kind == "number" and (is_text or op in ("LIKE", "ILIKE")):
            raise self.fail(f"{field.key} is a number: compare it with a number without quotes", value_token)
        if kind == "time":
            value = self._moment(field, value, value_token)
            if op in ("LIKE", "ILIKE"):
                raise self.fail(f"{field.key} is a time: use < <= > >= = or !=", op_token)
        if kind == "text":
            if not is_text:
                raise self.fail(f"{field.key} is text: put the value in quotes", value_token)
            if op not in TEXT_OPS:
                raise self.fail(f"{op} is not for text; use one of {' '.join(TEXT_OPS)}", op_token)
        if kind == "either" and is_text and op in ORDERING:
            raise self.fail(f"{op} takes a number without quotes", value_token)
        return Compare(field, op, value)

    def _kind(self, field: Field) -> str:
        """What a field may be compared with: number, time, text, or either (params and bare names)."""
        if field.entity == "metric":
            return "number"
        if field.entity == "attribute":
            kind = (self.subject.attribute(field.key) or ("", "text"))[1]
            if kind in ("milliseconds", "nanoseconds"):
                return "time"
            return "number" if kind in ("seconds", "number") else "text"
        if field.entity in ("param", "bare") and not self.mlflow:
            return "either"
        return "text"

    def _moment(self, field: Field, value: Value, token: Token) -> Value:
        """A time as the field counts it; ISO 8601 text is understood too (UTC unless it says otherwise)."""
        if not isinstance(value, str):
            return value
        if self.mlflow:
            raise self.fail(f"{field.key} is a number: compare it with a number without quotes", token)
        try:
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            microseconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)
        except (ValueError, OverflowError):
            raise self.fail("a time was expected, such as '2026-01-31' or '2026-01-31T12:00:00'", token) from None
        in_milliseconds = (self.subject.attribute(field.key) or ("", ""))[1] == "milliseconds"
        return microseconds // 1000 if in_milliseconds else microseconds * 1000

    def _membership(self, field: Field, negated: bool, token: Token) -> Node:
        allowed = field.entity == "dataset" or (field.entity == "attribute" and field.key in self.subject.listed)
        if self.mlflow and not allowed:
            listed = sorted(self.subject.listed) + ["dataset fields"] * ("dataset" in self.subject.entities)
            raise self.fail(f"IN is for {' and '.join(listed)} only", token)
        kind = self._kind(field)
        opening = self.next()
        if opening.text != "(" or opening.kind != "punct":
            raise self.fail("IN takes a list in parentheses", opening)
        values: list[Value] = []
        while True:
            value_token = self.peek()
            value = self._value()
            if kind == "time":
                value = self._moment(field, value, value_token)
            elif kind == "text" and not isinstance(value, str):
                raise self.fail(f"{field.key} is text: put the value in quotes", value_token)
            elif kind == "number" and isinstance(value, str):
                raise self.fail(f"{field.key} is a number: no quotes", value_token)
            if values and isinstance(value, str) != isinstance(values[0], str):
                raise self.fail("a list is all texts or all numbers", value_token)
            values.append(value)
            separator = self.next()
            if separator.kind == "punct" and separator.text == ")":
                return In(field, tuple(values), negated)
            if separator.kind != "punct" or separator.text != ",":
                raise self.fail("a comma or a closing parenthesis was expected", separator)

    def _value(self) -> Value:
        token = self.next()
        if token.kind in ("text", "quoted"):
            if "\0" in token.text or any("\ud800" <= letter <= "\udfff" for letter in token.text):
                raise self.fail("the text holds a character that no value can hold", token)
            return token.text
        word = token.text.lower().lstrip("+-")
        if token.kind in ("word", "number") and word in NUMBERS and not self.mlflow:
            return -NUMBERS[word] if token.text.startswith("-") else NUMBERS[word]
        if token.kind != "number":
            raise self.fail("a value was expected: a number, or text in quotes", token)
        number = float(token.text)
        digits = token.text.lstrip("+-")
        if digits.isdigit() and len(digits) <= 19 and -(2**63) <= int(token.text) < 2**63:
            return int(token.text)
        return number

    def _optional(self, word: str) -> bool:
        if self.peek().is_word(word):
            self.next()
            return True
        return False

    def _only_ours(self, what: str, token: Token) -> None:
        if self.mlflow:
            raise self.fail(f"{what} is not part of the MLflow search language", token)
