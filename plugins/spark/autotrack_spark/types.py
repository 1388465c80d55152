"""What a model answers, as a type of Spark's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotrack.plugin import SchemaError, Signature, attempt

_SCALARS = {
    "boolean": "boolean", "integer": "int", "long": "bigint", "float": "float", "double": "double",
    "string": "string", "binary": "binary", "datetime": "timestamp",
}  # fmt: skip
_NUMBERS = {
    "bool": "boolean", "int8": "int", "int16": "int", "int32": "int", "int64": "bigint", "uint8": "int",
    "uint16": "int", "uint32": "bigint", "float16": "float", "float32": "float", "float64": "double", "str": "string",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """``kind``: ``scalar``, ``array`` or ``struct`` a row. ``type``: Spark's. ``fields``: names of a struct."""

    kind: str
    type: Any
    fields: tuple[str, ...] = ()


def answer_of(result_type: Any, signature: Signature | None) -> Answer:
    """The type that was asked for, else the one of the signature, else a double (SchemaError where it says what
    Spark has no type for)."""
    if result_type is None:
        return _of_signature(signature)
    kind = _parsed(result_type)
    name = kind.typeName()
    if name == "struct":
        return Answer("struct", kind, tuple(kind.fieldNames()))
    return Answer("array" if name == "array" else "scalar", kind)


def _parsed(result_type: Any) -> Any:
    from pyspark.sql.types import DataType, StructType

    if isinstance(result_type, DataType):
        return result_type
    if not isinstance(result_type, str):
        raise SchemaError(f"result_type should be a type of Spark's or its name ('array<double>'), not {result_type!r}")
    is_struct = ":" in result_type
    schema, error = attempt(StructType.fromDDL, result_type if is_struct else f"answer {result_type}")
    if schema is None:
        said = str(error).strip().splitlines()[0]
        raise SchemaError(f"result_type {result_type!r} is no type of Spark's ({said}); write it as in 'array<double>'")
    return schema if is_struct else schema["answer"].dataType


def _of_signature(signature: Signature | None) -> Answer:
    outputs = signature.outputs if signature is not None else None
    if outputs is None:
        return Answer("scalar", _parsed("double"))
    if outputs.tensors:
        first = outputs.tensors[0]
        name = _NUMBERS.get(first.dtype)
        if name is None or len(outputs.tensors) > 1 or len(first.shape) > 2:
            raise SchemaError("say result_type: Spark has no type for what the signature says of the predictions")
        return Answer("array", _parsed(f"array<{name}>")) if len(first.shape) == 2 else Answer("scalar", _parsed(name))
    names = [_SCALARS.get(column.type.name) for column in outputs.columns]
    if None in names:
        raise SchemaError("say result_type: Spark has no type for what the signature says of the predictions")
    if len(names) == 1:
        return Answer("scalar", _parsed(str(names[0])))
    fields = tuple(str(column.name if column.name is not None else at) for at, column in enumerate(outputs.columns))
    return Answer("struct", _parsed(", ".join(f"`{f}`: {t}" for f, t in zip(fields, names, strict=True))), fields)
