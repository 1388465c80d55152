"""Checkpoints: how one is known again, which was the best, and what is kept of it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from .values import single

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun

#: The tag that lists the digests of a run's checkpoints, the newest last.
TAG = "lightning.checkpoints"
#: Digests that a run lists, files of one checkpoint that is a folder, and checkpoints that are kept.
MAX_DIGESTS, MAX_FILES, MAX_KEPT = 50, 256, 3
HEAD, TAIL = 1 << 16, 1 << 20


def digest(path: Any) -> str | None:
    """32 hexadecimal digits that tell the checkpoint by its content, wherever it is; None where there is no file.

    Of a file its size, its first 64 KiB and its last MiB are read: there a zip archive, which is what ``torch.save``
    writes, lists all its parts with their checksums, so that any other weights give another digest.
    """
    if not isinstance(path, (str, os.PathLike)):
        return None
    found, _ = attempt(_digest, Path(path))
    return found


def _digest(path: Path) -> str | None:
    state = hashlib.sha256()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())[:MAX_FILES]
        for file in files:
            state.update(file.relative_to(path).as_posix().encode("utf-8", "backslashreplace") + b"\0")
            _add(state, file)
        return state.hexdigest()[:32] if files else None
    if not path.is_file():
        return None
    _add(state, path)
    return state.hexdigest()[:32]


def _add(state: Any, path: Path) -> None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        state.update(size.to_bytes(8, "little"))
        file.seek(0)
        state.update(file.read(HEAD))
        file.seek(max(0, size - TAIL))
        state.update(file.read(TAIL))


def noted(run: ProbeRun, digests: list[str], digest: str) -> list[str]:
    """Adds a checkpoint to those that the run lists; answers the list."""
    digests = [*[known for known in digests if known != digest][1 - MAX_DIGESTS :], digest]
    run.set_tags({TAG: " ".join(digests)})
    return digests


def finish(run: ProbeRun, trainer: Any) -> None:
    """Says which checkpoint was the best and why training stopped; keeps a copy of the best one."""
    log_scores(run, trainer)
    limit = float(run.setting("checkpoint_mb"))
    kept: set[str] = set()
    for number, callback in enumerate(trainer.checkpoint_callbacks[:MAX_KEPT]):
        path = str(vars(callback).get("best_model_path") or "")
        if path and path not in kept:
            kept.add(path)
            run.set_tags({f"best_checkpoint_{number + 1}" if number else "best_checkpoint": path})
            _keep(run, Path(path), limit)


def log_scores(run: ProbeRun, trainer: Any) -> None:
    """The best value of what checkpoints go by (``best_val_loss``), and the epoch at which training was stopped."""
    for callback in trainer.checkpoint_callbacks[:MAX_KEPT]:
        score, monitor = single(vars(callback).get("best_model_score")), vars(callback).get("monitor")
        if score is not None and monitor:
            run.log_metrics({f"best_{monitor}": score})
    for callback in trainer.early_stopping_callbacks:
        stopped = vars(callback).get("stopped_epoch")
        if stopped:
            run.log_metrics({"stopped_epoch": stopped})
            run.set_tags({"early_stopping": str(vars(callback).get("monitor"))})


def _keep(run: ProbeRun, path: Path, limit: float) -> None:
    size, _ = attempt(_size, path)
    if size is None or limit <= 0:
        return
    if size > limit * 1e6:
        run.note(
            f"{path.name} is not copied: it has {size / 1e6:,.0f} MB, and checkpoint_mb allows {limit:,.0f}; "
            f"it stays where Lightning wrote it, {path}"
        )
    elif run.afford("checkpoint"):
        run.log_artifact(path, f"checkpoints/{path.name}")


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
