"""A run of its own for each process that serves: what it answered, how fast, to which inputs, and how well."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autotrack.plugin import attempt, notify, run_for_another

from ..report import Report
from .conditions import condition
from .payloads import FILE
from .tags import ALERT_TAG, DIGEST_TAG, EXPERIMENT, NAME_TAG, RUN_TAG, SERVER_TAG, UNSEEN_TAG, URI_TAG
from .telling import Teller
from .together import GOOD, TRUTHS

if TYPE_CHECKING:
    from autotrack.plugin import Run

    from ..counting import Counts
    from ..observing import Observation, Recorder
    from ..request import Request
    from ..scorer import Scorer
    from .conditions import Condition
    from .payloads import Payloads
    from .reference import Reference
    from .truths import Truths
    from .watching import Watch

#: Seconds between two reports.
EVERY = 10.0


def recorders_of(request: Request, scorer: Scorer, counts: Counts) -> tuple[list[Recorder], Truths]:
    """What records the requests to a model that is reported on, and what joins truths with its answers (UsageError)."""
    from .ledger import ledger_of
    from .payloads import Payloads
    from .reference import reference_of
    from .watching import Watch

    names = scorer.intake.names
    alerts = [condition(text) for text in request.alert_if]
    payloads = Payloads(request.log_payloads, request.redact, names) if request.log_payloads else None
    truths = ledger_of(scorer.model.digest, alone=request.workers == 1)
    reference = reference_of(scorer.model)
    watch = Watch(reference, names, request.redact)
    reporter = Reporter(scorer, reference, watch, truths, counts, payloads, request.server, alerts)
    return [reporter, truths], truths  # in this order they are closed: the last report tells of truths


class Reporter:
    """Records observations (``observing.Recorder``). The run begins with the first of them."""

    def __init__(
        self,
        scorer: Scorer,
        reference: Reference,
        watch: Watch,
        truths: Truths,
        counts: Counts,
        payloads: Payloads | None = None,
        server: str = "",
        alerts: Sequence[Condition] = (),
    ) -> None:
        self.scorer = scorer
        self.reference = reference
        self.watch = watch
        self.truths = truths
        self.counts = counts
        self.payloads = payloads
        self.server = server
        self.alerts = alerts
        self._held: tuple[str, ...] = ()
        self._named: dict[str, str] = {}
        self._teller = Teller(reference.run, scorer.uri, server)
        self._truths_before = attempt(lambda: truths.count)[0] or 0
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
        attempt(self.watch.take, observations)
        if self.payloads is not None:
            attempt(self.payloads.take, observations)
        self.tick()

    def tick(self) -> None:
        """Reports, if it is time to."""
        if time.monotonic() - self._reported >= EVERY:
            self.report()

    def close(self) -> None:
        self.report(last=True)
        if self._run is not None:
            self._run.end("FINISHED", None, 0)

    def report(self, *, last: bool = False) -> None:
        """Writes down how things stand, and tells whoever wants to hear of it."""
        passed = max(time.monotonic() - self._reported, 1e-3)
        self._reported = time.monotonic()
        if self._run is None and not self._requests:
            self._tell_of_truths(last)
            return
        run = self._run or self._begin()
        found = self._found(passed)
        run.log_metrics(found, self._step)
        self._step += 1
        if self.payloads is not None and self.payloads.is_new:
            run.log_text(self.payloads.text(), FILE)
        holds = tuple(each.text for each in self.alerts if each.holds(found))
        self._tag(run, holds)
        self._teller.tell(found, run.id, now=last)
        report = Report(
            name=self.scorer.name,
            uri=self.scorer.uri,
            digest=self.scorer.model.digest,
            trained_by=self.reference.run,
            run=run.id,
            metrics=found,
            unseen=self.watch.unseen(),
            holds=holds,
            began=tuple(text for text in holds if text not in self._held),
        )
        self._held = holds
        attempt(notify, "production_reported", report=report)

    def _found(self, passed: float) -> dict[str, float]:
        found: dict[str, float] = {"requests": float(self._requests), "rows": float(self._rows)}
        if self._seconds:
            found["requests_per_second"] = len(self._seconds) / passed
            found["p50_ms"], found["p99_ms"] = (float(v) * 1e3 for v in np.percentile(self._seconds, (50, 99)))
            self._seconds.clear()
        failed = sum(count for (_, status), count in list(self.counts.requests.items()) if status >= 500)
        refused = sum(count for (_, status), count in list(self.counts.requests.items()) if 400 <= status < 500)
        found |= {"failed": float(failed), "refused": float(refused)}
        found |= attempt(self._moved)[0] or {}
        known, _ = attempt(self._truths)
        return found | (known or {})

    def _moved(self) -> dict[str, float]:
        """How far inputs and answers have moved, of all workers together: each of them has few rows for so long."""
        counts = self.watch.counts()
        if self.server:
            parts, _ = attempt(self.truths.shared, self.server, counts.tobytes())
            counts = sum(map(np.frombuffer, parts)) if parts else counts
        return self.watch.measures(counts) | self.watch.standing(counts)

    def _truths(self) -> dict[str, float]:
        count = self.truths.count
        good = {f"{GOOD}{name}": value for name, value in self.truths.measures().items()}
        return {**good, TRUTHS: float(count)} if count else good

    def _tell_of_truths(self, last: bool) -> None:
        """Nobody asked, but truths came that belong to answers of an earlier server."""
        found = attempt(self._truths)[0] or {}
        if found.get(TRUTHS, 0.0) > self._truths_before:
            self._teller.tell(found, now=last)

    def _tag(self, run: Run, holds: tuple[str, ...]) -> None:
        named = {UNSEEN_TAG + column: ", ".join(names) for column, names in self.watch.unseen().items()}
        if holds or self._held:
            named[ALERT_TAG] = "; ".join(holds) or "none"
        fresh = {key: text for key, text in named.items() if self._named.get(key) != text}
        if fresh:
            self._named |= fresh
            run.set_tags(fresh)

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
