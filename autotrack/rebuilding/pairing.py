"""Which run of the new program stands where the original stood in its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from autotrack.answers.relations import AGAIN_TAG
from autotrack.answers.story import Story
from autotrack.core.entities import RunRecord
from autotrack.core.runs.names import run_name

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: Runs of one session that are looked at.
_MOST = 10_000


def counterpart(sink: Sink, story: Story, token: str) -> RunRecord | None:
    """The run of the new program, whose runs' tag is ``token``, that stands where the original stood in its own; None
    where the program has not come that far."""
    made = sorted(sink.runs(f"tags.\"{AGAIN_TAG}\" = '{token}'", max_results=_MOST), key=_began)
    if not made:
        return None
    session = made[0].session
    everyone = sink.runs_with(sessions=[session]) if session else [run for run in made if run.session == session]
    siblings = sink.runs_with(sessions=[story.run.session]) if story.run.session else [story.run]
    return paired(story.run, siblings, everyone)


def paired(run: RunRecord, siblings: Sequence[RunRecord], everyone: Sequence[RunRecord]) -> RunRecord | None:
    """Of ``everyone`` the one that is what ``run`` is among ``siblings``: threads may start theirs in another order, so
    what runs are called, what they were given and what they are part of goes before when they began."""
    known, here = {each.id: each for each in siblings}, {each.id: each for each in everyone}
    way = [run]
    while way[-1].parent in known and len(way) < _MOST:
        way.append(known[str(way[-1].parent)])
    found: RunRecord | None = None
    for each in reversed(way):  # from the top down
        among = [one for one in siblings if _parent(one, known) == _parent(each, known)]
        there = [one for one in everyone if _parent(one, here) == (found.id if found is not None else None)]
        found = _twin(each, among, there)
        if found is None:  # what a launcher started is below the launcher's run there, and at the top here
            return _twin(run, siblings, everyone)
    return found


def _parent(run: RunRecord, known: Mapping[str, RunRecord]) -> str | None:
    return run.parent if run.parent in known else None


def _twin(run: RunRecord, among: Iterable[RunRecord], there: Iterable[RunRecord]) -> RunRecord | None:
    """Pairs those that have most in common first, and equals by when they began."""
    ours, theirs = sorted(among, key=_began), sorted(there, key=_began)
    for key in _KEYS:
        places: dict[object, list[RunRecord]] = defaultdict(list)
        for each in theirs:
            places[key(each)].append(each)
        left = []
        for each in ours:
            same = places[key(each)]
            if same and each.id == run.id:
                return same[0]
            if same:
                same.pop(0)
            else:
                left.append(each)
        ours, theirs = left, sorted((each for rest in places.values() for each in rest), key=_began)
    return None


def _began(run: RunRecord) -> tuple[int, str]:
    return run.started, run.id


def _called(run: RunRecord) -> str | None:
    """The name that somebody gave a run; None for one of chance."""
    return run.name if run.name != run_name(run.id) else None


def _params(run: RunRecord) -> object:
    """With the last part of each path: the folders are others."""
    return tuple(sorted((key, value.rpartition("/")[2]) for key, value in run.params.items()))


def _given(run: RunRecord) -> object:
    return _params(run), tuple(sorted((data.context, data.digest) for data in run.datasets))


_KEYS: tuple[Callable[[RunRecord], object], ...] = (
    lambda run: (_called(run), _given(run)),
    lambda run: (_called(run), _params(run)),
    _called,
    lambda run: None,
)
