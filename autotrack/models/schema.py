"""What a model takes and answers, in MLflow's type system, and the JSON that MLflow keeps it in.

A schema is a list of columns or a list of tensors, never both. MLmodel holds it as a JSON *string*; key order and
spelling here are MLflow's (3.17), so that a signature that was read is written as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from autotrack.core.errors import SchemaError

#: The types without parts. ``integer`` and ``float`` are 32 bits wide, ``long`` and ``double`` 64.
SCALARS = frozenset("boolean integer long float double string binary datetime".split())
#: A type may lie in another this often; deeper ones come from no data that anybody has.
DEEPEST = 64


class Property(NamedTuple):
    """A field of an object."""

    name: str
    type: Type
    required: bool = True


@dataclass(frozen=True, slots=True)
class Type:
    """A type: a scalar, ``any``, ``sparkml_vector``, or ``array`` and ``map`` (of ``inner``), ``object`` (fields)."""

    name: str
    inner: Type | None = None
    fields: tuple[Property, ...] = ()

    def __str__(self) -> str:
        if self.inner is not None:
            return f"{self.name} of {self.inner}"
        if self.fields:
            inside = ", ".join(f"{each.name}: {each.type}{'' if each.required else '?'}" for each in self.fields)
            return f"object ({inside})"
        return self.name

    def to_json(self) -> dict[str, Any]:
        """The type as MLflow writes it, without name and required."""
        if self.name == "array":
            assert self.inner is not None
            return {"type": "array", "items": self.inner.to_json()}
        if self.name == "map":
            assert self.inner is not None
            return {"type": "map", "values": self.inner.to_json()}
        if self.name == "object":
            return {
                "type": "object",
                "properties": {
                    field.name: {**field.type.to_json(), "required": field.required} for field in self.fields
                },
            }
        return {"type": self.name}


ANY = Type("any")
#: What each number may become without a change.
_WIDER = {"integer": ("long", "double"), "long": ("double",), "float": ("double",)}


def fits(found: Type, expected: Type) -> bool:
    """True where a value of the one type can stand for the other; ``any`` fits everything."""
    if found == expected or "any" in (found.name, expected.name):
        return True
    if found.name == expected.name == "array":
        return found.inner is None or expected.inner is None or fits(found.inner, expected.inner)
    if found.name == expected.name == "object":
        fields = {each.name: each for each in found.fields}
        return all(
            fits(fields[each.name].type, each.type) if each.name in fields else not each.required
            for each in expected.fields
        )
    if found.name == "object" and expected.name == "map":
        return all(expected.inner is None or fits(each.type, expected.inner) for each in found.fields)
    return expected.name in _WIDER.get(found.name, ())


class Column(NamedTuple):
    """A column of a table. ``name`` is None where the column is the whole input; pandas' names may be numbers."""

    type: Type
    name: str | int | None = None
    required: bool = True

    def to_json(self) -> dict[str, Any]:
        named = {} if self.name is None else {"name": self.name}
        return {**self.type.to_json(), **named, "required": self.required}


class Tensor(NamedTuple):
    """An array. ``dtype`` is numpy's name (``str``, ``bytes``, ``object`` without a size); -1 in a shape is free."""

    dtype: str
    shape: tuple[int, ...]
    name: str | None = None

    def to_json(self) -> dict[str, Any]:
        named = {} if self.name is None else {"name": self.name}
        return {**named, "type": "tensor", "tensor-spec": {"dtype": self.dtype, "shape": list(self.shape)}}


class Param(NamedTuple):
    """A parameter of ``predict``. ``shape`` is None for one value and (-1,) for a list; ``default`` is JSON's."""

    name: str
    type: Type
    default: Any
    shape: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        shape = None if self.shape is None else list(self.shape)
        return {"name": self.name, "default": self.default, "shape": shape, **self.type.to_json()}


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns, or tensors."""

    columns: tuple[Column, ...] = ()
    tensors: tuple[Tensor, ...] = ()

    def to_json(self) -> str:
        """MLflow's JSON text."""
        return json.dumps([part.to_json() for part in self.columns or self.tensors])

    @property
    def names(self) -> list[str | int]:
        """The names of the columns or tensors that have one, in order."""
        return [part.name for part in self.columns or self.tensors if part.name is not None]


def schema_of(text: object) -> Schema:
    """The schema in MLflow's JSON (SchemaError where it is none)."""
    columns: list[Column] = []
    tensors: list[Tensor] = []
    for entry in _entries(text, "schema"):
        if entry.get("type") == "tensor":
            tensors.append(_tensor(entry))
        else:
            name = entry.get("name")
            if name is not None and not isinstance(name, (str, int)):
                raise SchemaError(f"a column of the schema is called {name!r}, which is neither text nor a number")
            columns.append(Column(type_of(entry), name, _flag(entry)))
    if columns and tensors:
        raise SchemaError("the schema mixes columns and tensors, which no MLflow schema does")
    return Schema(tuple(columns), tuple(tensors))


def params_of(text: object) -> tuple[Param, ...]:
    """The parameters in MLflow's JSON (SchemaError where it is none)."""
    found = []
    for entry in _entries(text, "list of params"):
        shape = entry.get("shape")
        if not isinstance(entry.get("name"), str) or not (shape is None or _is_shape(shape)):
            raise SchemaError(f"a param of the signature has no name, or a shape that is none: {str(entry)[:200]}")
        # Before 1.20 MLflow wrote "dtype".
        kind = type_of({"type": entry.get("dtype"), **entry})
        found.append(Param(entry["name"], kind, entry.get("default"), None if shape is None else tuple(shape)))
    return tuple(found)


def type_of(entry: Mapping[str, Any], depth: int = 0) -> Type:
    """The type that a JSON object spells (SchemaError where it spells none)."""
    name = entry.get("type")
    if depth > DEEPEST:
        raise SchemaError(f"the schema nests its types more than {DEEPEST} deep")
    if name in ("array", "map"):
        inner = entry.get("items" if name == "array" else "values")
        if not isinstance(inner, Mapping):
            raise SchemaError(f"a type {name!r} of the schema does not say what is in it")
        return Type(str(name), type_of(inner, depth + 1))
    if name == "object":
        fields = entry.get("properties")
        if not isinstance(fields, Mapping) or not all(isinstance(field, Mapping) for field in fields.values()):
            raise SchemaError("an object of the schema has no properties")
        return Type(
            "object",
            fields=tuple(Property(str(key), type_of(field, depth + 1), _flag(field)) for key, field in fields.items()),
        )
    if name in ("any", "sparkml_vector") or name in SCALARS:
        return Type(str(name))
    known = ", ".join(sorted([*SCALARS, "array", "object", "map", "any", "tensor"]))
    raise SchemaError(f"the schema has a type {str(name)[:60]!r}; there are: {known}")


def _tensor(entry: Mapping[str, Any]) -> Tensor:
    spec, name = entry.get("tensor-spec"), entry.get("name")
    if not isinstance(spec, Mapping) or not isinstance(spec.get("dtype"), str) or not _is_shape(spec.get("shape")):
        raise SchemaError(f"a tensor of the schema lacks its dtype or its shape: {str(entry)[:200]}")
    return Tensor(spec["dtype"], tuple(spec["shape"]), None if name is None else str(name))


def _is_shape(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(type(size) is int and size >= -1 for size in value)


def _flag(entry: Mapping[str, Any]) -> bool:
    """``required``, true where it is not said; in MLflow before 2.5 it was called ``optional``."""
    return bool(entry.get("required", not entry.get("optional", False)))


def _entries(text: object, what: str) -> Iterable[Mapping[str, Any]]:
    try:
        found = json.loads(text) if isinstance(text, (str, bytes)) else text
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"the {what} is not JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(entry, Mapping) for entry in found):
        raise SchemaError(f"the {what} is not a list of objects: {str(found)[:80]}")
    return found
