"""Whatever is read of a program takes no longer than its text is long: it is read beside a training."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from autotrack.core.session.cells import commands_as_gap
from autotrack.core.session.chance import calls
from autotrack.core.session.masking import mask, mask_value, masked

PIECES = [
    "a", "1", "_", ".", "-", " ", "\t", "\n", "\\", "'", '"', "\\'", '\\"', "!", "=", "(", "[", "{", "/", ":", "@", "%",
    "a.", "a ", "a=", "a,", "1.", "1_", "1e1", "\\n", ", '!", "a = ", "a: ", "- ", "://", "http://a:", "a-1.", "[ a ",
    "import ", "from a import (", "from a import (\n", "get_ipython().system('", "--- a\n", "Bearer ", "\\\n", "'''\\'",
    '"""\\"', "A", "aA", "token", "token=", "token = ", "token: ", "password='", "api_key = 1",
    "-----BEGIN PRIVATE KEY-----",
    "?sig=", "eyJ.", "sk-", "0xa", "x = 0x", "seed.", "os.urandom", "export KEY=", "#", "\x00", "é",
]  # fmt: skip
LONG = 100_000
READERS: dict[str, Callable[[str], object]] = {
    "chance": lambda text: calls("import os\nos.urandom(1)\n" + text),
    "cells": lambda text: commands_as_gap([text, "get_ipython().run_cell_magic('time', '', '" + text]),
    "mask": mask,
    "mask of a source": lambda text: masked(text, source=True),
    "mask of a value": lambda text: mask_value("token", text),
    "mask of a secret": lambda text: mask_value("password", text),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("reader", list(READERS))
def test_reading_is_linear(reader: str) -> None:
    for piece in PIECES:
        many = piece * (LONG // len(piece))
        for text in (many, many + "x", f"token = '{many}x'"):
            began = time.process_time()
            READERS[reader](text)
            spent = time.process_time() - began
            assert spent < 2, f"{spent:.1f} s for 100 kB of {piece!r}, {text[:10]!r} and so on"
