"""What the user tells Ray, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrack.plugin import UsageError

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:/[A-Za-z0-9._/-]*)?")
_OPTIONS = frozenset({"address", "num_cpus", "num_gpus", "memory", "resources", "pip", "poll"})
_RESOURCE = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^\x00-\x1f\x7f]{0,300}")


@dataclass(frozen=True, slots=True)
class Options:
    """``address`` is the dashboard's; the numbers are what the program's own process takes of the cluster."""

    address: str
    num_cpus: float | None = None
    num_gpus: float | None = None
    memory: int | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    pip: tuple[str, ...] = ()
    poll: float = 1.0


def read(config: Mapping[str, Any], address: str | None) -> Options:
    """The options; ``address`` is what the environment says. UsageError for what Ray must not be told."""
    unknown = sorted(set(config) - _OPTIONS)
    if unknown:
        raise UsageError(f"ray takes no option {unknown[0]!r:.60} here; it takes: {', '.join(sorted(_OPTIONS))}")
    said = config.get("address", address)
    if not (isinstance(said, str) and _ADDRESS.fullmatch(said)):
        raise UsageError(
            f"ray's address must be its dashboard's, such as http://head:8265, not {said!r:.100}; "
            "say it with -B address=..., or with RAY_API_SERVER_ADDRESS"
        )
    memory = _number(config, "memory")
    poll = _number(config, "poll")
    if poll is not None and not 0.05 <= poll <= 3600:
        raise UsageError(f"ray's poll must be seconds from 0.05 to 3600, not {poll:g}")
    return Options(
        said,
        _number(config, "num_cpus"),
        _number(config, "num_gpus"),
        None if memory is None else int(memory),
        _resources(config.get("resources", {})),
        _requirements(config.get("pip", ())),
        1.0 if poll is None else poll,
    )


def _number(config: Mapping[str, Any], name: str) -> float | None:
    if name not in config:
        return None
    value = config[name]
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e15:
        raise UsageError(f"ray's {name} must be a number, not {value!r:.60}")
    return number


def _resources(said: Any) -> dict[str, float]:
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            said = None
    if not isinstance(said, dict) or not all(isinstance(name, str) and _RESOURCE.fullmatch(name) for name in said):
        raise UsageError('ray\'s resources must be an object of numbers, such as {"tpu": 1}')
    return {name: _number(said, name) or 0.0 for name in said}


def _requirements(said: Any) -> tuple[str, ...]:
    words = said.split(",") if isinstance(said, str) else said
    if not isinstance(words, list | tuple) or not all(isinstance(w, str) and _REQUIREMENT.fullmatch(w) for w in words):
        raise UsageError(f"ray's pip must be a list of requirements, such as scikit-learn==1.5.0, not {said!r:.60}")
    return tuple(words)
