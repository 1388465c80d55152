"""Names of packages that are imported when they are first asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "package", ["autotrack", "autotrack.models", "autotrack.core.fingerprint", "autotrack.core.journal"]
)
def test_every_name_that_a_package_promises_is_there(package: str) -> None:
    found = importlib.import_module(package)
    for name in found.__all__:
        assert getattr(found, name) is vars(found)[name]  # found once, it is an attribute like any other
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        found.nothing


def test_nothing_is_imported_before_somebody_asks() -> None:
    program = """
import sys
import autotrack, autotrack.models, autotrack.core.fingerprint, autotrack.core.journal
late = ("autotrack.models.loading", "autotrack.core.fingerprint.comparison", "autotrack.core.journal.reader")
assert not [name for name in late if name in sys.modules]
autotrack.core.journal.JournalReader, autotrack.core.fingerprint.compare, autotrack.models.load_model
assert all(name in sys.modules for name in late)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
