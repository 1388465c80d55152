"""Data of which ``mlflow_digests.json`` keeps MLflow's digests: made by arithmetic, so they are the same anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def _numbers(count: int) -> np.ndarray[Any, Any]:
    return (np.arange(count, dtype="i8") * 2654435761 % 1000003) / 997.0


def arrays() -> dict[str, tuple[Any, Any]]:
    """(features, targets) by name."""
    table, labels = _numbers(600).reshape(150, 4), np.arange(150) % 3
    return {
        "floats": (table, None),
        "floats and labels": (table, labels),
        "fortran": (np.asfortranarray(table), None),
        "strided": (table[::2, 1:3], labels[::2]),
        "float32": (table.astype("f4"), None),
        "int8": (labels.astype("i1"), None),
        "uint16": (labels.astype("u2"), None),
        "bool": (labels == 1, None),
        "complex": (table[:, 0] + 1j * table[:, 1], None),
        "datetime": (np.arange(5).astype("M8[D]").astype("M8[ns]"), None),
        "strings": (np.array(["a", "b", "ü"], object), None),
        "unicode": (np.array(["a", "b", "cc"]), None),
        "empty": (np.zeros((0, 3)), None),
        "three dimensions": (_numbers(24).reshape(2, 3, 4), None),
        "longer than 10,000": (_numbers(30_000).reshape(10_000, 3), None),
        "nan": (np.array([1.0, np.nan, -0.0]), None),
        "dict": ({"b": table, "a": labels}, {"y": labels}),
        "mixed objects": (np.array([1, "a", [2]], object), None),
    }


def frames() -> dict[str, pd.DataFrame]:
    """Data frames by name."""
    table = _numbers(600).reshape(150, 4)
    plain = pd.DataFrame(table, columns=["d", "c", "b", "a"])
    mixed = plain.assign(
        word=[f"w{n}" for n in range(150)],
        flag=np.arange(150) % 2 == 0,
        when=pd.date_range("2020-01-01", periods=150).as_unit("ns"),
        kind=pd.Categorical(["x", "y", "z"] * 50),
        whole=np.arange(150),
        hole=pd.Series([None, "v"] * 75, dtype=object),
        nullable=pd.array([1, None, 3] * 50, dtype="Int64"),
    )
    return {
        "numbers": plain,
        "mixed": mixed,
        "objects": mixed.astype({"word": object}),
        "indexed": plain.set_index("a"),
        "text index": plain.set_index(mixed["word"]),
        "long": pd.DataFrame({"x": _numbers(10_500), "n": np.arange(10_500)}),
        "integers for names": pd.DataFrame(table),
        "no rows": mixed.head(0),
        "only flags": mixed[["flag"]],
    }
