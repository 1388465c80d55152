"""What production says of a model where people look for the model: on the run that made it, and on its version."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from autotrack.plugin import attempt, find_version, get_run, parse_model_uri

from .reading import store_to_read
from .tags import EXPERIMENT, SERVER_TAG
from .together import GOOD, TRUTHS, farthest, together

if TYPE_CHECKING:
    from autotrack.plugin import Sink

PREFIX = "production."
#: Seconds between two tellings: a report every ten seconds is read by nobody there.
EVERY = 60.0
#: How often it is looked whether another worker has told something else meanwhile.
_LOOKS = 3
#: Of what is told, besides how good the model is.
_DRIFT = ("psi", "ks", "unseen", "prediction_psi", "prediction_ks", "prediction_unseen")
_SCHEME = "models:/"


class Teller:
    """Keeps ``production.*`` tags up to date. What stands there already is not said again, whoever said it; what fails
    in one place is tried again there the next time. ``server`` is what the runs of its workers have in common, where it
    has several: each of them tells of all."""

    def __init__(self, run: str | None, uri: str, server: str = "") -> None:
        self._run = run
        self._uri = uri
        self._server = server
        self._version: tuple[str, int] | None = None
        self._good: dict[str, str] = {}
        self._tried = -EVERY

    def tell(self, metrics: Mapping[str, float], own: str | None = None, *, now: bool = False) -> None:
        """Says what the metrics of a report are, ``own`` being the run that they were reported to; ``now`` even where
        it was said a moment ago, and how good the model is always."""
        good = _good(metrics)
        if good == self._good and not now and time.monotonic() - self._tried < EVERY:
            return
        self._good, self._tried = good, time.monotonic()
        # Of two workers that tell at the same time the later one may have looked earlier. Both look again: whoever
        # does so last finds all that was reported.
        for _ in range(_LOOKS if self._server else 1):
            if not attempt(self._told, metrics, own)[0]:
                return

    def _told(self, metrics: Mapping[str, float], own: str | None) -> bool:
        """Whether there was anything to say that did not stand there."""
        with store_to_read() as sink:
            said = _tags(self._of_all(sink, metrics, own))
            on_run, _ = attempt(self._on_run, said)  # of a model that was carried here it may be known elsewhere only
            on_version, _ = attempt(self._on_version, sink, said)
        return bool(on_run or on_version)

    def _of_all(self, sink: Sink, metrics: Mapping[str, float], own: str | None) -> Mapping[str, float]:
        if not self._server:
            return metrics
        runs = sink.runs(f"tags.\"{SERVER_TAG}\" = '{self._server}'", experiments=[EXPERIMENT])
        return together([metrics, *(run.metrics for run in runs if run.id != own)])

    def _on_run(self, said: dict[str, str]) -> bool:
        if self._run is None:
            return False
        run = get_run(self._run)
        fresh = _fresh(said, run.tags)
        if fresh:
            run.set_tags(fresh)
        return bool(fresh)

    def _on_version(self, sink: Sink, said: dict[str, str]) -> bool:
        if not self._uri.startswith(_SCHEME):
            return False
        if self._version is None:  # an alias may move on; this server goes on with what it has loaded
            reference = parse_model_uri(self._uri)
            if reference.id is not None:
                return False
            found = find_version(sink.registry, reference)
            self._version = (found.name, found.version)
        else:
            found = sink.registry.version(*self._version)
        fresh = _fresh(said, found.tags)
        for key, text in fresh.items():
            sink.registry.set_version_tag(found.name, found.version, key, text)
        return bool(fresh)


def _fresh(said: Mapping[str, str], standing: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in said.items() if standing.get(key) != text}


def _good(metrics: Mapping[str, float]) -> dict[str, str]:
    truths = metrics.get(TRUTHS, 0)
    return {
        PREFIX + key.removeprefix(GOOD): f"{value:.4g} over {truths:,.0f} truths"
        for key, value in metrics.items()
        if key.startswith(GOOD) and truths
    }


def _tags(metrics: Mapping[str, float]) -> dict[str, str]:
    found = _good(metrics)
    worst = farthest(metrics)
    for key in _DRIFT:
        if key in metrics:
            column = f" ({worst[0][0]})" if key == "psi" and worst else ""
            found[PREFIX + key] = f"{metrics[key]:.3f}{column}"
    if metrics.get("rows"):
        found[PREFIX + "rows"] = f"{metrics['rows']:,.0f}"
    return found
