"""What one execution of a program was: captured once, referenced by every run made in it."""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
from typing import Any

from ..keys import new_id, printable
from ..version import __version__


def session_record() -> dict[str, Any]:
    """The journal's ``session`` event for this process. Milliseconds; starts no process, imports nothing heavy."""
    from .masking import mask_argv  # its expressions take longer than all the rest

    return {
        "k": "session",
        "t": time.time_ns(),
        "id": new_id(),
        "argv": mask_argv([printable(argument) for argument in getattr(sys, "orig_argv", sys.argv)]),
        "entry": entry_point(),
        "cwd": _working_directory(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "user": user_name(),
        "python": platform.python_version(),
        "platform": sys.platform,
        "autotrack": __version__,
    }


def entry_point() -> str:
    """What was started: a script's path, ``-m module``, ``-c``, ``notebook`` or ``interactive``."""
    if "ipykernel" in sys.modules:
        return "notebook"
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return f"-m {spec.name.removesuffix('.__main__')}"
    path = getattr(main, "__file__", None)
    if path:
        return printable(os.path.abspath(path))  # noqa: PTH100 - resolves nothing, so that links keep their name
    arguments = getattr(sys, "orig_argv", [])
    if "-c" in arguments:
        return "-c"
    if len(arguments) > 1 and not hasattr(sys, "ps1") and os.path.isfile(sys.argv[0] or ""):  # noqa: PTH113
        return printable(os.path.abspath(sys.argv[0]))  # noqa: PTH100 - enabled before the script became __main__
    return "interactive"


def user_name() -> str | None:
    """The account's name from the environment or the password file."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(name):
            return printable(os.environ[name])
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return None


def _working_directory() -> str | None:
    try:
        return printable(os.getcwd())  # noqa: PTH109 - a string is wanted
    except OSError:
        return None
