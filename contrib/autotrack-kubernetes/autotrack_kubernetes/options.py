"""What the user tells Kubernetes, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrack.plugin import UsageError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_QUANTITY = r"[0-9]{1,9}(?:\.[0-9]{1,6})?(?:m|[kKMGTPE]i?)?"
_LINE = r"[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}"
_KINDS: Mapping[str, tuple[str, str]] = {
    "image": (r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,400}", "the name of an image"),
    "namespace": (_LABEL, "the name of a namespace"),
    "context": (_LINE, "the name of a context in the kubeconfig"),
    "kubeconfig": (_LINE, "the path of a kubeconfig"),
    "cpu": (_QUANTITY, "a quantity, such as 2 or 500m"),
    "memory": (_QUANTITY, "a quantity, such as 4Gi"),
    "gpus": (r"[0-9]{1,4}", "a number"),
    "service_account": (rf"{_LABEL}(?:\.{_LABEL})*", "the name of a service account"),
    "pull_secret": (rf"{_LABEL}(?:\.{_LABEL})*", "the name of a secret"),
    "tracking_uri": (_LINE, "the address of the store"),
    "keep": (r"[0-9]{1,8}", "a number of seconds"),
    "poll": (r"[0-9]{1,4}(?:\.[0-9]{1,3})?", "a number of seconds"),
}
_KEY = re.compile(r"(?:[a-z0-9.-]{1,200}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_WORD = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")


@dataclass(frozen=True, slots=True)
class Options:
    """``keep``: seconds for which a Job that has ended stays to be looked at. ``node_selector``: labels of nodes."""

    image: str
    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    cpu: str | None = None
    memory: str | None = None
    gpus: str | None = None
    service_account: str | None = None
    pull_secret: str | None = None
    tracking_uri: str | None = None
    keep: int = 86400
    poll: float = 2.0
    node_selector: Mapping[str, str] = field(default_factory=dict)


def read(config: Mapping[str, Any], image: str | None) -> Options:
    """The options; ``image`` is what the project asks for. UsageError for what Kubernetes must not be told."""
    said: dict[str, Any] = {} if image is None else {"image": image}
    for name, value in config.items():
        if name == "node_selector":
            said[name] = _labels(value)
            continue
        if name not in _KINDS:
            names = ", ".join(sorted([*_KINDS, "node_selector"]))
            raise UsageError(f"kubernetes takes no option {name!r:.60} here; it takes: {names}")
        said[name] = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    for name, value in said.items():
        if name in _KINDS and (value is None or not re.fullmatch(_KINDS[name][0], value)):
            raise UsageError(f"kubernetes's {name} must be {_KINDS[name][1]}, not {config.get(name, value)!r:.100}")
    if "image" not in said:
        raise UsageError("kubernetes needs an image; the project's docker_env has it, or -B image=NAME")
    for name, kind in (("keep", int), ("poll", float)):
        if name in said:
            said[name] = kind(said[name])
    if not 0.05 <= said.get("poll", 2.0) <= 3600:
        raise UsageError(f"kubernetes's poll must be seconds from 0.05 to 3600, not {said['poll']:g}")
    return Options(**said)


def _labels(said: Any) -> dict[str, str]:
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            said = None
    fits = isinstance(said, dict) and all(
        isinstance(key, str) and isinstance(value, str) and _KEY.fullmatch(key) and _WORD.fullmatch(value)
        for key, value in said.items()
    )
    if not fits:
        raise UsageError('kubernetes\'s node_selector must be an object of labels, such as {"pool": "gpu"}')
    return dict(said)
