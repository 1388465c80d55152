"""``autotrack models verify --on``: a model asked on each platform for what it answered where it was saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autotrack.core.guard import attempt
from autotrack.core.plugins.registry import plugins
from autotrack.models.golden import FILE, Replay, answers_of, compare, example_of

from .screen import Cell, Screen

#: What is asked on a platform, where a model answers more.
_METHOD = "predict"
PLATFORMS = ("pyfunc", "serve", "spark", "docker")


def on_platforms(folder: Path, platforms: Sequence[str]) -> dict[str, Replay]:
    """How the answers on each platform compare with those that were kept, of a model that was loaded here already: who
    it is trusted by has been asked."""
    content, _ = attempt((folder / FILE).read_bytes)
    kept, error = attempt(answers_of, content) if content is not None else (None, None)
    if content is None or kept is None or _METHOD not in kept:
        reason = f"no predictions were kept with it{f' ({error})' if error else ''}"
        return {platform: Replay("failed", reason=reason) for platform in platforms}
    example = example_of(content)
    return {platform: _on(platform, folder, example, kept[_METHOD]) for platform in platforms}


def _on(platform: str, folder: Path, example: Any, kept: Any) -> Replay:
    answers, error = attempt(_asked, platform, folder, example)
    if error is not None:
        return Replay("failed", reason=str(error))
    found, error = attempt(compare, kept, answers, _METHOD)
    return found if found is not None else Replay("failed", reason=str(error))


def _asked(platform: str, folder: Path, example: Any) -> Any:
    if platform == "pyfunc":
        from autotrack.models import load_pyfunc

        return load_pyfunc(folder, trust=True).predict(example)
    found = plugins().choose("ask_on", platform=platform, folder=str(folder), example=example, trust=True)
    if found is None:
        from autotrack.core.errors import UsageError

        raise UsageError(f"no plugin asks models on {platform}; there are: {', '.join(PLATFORMS)}")
    return found


def platforms_document(found: dict[str, Replay]) -> dict[str, Any]:
    """The same for programs."""
    return {
        name: {"verdict": each.verdict, "largest": each.largest, "where": each.where, "reason": each.reason}
        for name, each in found.items()
    }


def print_platforms(screen: Screen, found: dict[str, Replay]) -> None:
    """A line a platform; what a program said in several lines stands below one another."""
    for name, each in found.items():
        style = "green" if each.verdict in ("equal", "close") else "red"
        largest = f"   largest difference {each.largest:.3g}" if each.largest else ""
        first, *more = f"{each.reason or each.where}{largest}".strip().splitlines() or [""]
        screen.line(Cell(f"{name:<9}", "bold"), Cell(f"{each.verdict:<11}", style), first)
        for line in more:
            screen.line(" " * 20, line)
