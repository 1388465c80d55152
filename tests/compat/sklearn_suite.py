"""Runs tests of scikit-learn in this process: ``sklearn_suite.py on|off OUTPUT PYTEST-ARGUMENTS``.

OUTPUT becomes JSON: the outcome of each test by its id, and what autotrack's guard caught.
"""

import json
import sys
from pathlib import Path

if sys.argv[1] == "on":
    import autotrack

    autotrack.enable()

import pytest


class Outcomes:
    """Collects one word a test: passed, failed, error, skipped, xfailed or xpassed."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            outcome = str(report.outcome)
            if hasattr(report, "wasxfail"):
                outcome = "xpassed" if report.passed else "xfailed"
            elif report.failed and report.when != "call":
                outcome = "error"
            self.of[report.nodeid] = outcome


outcomes = Outcomes()
pytest.main(sys.argv[3:], plugins=[outcomes])
failures: list[str] = []
if sys.argv[1] == "on":
    from autotrack.core.guard import guard

    failures = [f"{failure.site}: {failure.error}" for failure in guard.failures]
Path(sys.argv[2]).write_text(json.dumps({"outcomes": outcomes.of, "failures": failures}))
