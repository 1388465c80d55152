"""The whole way from a run to a verdict."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.answers.steps import REUSED_TAG
from autotrack.answers.story import Story, tell
from autotrack.core.entities import RunRecord, Status
from autotrack.core.errors import NotFoundError, UsageError
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt, warn

from .checkout import check_out
from .comparing import compare_outcomes
from .conditions import Conditions, check, interpreter_for
from .folders import fresh_folder
from .holes import open_gaps
from .inputs import put_inputs
from .keeping import AS, VERDICT, keep
from .notebooks import plan_in
from .outcome import Outcome
from .overwriting import overwritten, refused
from .pairing import counterpart
from .plan import Plan
from .running import TAG, Finished, run_again
from .surroundings import Environment, Standing
from .verdict import Kind, Verdict

if TYPE_CHECKING:
    from autotrack.answers.difference import Diff, Fact
    from autotrack.core.sink import Sink

#: Relative difference of two numbers up to which a result is within tolerance.
TOLERANCE = 1e-6
#: What may be why a result is another; the arguments are the same by themselves, but for where files lie.
_CAUSES = ("code", "data", "files", "seeds", "environment", "hardware")
#: The last lines of a failing program that are shown.
_LAST = 15
#: Environments in which a run is made again: as they were, or but for what does not matter.
_ENOUGH = (Standing.SAME, Standing.EQUIVALENT)

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """``env``: ``auto`` (this environment where it is the same, else one that is built), ``local`` or ``venv``.
    ``data`` maps where files were to where they are now. ``keep`` leaves the fresh folder there. ``overwrite`` lets the
    program write over files outside the fresh folder. ``leave_out``: metrics and columns that are not compared."""

    env: str = "auto"
    data: Mapping[str, str] | None = None
    tolerance: float = TOLERANCE
    keep: bool = False
    overwrite: bool = False
    leave_out: tuple[str, ...] = ()


def rebuild(
    run: str | os.PathLike[str],
    *,
    env: str = "auto",
    data: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
    keep: bool = False,
    overwrite: bool = False,
    leave_out: Iterable[str] = (),
    tracking_uri: str | None = None,
) -> Verdict:
    """Runs a run again from what was captured of it, in a fresh folder, and compares what comes out.

    ``run``: a run's id (or its beginning), ``runs:/...``, ``models:/...``, a file of a model, which is known by its
    content, or a file that ``autotrack runs export`` wrote, which is taken in first. ``tolerance`` is the relative
    difference up to which numbers count as close. ``leave_out`` names metrics and columns that are not compared, for
    they tell times. Without ``overwrite``, nothing runs that would write over files outside the fresh folder. The new
    run is in the same store, tagged ``autotrack.rebuild_of``. NotFoundError where there is no such run.
    """
    from contextlib import closing

    from autotrack.core.config import find_store
    from autotrack.core.plugins.registry import open_sink
    from autotrack.core.runs.trackers import tracker_to_read

    if tracking_uri is None:
        current = tracker_to_read()
        current.catch_up()
        uri = current.location.uri
    else:
        uri = find_store(tracking_uri).uri
    with closing(open_sink(uri)) as sink:
        record = first_of(sink, find_run(sink, os.fspath(run), Path.cwd()))
        return rebuild_in(sink, uri, record, Options(env, data, tolerance, keep, overwrite, tuple(leave_out)))


def find_run(sink: Sink, what: str, folder: Path) -> RunRecord:
    """The run that is meant: itself, the one that made a model or a file, or the one that an archive is about, which is
    taken in (NotFoundError, ArchiveError)."""
    from autotrack.answers.subjects import find

    from .capsules import is_archive, take_in

    if is_archive(folder / what):
        return take_in(sink, folder / what)

    subject = find(sink, what, folder)
    if subject.runs:
        return subject.runs[0]
    contents = sorted({content for _, things in subject.things for content in things})
    nodes = {str(node.detail.get("uri", "")).removeprefix("runs:/").partition("/")[0] for node, _ in subject.things}
    makers = [run for run in sink.runs_with(contents=contents) if run.models or run.artifacts] if contents else []
    named = [run for run in makers if run.id in nodes]
    chosen = sorted(named or makers, key=lambda run: (TAG in run.tags, run.started))
    if not chosen:
        raise NotFoundError(f"no run here is known to have made {what}; name a run (autotrack runs list)")
    return chosen[0]


def first_of(sink: Sink, record: RunRecord) -> RunRecord:
    """The run that this one is a rebuild of, where it is one and that is here: what a rebuild was made from lay in a
    folder of its own, which is gone. Of a workflow's step that was not run again, the run that it stands for. Else the
    run itself, also one of a bisect, in which things were swapped."""
    of = record.tags.get(TAG, "").partition(".")[0]
    # Of the runs that a program makes, the one that was compared has the verdict; of which run it is, AS says.
    if not of or VERDICT not in record.tags or AS in record.tags:
        of = record.tags.get(REUSED_TAG, "")
    if not of:
        return record
    first, _ = attempt(sink.run, of)
    return first if first is not None and first.id != record.id else record


def rebuild_in(
    sink: Sink,
    uri: str,
    record: RunRecord,
    options: Options,
    say: Tell = lambda text: None,
) -> Verdict:
    """The verdict on a run of a store; ``say`` is told the stage: code, environment, data, run, compare."""
    if options.env not in ("auto", "local", "venv"):
        raise UsageError(f"env should be auto, local or venv, not {options.env!r}")
    verdict = _verdict(sink, uri, record, options, say)
    _, error = attempt(keep, uri, verdict)
    if error is not None:
        warn(f"the verdict is not written on the runs: {error}")
    return verdict


def _verdict(sink: Sink, uri: str, record: RunRecord, options: Options, say: Tell) -> Verdict:
    began = time.monotonic()
    story = tell(sink, record)
    plan = plan_in(sink, story)
    if isinstance(plan, Gap):
        return _cannot(record, story, [plan])
    conditions = check(story)
    if conditions.problems:
        return _cannot(record, story, list(conditions.problems), conditions)
    say("environment")
    interpreter = interpreter_for(story, conditions, options.env, enough=_ENOUGH)
    if isinstance(interpreter, Gap):
        none = Environment(Standing.IMPOSSIBLE, whole=interpreter.what.removeprefix(f"{Standing.IMPOSSIBLE} "))
        return _cannot(record, story, [interpreter], replace(conditions, environment=none))
    found = interpreter.environment or conditions.environment
    conditions = replace(conditions, environment=found, unknown=(*conditions.unknown, *interpreter.unknown))
    held = fresh_folder(record.id)
    fresh = held.path
    stays = options.keep
    try:
        say("code")
        missing: list[Gap] = []
        problems = check_out(plan, fresh, missing)
        say("data")
        inputs = put_inputs(plan, sink, fresh, options.data or {})
        problems += inputs.problems
        problems += [] if options.overwrite else overwritten(plan)
        if problems:
            return _cannot(record, story, problems, conditions, missing)
        say("run")
        token = f"{record.id}.{int(time.time() * 1000):x}"
        finished = run_again(plan, interpreter, uri, fresh, inputs.moved, token, overwrite=options.overwrite)
        problems = refused(fresh)
        if problems:
            return _cannot(record, story, problems, conditions)
        say("compare")
        places = {new: old for old, new in inputs.moved.items()} | plan.originals(fresh)
        verdict = _judge(
            sink, uri, record, plan, conditions, fresh, places, token, finished, options, [*inputs.unknown, *missing]
        )
        stays = stays or not verdict
        return _with(verdict, str(fresh) if stays else None, time.monotonic() - began)
    finally:
        if stays:
            held.release()
        else:
            held.remove()


def _judge(
    sink: Sink,
    uri: str,
    record: RunRecord,
    plan: Plan,
    conditions: Conditions,
    fresh: Path,
    places: Mapping[str, str],
    token: str,
    finished: Finished,
    options: Options,
    unknown: list[Gap],
) -> Verdict:
    from autotrack.answers.diff import compare_runs
    from autotrack.core.config import find_store

    sink.deliver(find_store(uri).journal)
    made = counterpart(sink, plan.story, token)
    gaps = (*conditions.unknown, *unknown, *open_gaps(plan.story))
    # A program that fails early has made a run of itself, perhaps. Names of chance differ in each process.
    if made is None or (finished.code and not made.metrics and made.name != record.name):
        last = finished.last_lines(_LAST)
        said = f"the program ended with exit code {finished.code}, before it made this run"
        problem = Gap("run", said, "\n".join(last))
        return Verdict(
            Kind.IMPOSSIBLE,
            record.id,
            record.name,
            environment=conditions.environment,
            problems=(problem,),
            unknown=gaps,
        )
    found = compare_outcomes(sink, record, made, options.tolerance, places, options.leave_out, plan, fresh)
    if not found.came_out and not found.differences:
        what = "it ran again, and nothing that came out can be compared: it logs, keeps, writes and prints nothing"
        problem = Gap("run", what, "Log what it comes to, or print it")
        return Verdict(
            Kind.IMPOSSIBLE,
            record.id,
            record.name,
            made.id,
            conditions.environment,
            left_out=tuple(found.left_out),
            problems=(problem,),
            unknown=gaps,
        )
    kind = kind_of(found)
    causes = _needed(compare_runs(sink, record, made).only(_CAUSES)) if kind is Kind.DIFFERENT else None
    failed: tuple[Gap, ...] = ()
    if kind is Kind.DIFFERENT and finished.code and record.status is Status.FINISHED:
        said = f"the program ended with exit code {finished.code}, and did not before"
        failed = (Gap("run", said, "\n".join(finished.last_lines(_LAST))),)
    return Verdict(
        kind,
        record.id,
        record.name,
        made.id,
        conditions.environment,
        compared=tuple(found.compared),
        differences=tuple(found.differences),
        left_out=tuple(found.left_out),
        causes=causes,
        problems=failed,
        unknown=gaps,
    )


def kind_of(found: Outcome) -> Kind:
    if found.differences:
        return Kind.CLOSE if all(each.within for each in found.differences) else Kind.DIFFERENT
    return Kind.PART if found.in_part else Kind.IDENTICAL


def _needed(diff: Diff) -> Diff:
    """The comparison without packages that are here besides, of which the program had no need, and without what is
    the rebuild's own: cells of a notebook are run by another program than a kernel."""
    sections = [
        replace(section, facts=tuple(fact for fact in section.facts if _matters(section.name, fact)))
        for section in diff.sections
    ]
    return replace(diff, sections=tuple(section for section in sections if section.facts))


def _matters(section: str, fact: Fact) -> bool:
    if section == "environment":
        return fact.a is not None
    return not (section == "code" and fact.what == "entry" and fact.a == "notebook")


def _cannot(
    record: RunRecord,
    story: Story,
    problems: list[Gap],
    conditions: Conditions | None = None,
    unknown: Sequence[Gap] = (),
) -> Verdict:
    here = conditions.environment if conditions is not None else None
    return Verdict(
        Kind.IMPOSSIBLE,
        record.id,
        record.name,
        environment=here,
        problems=tuple(problems),
        unknown=(*unknown, *open_gaps(story)),
    )


def _with(verdict: Verdict, folder: str | None, seconds: float) -> Verdict:
    return replace(verdict, folder=folder, seconds=seconds)
