"""Answers across runs: why two differ, and what came from where."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from autotrack.core.wire import plain

from ..calls import Call
from ..routing import Of, Permission, Role, Table
from . import forms
from .permissions import READ_RUN, SEARCH
from .visible import visible

ROUTES = Table("/api/v1")


class Two(forms.Query):
    """Two runs, by their ids or the beginnings of them."""

    a: forms.Reference
    b: forms.Reference


@ROUTES.get("/diff", Permission(Role.VIEWER, Of.RUN, ("a", "b")), query=Two, answer=forms.Entity)
def diff(call: Call) -> Any:
    """Why two runs differ, most telling first, and what could not be compared."""
    from autotrack.answers.diff import compare_runs

    sink = visible(call)
    return plain(compare_runs(sink, sink.run(call.query.a), sink.run(call.query.b)).document())


class Subject(forms.Query):
    """``subject``: a run's id, ``runs:/<run>/<path>``, a content's sha256, a data set's name or digest, a path that
    some session opened; ``depth``: generations of runs."""

    subject: forms.Reference
    depth: Annotated[int, Meta(ge=0, le=20)] = 3


@ROUTES.get("/lineage", SEARCH, query=Subject, answer=forms.Entity)
def lineage(call: Call) -> Any:
    """What something was made from and what was made from it, across runs, by content."""
    from autotrack.answers.lineage import trace
    from autotrack.answers.subjects import find

    sink = visible(call)
    return plain(trace(sink, find(sink, call.query.subject, None), depth=call.query.depth).document())


@ROUTES.get("/runs/{run}/rebuildability", READ_RUN, answer=forms.Entity)
def rebuildability_of(call: Call) -> Any:
    """How far a run can be made again, in percent, by what is known of its making, and how to close each hole."""
    from autotrack.answers.rebuildability import rebuildability
    from autotrack.answers.story import tell

    sink = visible(call)
    return plain(rebuildability(tell(sink, sink.run(call.path["run"]))).document())


@ROUTES.get("/runs/{run}/workflow", READ_RUN, answer=forms.Entity)
def workflow(call: Call) -> Any:
    """The runs inside a run as steps, with what each took from which other; of a step, the workflow that it is in."""
    from autotrack.answers.steps import workflow_of

    sink = visible(call)
    return plain(workflow_of(sink, sink.run(call.path["run"])).document())
