"""Commands of a shell in the cells of a notebook, as IPython understands these."""

from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from autotrack.core.session.cells import commands_as_gap


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("!cat rows.txt", "cat rows.txt"),
        ("rows = !wc -l rows.txt\nprint(rows)", "wc -l rows.txt"),
        ("!cat 'a b'", "cat 'a b'"),
        ("%sx ls", "ls"),
        ("!!ls", "ls"),
        ("%%bash\nmake data", "%%bash"),
        ("%%capture\n!make data\nlisted = !ls -l\n", "make data, ls -l"),
        ("!a\n!b\n!c\n!a\n!d\n", "a, b, c and 1 more"),
        ("!" + "x" * 100, "x" * 60),
        # What these do is known otherwise, or is nothing.
        ("!pip install x", None),
        ("%pip install x\n!python -m pip list", None),
        ("%%time\nfit()\n%matplotlib inline", None),
        ("text = '!cat rows.txt'\nif not x != y: pass", None),
    ],
)
def test_they_are_named(cell: str, named: str | None) -> None:
    gaps = commands_as_gap([TransformerManager().transform_cell(cell)])
    said = [gap.what.partition(": ")[2] for gap in gaps]
    assert said == ([] if named is None else [named]) and all(gap.part == "files" for gap in gaps)
