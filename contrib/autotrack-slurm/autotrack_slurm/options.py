"""What the user tells Slurm, as words of sbatch's command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from autotrack.plugin import UsageError

#: Options of sbatch that say what a job needs and when. Those that say what is run, with what variables, or where its
#: output goes are this backend's own.
ALLOWED = frozenset(
    "account begin comment constraint cores-per-socket cpus-per-gpu cpus-per-task deadline dependency exclude "
    "exclusive gpus gpus-per-node gpus-per-task gres hint licenses mail-type mail-user mem mem-per-cpu mem-per-gpu "
    "nice nodelist nodes ntasks ntasks-per-node partition priority qos reservation requeue signal "
    "switches threads-per-core time tmp wckey".split()
)
#: Those that take no value: ``true`` switches them on.
FLAGS = frozenset({"exclusive", "requeue"})
#: What this backend itself is told.
OWN = frozenset({"folder", "poll"})
_VALUE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}")
_JOB_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def words_for(config: Mapping[str, Any]) -> list[str]:
    """``--partition=gpu`` and so on; UsageError for what sbatch must not be told, or not so."""
    words = []
    for name, value in config.items():
        if name in OWN:
            continue
        if name not in ALLOWED:
            raise UsageError(f"slurm takes no option {name!r:.60} here; it takes: {', '.join(sorted(ALLOWED | OWN))}")
        if isinstance(value, bool) or (name in FLAGS and value in ("true", "false")):
            if name not in FLAGS:
                raise UsageError(f"slurm's {name} must be text or a number, not {value}")
            words += [f"--{name}"] if value in (True, "true") else []
            continue
        text = str(value) if isinstance(value, str | int | float) else ""
        if not _VALUE.fullmatch(text):
            raise UsageError(f"slurm's {name} must be one line of text or a number, not {value!r:.60}")
        words.append(f"--{name}={text}")
    return words


def job_name(name: str) -> str:
    """A project's name as the name of a job: letters, digits, dots, dashes."""
    return _JOB_NAME.sub("-", name).strip("-")[:60] or "project"


def output_pattern(path: str) -> str:
    """A path where sbatch expects a pattern; UsageError where none says it."""
    if "\\" in path or "\n" in path:
        raise UsageError(f"slurm cannot write into {path!r:.200}, because of its name; say another with -B folder=PATH")
    return path.replace("%", "%%")
