"""Where in the user's own code a call comes from, and what of ours a traceback shows."""

from __future__ import annotations

import os
from types import CodeType, FrameType, ModuleType

_STDLIB = os.__file__.rpartition(os.sep)[0]
_OURS = __file__.rsplit(os.sep, 2)[0]
_is_library: dict[str, bool] = {}
#: Where plugins lie that were loaded from a checkout.
_plugins: tuple[str, ...] = ()


def user_site(frame: FrameType | None) -> tuple[str, int]:
    """File and line of the nearest caller that is neither a library nor the standard library nor autotrack.

    Where there is none (a worker thread), the nearest caller outside autotrack.
    """
    nearest: tuple[str, int] | None = None
    while frame is not None:
        filename = frame.f_code.co_filename
        if not is_library(filename):
            return filename, frame.f_lineno
        if nearest is None and not filename.startswith(_OURS):
            nearest = filename, frame.f_lineno
        frame = frame.f_back
    return nearest or ("", 0)


def is_ours(filename: str) -> bool:
    """True for a file of autotrack's own."""
    return filename.startswith(_OURS + os.sep)


def is_users(module: ModuleType) -> bool:
    """True for ``__main__`` and modules that lie in no library."""
    file = module.__dict__.get("__file__")
    if not isinstance(file, str):
        return module.__dict__.get("__name__") == "__main__"
    return not is_library(file)


def add_plugin(module: ModuleType) -> None:
    """Counts a plugin's package (``autotrack_...``) among the libraries, wherever it lies."""
    global _plugins
    file = module.__dict__.get("__file__")
    if module.__name__.startswith("autotrack_") and isinstance(file, str):
        is_package = "__path__" in module.__dict__
        _plugins += (file.rpartition(os.sep)[0] + os.sep if is_package else file,)
        _is_library.clear()


def is_library(filename: str) -> bool:
    """True for a file of an installed library, of the standard library, of autotrack or of a plugin of its own name."""
    library = _is_library.get(filename)
    if library is None:
        library = _is_library[filename] = _looks_like_library(filename)
    return library


def _looks_like_library(filename: str) -> bool:
    return (
        "site-packages" in filename
        or "dist-packages" in filename
        or filename.startswith((_STDLIB + os.sep, _OURS + os.sep, "<frozen ", *_plugins))
    )


#: The functions of ours through which calls pass.
our_code: set[CodeType] = set()


def drop_our_frames(error: BaseException) -> None:
    """Takes our frames out of a traceback below the one that catches: nested watched calls would each show one."""
    trace = error.__traceback__
    while trace is not None:
        following = trace.tb_next
        while following is not None and following.tb_frame.f_code in our_code:
            following = following.tb_next
        if following is not trace.tb_next:
            trace.tb_next = following
        trace = following
