"""Calls that draw from the operating system are found in sources, and nothing else is taken for one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.session.chance import Asked, calls


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\nseed = os.urandom(4)", [("os.urandom()", 2)]),
        ("from os import urandom as noise\nnoise(4)", [("os.urandom()", 2)]),
        (
            "import secrets\nsecrets.randbelow(3)\nsecrets.token_hex()",
            [("secrets.randbelow()", 2), ("secrets.token_hex()", 3)],
        ),
        (
            "from secrets import (\n    choice,\n    token_hex as t,\n)\nchoice([1]); t()",
            [("secrets.choice()", 5), ("secrets.token_hex()", 5)],
        ),
        ("def f():\n    import uuid as u\n    return u.uuid4().hex", [("uuid.uuid4()", 3)]),
        (
            "import random\nrandom.Random()\nrandom.Random( )\nrandom.Random(7)",
            [("random.Random()", 2), ("random.Random()", 3)],
        ),
        (
            "from random import SystemRandom, seed\nSystemRandom().random()\nseed()",
            [("random.SystemRandom()", 2), ("random.seed()", 3)],
        ),
        ("import torch\ntorch.seed()\ntorch.manual_seed(3)", [("torch.seed()", 2)]),
        ("import torch\ntorch.Generator().seed()", [("torch.Generator.seed()", 2)]),
        (
            "import torch\ng = torch.Generator(device='cpu')\ng.seed()\ng.manual_seed(1)",
            [("torch.Generator.seed()", 3)],
        ),
        # None of these draws from the operating system.
        ("import os\n# os.urandom(4)\nx = 'os.urandom(4)'\ny = '''\nos.urandom(4)\n'''", []),
        ('import os\nx = "\\"os.urandom(4)"\ny = """\\""" + """', []),
        ("def urandom(n): pass\nurandom(4)", []),
        ("import numpy as random\nrandom.Random()", []),
        ("import random\nclass Mine(random.Random): pass\nrandom.seed(4)\nrandom.random()", []),
        ("import numpy\nnumpy.random.seed()\nnumpy.random.default_rng()", []),  # those are kept
    ],
)
def test_calls_are_found_by_what_names_stand_for(source: str, found: list[tuple[str, int]]) -> None:
    assert calls(source) == found


def test_they_are_named_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os, uuid\nos.urandom(4)\nuuid.uuid4()\n")
    asked = Asked()
    asked.look([str(tmp_path / "train.py"), str(tmp_path / "gone.py")])
    asked.look_through_cells(["import secrets\nsecrets.choice('ab')"])
    assert asked.calls == [
        "os.urandom() (train.py, line 2)",
        "uuid.uuid4() (train.py, line 3)",
        "secrets.choice() (a cell, line 2)",
    ]
    asked.calls *= 2
    [gap] = asked.gaps()
    assert gap.part == "seeds" and gap.what.endswith("and 3 more") and Asked().gaps() == []


@pytest.mark.timeout(30)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.py")
    asked = Asked()
    asked.look([str(tmp_path / "train.py"), str(tmp_path)])
    assert asked.calls == asked.gaps() == []


def test_a_program_of_thousands_of_files_is_not_held_up(tmp_path: Path) -> None:
    for at in range(2000):
        (tmp_path / f"module_{at}.py").write_text("import random\n" + "x = random.seed\n" * 2000)
    asked = Asked()
    began = time.monotonic()
    asked.look(map(str, tmp_path.iterdir()), 0.1)
    assert time.monotonic() - began < 2
    [gap] = asked.gaps()
    assert "sources were not looked through" in gap.what and gap.what[0].isdigit()


@given(st.text(alphabet="'\"#\\\n ()=.,;ab", max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert calls(f"seed{text}") == []


@pytest.mark.parametrize("piece", ["'''", '"""', "'", "\\", "a.", "seed(", "import ", "from a import (", "a = "])
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    calls(f"import os\n{piece * (200_000 // len(piece))}\nos.urandom(1)")
    assert time.process_time() - began < 5, "a source of 200 kB is read in a moment"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("quote", ["'''", '"""', "'", '"'])
def test_a_text_that_is_not_closed_takes_no_longer(quote: str) -> None:
    began = time.process_time()
    escapes = "\\a" * 50_000
    calls(f"import os\n{quote}{escapes}\nos.urandom(1)")
    assert time.process_time() - began < 5, "each escape is read in one way"


def test_no_warning_comes_of_it(recwarn: pytest.WarningsRecorder) -> None:
    assert calls("import os\nx = '\\d'\nos.urandom(1 if 1else 2)") == [("os.urandom()", 3)] and not recwarn.list
    assert "ast" not in vars(sys.modules["autotrack.core.session.chance"])
