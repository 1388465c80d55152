"""Why an environment could not be built, in a few words, out of what the installers said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_PIP = re.compile(r"ERROR: No matching distribution found for ([\w.-]+)==(\S+)")
_UV = re.compile(r"Because (?P<why>.+?) and you require (?P<name>[\w.-]+)==(?P<version>[^\s,]+)")
#: Where uv breaks a sentence into lines, with what it draws beside these.
_BREAKS = re.compile(r"[\s│╰─▶]+")
_COMPLAINT = re.compile(r"\s*(?:ERROR|error|fatal|×|cause):\s+(?P<said>.+)")
_LONGEST = 300


def reason_in(command: Sequence[str], said: Sequence[str]) -> str:
    """What is not here, or cannot be installed, and what the installer that was run said of it."""
    tool = "pip" if "pip" in command[1:3] and Path(command[0]).name != "uv" else Path(command[0]).name
    asked = command[command.index("--python") + 1] if "venv" in command and "--python" in command else ""
    if asked[:1].isdigit():
        return f"Python {asked} is not here"
    text = _BREAKS.sub(" ", " ".join(said))
    if found := _PIP.search(text):
        return f"{found[1]} {found[2]} cannot be installed: {tool} found no such version"
    if found := _UV.search(text):
        return f"{found['name']} {found['version']} cannot be installed: {tool} said: {found['why']}"
    complaints = [found["said"].strip() for line in said if (found := _COMPLAINT.match(line))]
    last = next(reversed(complaints), None) or next(
        (line.strip() for line in reversed(said) if line.strip()), "nothing"
    )
    return f"its packages cannot be installed: {tool} said: {last[:_LONGEST]}"
