"""Why an environment could not be built, in a few words, out of what pip and uv really say."""

from __future__ import annotations

import pytest

from autotrack.environments.refusals import reason_in

UV = ["/bin/uv", "pip", "install", "--python", "x", "-r", "y"]
PIP = ["/bin/python", "-m", "pip", "install", "-r", "y"]


@pytest.mark.parametrize(
    ("command", "said", "reason"),
    [
        (
            UV,
            [
                "error: No solution found when resolving dependencies",
                "  cause: Because there is no version of six==99.9 and you require six==99.9, we can conclude that "
                "your requirements are unsatisfiable.",
            ],
            "six 99.9 cannot be installed: uv said: there is no version of six==99.9",
        ),
        (
            UV,
            [
                "  × No solution found when resolving dependencies:",
                "  ╰─▶ Because lower was not found in the package registry and you require",
                "      lower==1.0, we can conclude that your requirements are unsatisfiable.",
            ],
            "lower 1.0 cannot be installed: uv said: lower was not found in the package registry",
        ),
        (
            PIP,
            [
                "ERROR: Could not find a version that satisfies the requirement six==99.9 (from versions: 1.0)",
                "ERROR: No matching distribution found for six==99.9",
            ],
            "six 99.9 cannot be installed: pip found no such version",
        ),
        (
            ["/bin/uv", "venv", "--quiet", "--python", "3.12.1", "/x"],
            [
                "error: No interpreter found for Python 3.12.1 in managed installations or search path",
                "",
                "hint: uv ...",
            ],
            "Python 3.12.1 is not here",
        ),
        (
            PIP,
            ["  ERROR: Failed building wheel for old", "ERROR: Could not build wheels for old, which is required"],
            "its packages cannot be installed: pip said: Could not build wheels for old, which is required",
        ),
        (["/bin/micromamba", "create"], [], "its packages cannot be installed: micromamba said: nothing"),
    ],
)
def test_what_is_not_to_be_had_is_named(command: list[str], said: list[str], reason: str) -> None:
    assert reason_in(command, said) == reason
