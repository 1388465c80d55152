"""A model's signature: what ``predict`` takes and answers, and its parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .inference import infer_params, infer_schema
from .schema import Param, Schema, params_of, schema_of


@dataclass(frozen=True, slots=True)
class Signature:
    """Each part may be absent."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: tuple[Param, ...] = ()

    def to_dict(self) -> dict[str, str | None]:
        """The ``signature`` of MLmodel: JSON texts."""
        return {
            "inputs": None if self.inputs is None else self.inputs.to_json(),
            "outputs": None if self.outputs is None else self.outputs.to_json(),
            "params": json.dumps([param.to_json() for param in self.params]) if self.params else None,
        }


def signature_of(entry: Mapping[str, Any]) -> Signature:
    """The signature that MLmodel holds (SchemaError where it is none)."""
    inputs, outputs, params = (entry.get(part) for part in ("inputs", "outputs", "params"))
    return Signature(
        None if inputs is None else schema_of(inputs),
        None if outputs is None else schema_of(outputs),
        () if params is None else params_of(params),
    )


def infer_signature(inputs: Any = None, outputs: Any = None, params: Mapping[str, Any] | None = None) -> Signature:
    """The signature of a model that took ``inputs`` and answered ``outputs``; ``params`` are its defaults.

    SchemaError where data are of no kind that a model takes (see ``infer_schema``).
    """
    return Signature(
        None if inputs is None else infer_schema(inputs),
        None if outputs is None else infer_schema(outputs),
        infer_params(params) if params else (),
    )
