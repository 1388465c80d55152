"""Documents, pictures and tables come back as they were given."""

import csv
import io
import json
import zlib

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from autotrack.core.errors import UsageError
from autotrack.core.runs import attachments


def test_documents() -> None:
    content = {"a": [1, 2.5, None, True], "n": np.int64(3), "m": np.eye(2), "s": {"x"}}
    expected = {"a": [1, 2.5, None, True], "n": 3, "m": [[1.0, 0.0], [0.0, 1.0]], "s": ["x"]}
    assert json.loads(attachments.document(content, "c.json")) == expected
    assert yaml.safe_load(attachments.document(content, "c.yaml")) == expected


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 3), (3, 4, 4)])
def test_png_holds_the_pixels(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    png = attachments.image(array, "x.png")
    start = png.index(b"IDAT")
    length = int.from_bytes(png[start - 4 : start], "big")
    rows = np.frombuffer(zlib.decompress(png[start + 4 : start + 4 + length]), np.uint8).reshape(3, -1)
    assert (rows[:, 0] == 0).all()
    assert (rows[:, 1:].reshape(-1) == array.reshape(-1)).all()


@pytest.mark.parametrize("array", [np.zeros((2, 2, 2)), np.zeros((0, 2)), np.zeros(3)])
def test_other_shapes_are_no_image(array: np.ndarray) -> None:
    with pytest.raises(UsageError, match="an image has shape"):
        attachments.image(array, "x.png")


@pytest.mark.parametrize(
    "table",
    [
        {"a": [1, 2], "b": ["x", "y,z"]},
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y,z"}],
        pd.DataFrame({"a": [1, 2], "b": ["x", "y,z"]}),
    ],
)
def test_tables(table: object) -> None:
    rows = list(csv.reader(io.StringIO(attachments.table(table, "t.csv").decode())))
    assert rows == [["a", "b"], ["1", "x"], ["2", "y,z"]]
    assert json.loads(attachments.table(table, "t.json")) == {"columns": ["a", "b"], "data": [[1, "x"], [2, "y,z"]]}


def test_figure() -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])
    assert attachments.figure(figure, "f.png").startswith(b"\x89PNG")
    assert b"<svg" in attachments.figure(figure, "f.svg")
    with pytest.raises(UsageError):
        attachments.figure(object(), "f.png")
