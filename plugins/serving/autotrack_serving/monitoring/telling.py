"""What production says of a model where people look for the model: on the run that made it, and on its version."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing

from autotrack.plugin import attempt, find_store, find_version, get_run, open_sink, parse_model_uri

PREFIX = "production."
#: Seconds between two tellings: a report every ten seconds is read by nobody there.
EVERY = 60.0
#: Of what is told, besides how good the model is.
_DRIFT = ("psi", "ks", "unseen", "prediction_psi", "prediction_ks", "prediction_unseen")
_SCHEME = "models:/"


class Teller:
    """Keeps ``production.*`` tags up to date. Nothing is said twice, and what fails is tried again the next time."""

    def __init__(self, run: str | None, uri: str) -> None:
        self._run = run
        self._uri = uri
        self._version: tuple[str, int] | None = None
        self._said: dict[str, str] = {}
        self._told = -EVERY

    def tell(self, metrics: Mapping[str, float], worst: str, *, now: bool = False) -> None:
        """Says what the metrics of a report are, ``worst`` being the column that has moved farthest; ``now`` even where
        it was said a moment ago, and how good the model is always."""
        said = _tags(metrics, worst)
        fresh = {key: text for key, text in said.items() if self._said.get(key) != text}
        if not fresh or (time.monotonic() - self._told < EVERY and not now and not _is_truth(fresh)):
            return
        errors = [attempt(place, fresh)[1] for place in (self._on_run, self._on_version)]
        if None in errors:  # the run of a model that was carried here may be known elsewhere only
            self._said |= fresh
            self._told = time.monotonic()

    def _on_run(self, tags: dict[str, str]) -> None:
        if self._run is not None:
            get_run(self._run).set_tags(tags)

    def _on_version(self, tags: dict[str, str]) -> None:
        if not self._uri.startswith(_SCHEME):
            return
        with closing(open_sink(find_store().uri)) as sink:
            if self._version is None:  # an alias may move on; this server goes on with what it has loaded
                reference = parse_model_uri(self._uri)
                if reference.id is not None:
                    return
                found = find_version(sink.registry, reference)
                self._version = (found.name, found.version)
            for key, text in tags.items():
                sink.registry.set_version_tag(*self._version, key, text)


def _is_truth(tags: Mapping[str, str]) -> bool:
    return any(text.endswith("truths") for text in tags.values())


def _tags(metrics: Mapping[str, float], worst: str) -> dict[str, str]:
    found = {}
    truths = metrics.get("truths", 0)
    for key, value in metrics.items():
        if key.startswith("production_") and truths:
            found[PREFIX + key.removeprefix("production_")] = f"{value:.4g} over {truths:,.0f} truths"
    for key in _DRIFT:
        if key in metrics:
            column = f" ({worst})" if key == "psi" and worst else ""
            found[PREFIX + key] = f"{metrics[key]:.3f}{column}"
    if metrics.get("rows"):
        found[PREFIX + "rows"] = f"{metrics.get('rows', 0):,.0f}"
    return found
