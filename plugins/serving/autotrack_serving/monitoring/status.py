"""How a model does in production, beside how it did in training."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from .conditions import condition
from .reading import store_to_read
from .tags import ALERT_TAG, DIGEST_TAG, EXPERIMENT, NAME_TAG, RUN_TAG, SERVER_TAG, UNSEEN_TAG, URI_TAG
from .together import GOOD, farthest, together
from .unheard import unheard, without_store

if TYPE_CHECKING:
    from autotrack.plugin import RunRecord, Sink

#: Served runs of one model that are told of, the newest.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Served:
    """A server of a model, one that was or one that is; with the run that made the model, where the store knows it.

    ``run`` is the newest of its ``runs``: of each worker one.
    """

    runs: tuple[RunRecord, ...]
    trained: RunRecord | None

    @property
    def run(self) -> RunRecord:
        return self.runs[0]

    @property
    def metrics(self) -> dict[str, float]:
        """What was reported last, of all workers together."""
        return together(run.metrics for run in self.runs)

    @property
    def worst(self) -> list[tuple[str, float]]:
        """Columns of the inputs by how far they have moved (psi), the farthest first."""
        return farthest(self.metrics)

    @property
    def good(self) -> dict[str, float]:
        """How good the model is, by measure, where truth came back."""
        return {key.removeprefix(GOOD): value for key, value in self.metrics.items() if key.startswith(GOOD)}

    @property
    def unseen(self) -> dict[str, str]:
        """By column, the first values that training never saw."""
        return {
            key.removeprefix(UNSEEN_TAG): text
            for run in reversed(self.runs)
            for key, text in run.tags.items()
            if key.startswith(UNSEEN_TAG)
        }

    @property
    def alerts(self) -> list[str]:
        """The conditions of ``--alert-if`` that held when its workers reported last."""
        found = (run.tags.get(ALERT_TAG, "none") for run in self.runs)
        return sorted({each for text in found if text != "none" for each in text.split("; ")})

    @property
    def training(self) -> dict[str, float]:
        """Metrics of training that stand beside the ones of production."""
        if self.trained is None:
            return {}
        words = ("accuracy", "mae", "rmse", "mean_absolute_error", "root_mean_squared_error", "score")
        return {key: float(v) for key, v in self.trained.metrics.items() if any(word in key for word in words)}

    def document(self) -> dict[str, Any]:
        heard = self.run.ended or self.run.last_seen or self.run.started
        return {
            "run": self.run.id,
            "status": str(self.run.status),
            "model": self.run.tags.get(URI_TAG),
            "digest": self.run.tags.get(DIGEST_TAG),
            "trained_by": self.run.tags.get(RUN_TAG),
            "seconds_ago": round((time.time_ns() - heard) / 1e9, 1),
            "workers": len(self.runs),
            "metrics": self.metrics,
            "unseen": self.unseen,
            "alerts": self.alerts,
            "training": self.training,
        }


def served(what: str, store: str | None = None) -> list[Served]:
    """What is known of a model in production, the newest first: by its name, its URI, or the run that made it
    (NotFoundError)."""
    missing = without_store(what, store)  # asking makes none
    if missing is not None:
        raise missing
    with store_to_read(store) as sink:
        return _served(sink, what)


def _served(sink: Sink, what: str) -> list[Served]:
    name = re.split(r"[/@]", what.removeprefix("models:/"))[0] if what.startswith("models:/") else what
    told = any(each.name == EXPERIMENT for each in sink.experiments())
    every = sink.runs(f"tags.\"{NAME_TAG}\" != ''", experiments=[EXPERIMENT], max_results=1000) if told else []
    found = [
        run
        for run in every
        if what == run.tags.get(URI_TAG)
        or name == run.tags.get(NAME_TAG)
        or (len(what) >= 4 and run.tags.get(RUN_TAG, "").startswith(what.removeprefix("runs:/").partition("/")[0]))
    ]
    if not found:
        raise unheard(sink, what, name, every)
    servers: dict[str, list[RunRecord]] = {}
    for run in found:
        servers.setdefault(run.tags.get(SERVER_TAG, run.id), []).append(run)
    return [
        Served(tuple(runs), attempt(sink.run, runs[0].tags[RUN_TAG])[0] if RUN_TAG in runs[0].tags else None)
        for runs in list(servers.values())[:_MOST]
    ]


def breaks(text: str, one: Served) -> bool | None:
    """Whether a condition (``psi > 0.2``, ``production_accuracy < 0.9``, ``unseen/city > 0``) holds for what a server
    reported last; None where it has no such metric (UsageError where it is no condition)."""
    return condition(text).holds(one.metrics)
