"""A run of its own for each process that serves: what it answered, how fast, to which inputs, and how well."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autotrack.plugin import attempt, get_run, run_for_another

from .payloads import FILE
from .reference import Drift, Reference

if TYPE_CHECKING:
    from autotrack.plugin import Run

    from ..counting import Counts
    from ..observing import Observation
    from ..scorer import Scorer
    from .payloads import Payloads
    from .truths import Truths

EXPERIMENT = "serving"
#: Tags of a run that tells of a served model: its digest, its name, the run that made it, where it came from.
DIGEST_TAG, NAME_TAG = "autotrack.serves", "autotrack.serves.name"
RUN_TAG, URI_TAG = "autotrack.serves.run", "autotrack.serves.uri"
#: What the runs of the workers of one server have in common.
SERVER_TAG = "autotrack.serves.server"
#: Seconds between two reports.
EVERY = 10.0
#: Rows that are looked at in each half second.
MOST_ROWS = 5000


class Reporter:
    """Records observations (``observing.Recorder``). The run begins with the first of them."""

    def __init__(
        self,
        scorer: Scorer,
        reference: Reference,
        truths: Truths,
        counts: Counts,
        payloads: Payloads | None = None,
        server: str = "",
    ) -> None:
        self.scorer = scorer
        self.reference = reference
        self.truths = truths
        self.counts = counts
        self.payloads = payloads
        self.server = server
        self._told = 0  # rows whose truth the run that made the model has been told of
        names = scorer.intake.names
        self._at = {str(name): at for at, name in enumerate(names)} if names is not None else None
        self._drifts = [Drift(column) for column in reference.columns]
        self._seconds: list[float] = []
        self._rows = 0
        self._requests = 0
        self._run: Run | None = None
        self._step = 0
        self._reported = time.monotonic()

    def record(self, observations: Sequence[Observation]) -> None:
        for one in observations:
            self._requests += 1
            self._rows += one.rows.count
            self._seconds.append(one.seconds)
        self._add([one.rows for one in observations])
        if self.payloads is not None:
            attempt(self.payloads.take, observations)
        self.tick()

    def _add(self, rows: list[Any]) -> None:
        """All rows of a column at once: numpy costs the same for one as for a thousand. Of many, every so manieth."""
        stride = -(-sum(each.count for each in rows) // MOST_ROWS)
        for at, drift in enumerate(self._drifts):
            parts = [self._column(each, drift.column.name, at) for each in rows]
            there = [part for part in parts if part is not None]
            if there:
                attempt(drift.add, np.concatenate([part[::stride] for part in there]))

    def tick(self) -> None:
        """Reports, if it is time to."""
        if time.monotonic() - self._reported >= EVERY:
            self.report()

    def close(self) -> None:
        self.report()
        if self._run is not None:
            self._run.end("FINISHED", None, 0)

    def report(self) -> None:
        """Writes down how things stand."""
        passed = max(time.monotonic() - self._reported, 1e-3)
        self._reported = time.monotonic()
        if self._run is None and not self._requests:
            return
        run = self._run or self._begin()
        found: dict[str, float] = {"requests": float(self._requests), "rows": float(self._rows)}
        if self._seconds:
            found["requests_per_second"] = len(self._seconds) / passed
            found["p50_ms"], found["p99_ms"] = (float(v) * 1e3 for v in np.percentile(self._seconds, (50, 99)))
            self._seconds.clear()
        failed = sum(count for (_, status), count in list(self.counts.requests.items()) if status >= 500)
        refused = sum(count for (_, status), count in list(self.counts.requests.items()) if 400 <= status < 500)
        found |= {"failed": float(failed), "refused": float(refused)}
        shifts = {drift.column.name: drift.measures() for drift in self._drifts if drift.rows}
        for name, measures in shifts.items():
            found |= {f"{measure}/{name}": value for measure, value in measures.items()}
        for measure in ("psi", "ks"):
            values = [measures[measure] for measures in shifts.values() if measure in measures]
            if values:
                found[measure] = max(values)
        found |= {f"production_{name}": value for name, value in self.truths.measures().items()}
        if self.truths.count:
            found["truths"] = float(self.truths.count)
        run.log_metrics(found, self._step)
        if self.payloads is not None and self.payloads.is_new:
            run.log_text(self.payloads.text(), FILE)
        if self.reference.run is not None and self.truths.count > self._told:
            self._told = self.truths.count
            attempt(self._tell, self.reference.run)
        self._step += 1

    def _tell(self, run_id: str) -> None:
        """The run that made the model says how good it turned out to be."""
        measures = self.truths.measures()
        said = {f"production.{name}": f"{value:.4g} over {self._told:,} truths" for name, value in measures.items()}
        get_run(run_id).set_tags(said)

    def _begin(self) -> Run:
        tags: dict[str, Any] = {
            DIGEST_TAG: self.scorer.model.digest,
            NAME_TAG: self.scorer.name,
            URI_TAG: self.scorer.uri,
            RUN_TAG: self.reference.run,
            SERVER_TAG: self.server or None,
        }
        self._run = run_for_another(
            f"serving {self.scorer.name}", EXPERIMENT, {key: value for key, value in tags.items() if value is not None}
        )
        return self._run

    def _column(self, rows: Any, name: str, at: int) -> Any:
        if rows.kind == "matrix" and rows.data.ndim == 2:
            place = self._at.get(name) if self._at is not None else at
            return rows.data[:, place] if place is not None and place < rows.data.shape[1] else None
        if rows.kind == "columns":
            return rows.data.get(name)
        return rows.data[name] if hasattr(rows.data, "columns") and name in rows.data.columns else None
