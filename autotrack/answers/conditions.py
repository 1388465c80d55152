"""How the conditions of two runs differ: arguments, params, random generators, environment, hardware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autotrack.answers.story import Story
from autotrack.core.guard import attempt
from autotrack.core.session.arguments import runs_cells

from .code import source_texts
from .difference import Findings
from .imports import distributions_of, imported_in

#: What an environment's document holds of the machine. The rest is software.
_HARDWARE = ("cpu", "memory_bytes", "gpus", "gpu_driver")
#: Where an interpreter lies, what compiled it, and where runs are recorded tells nothing of what it computes.
_BESIDE_THE_POINT = frozenset(
    {"lock", "distributions", "gaps", "python.executable", "python.compiler", "blas", "gpus"}  # the last two: in parts
)
#: What tells one card or library from the next of its kind, and what it is by.
_OF_A_PIECE = frozenset({"uuid", "internal_api", "user_api", "name"})
_CALLED = {"num_threads": "threads", "memory_bytes": "memory"}
#: Where generators that nobody seeded began.
BY_CHANCE = frozenset({"start", "numpy.entropy", "numpy.drawn", "numpy.unseeded"})
_LONGEST = 80


def compare_arguments(a: Story, b: Story, findings: Findings) -> None:
    """Finds arguments that differ: those that the program parsed by name, else the words of the command line."""
    part_a, part_b = a.part("arguments"), b.part("arguments")
    if part_a is None or part_b is None:
        findings.miss("the arguments of both were not captured")
        return
    findings.compared = True
    parsed_a, parsed_b = flat(part_a.get("parsed")), flat(part_b.get("parsed"))
    if parsed_a or parsed_b:
        compare_values(parsed_a, parsed_b, findings)
    if findings.facts:
        return
    words_a, words_b = _words(part_a), _words(part_b)
    if words_a != words_b and not (runs_cells(words_a) and runs_cells(words_b)):
        # The program's name, or what else comes before the first that differs, says where one is.
        same = next((at for at, (a, b) in enumerate(zip(words_a, words_b, strict=False)) if a != b), None)
        shown = max((min(len(words_a), len(words_b)) if same is None else same) - 1, 0)
        text = f"{_line(words_a[shown:])} → {_line(words_b[shown:])}"
        findings.add("command line", text, words_a, words_b)


def compare_params(a: Story, b: Story, findings: Findings, known: Findings) -> None:
    """Finds params that differ, but for those that are an argument of that name and are named there (``known``)."""
    findings.compared = True
    named = [(f"{prefix}{fact.what}", fact.a, fact.b) for fact in known.facts for prefix in ("", "args.")]
    params_a, params_b = a.run.params, b.run.params
    told = [key for key in {**params_a, **params_b} if (key, params_a.get(key), params_b.get(key)) not in named]
    compare_values(
        {key: params_a[key] for key in told if key in params_a},
        {key: params_b[key] for key in told if key in params_b},
        findings,
    )


def compare_seeds(a: Story, b: Story, findings: Findings) -> list[str]:
    """Finds out whether the random generators were seeded alike, and stood alike when the runs started.

    Answers the generators that nobody seeded, or not visibly, and that stood elsewhere: those do in every process, and
    whether the training drew from them is not known.
    """
    part_a, part_b = a.part("seeds") or {}, b.part("seeds") or {}
    if part_a and part_b:
        findings.compared = True
        compare_values(_seeding(part_a), _seeding(part_b), findings)
    state_a, state_b = a.run.random_state, b.run.random_state
    if state_a is None or state_b is None:
        findings.miss("the states of the random generators were not kept for both")
        return []
    findings.compared = True
    if state_a == state_b:
        return []
    unseeded = []
    other_seeds = {fact.what.partition(".")[0] for fact in findings.facts}
    for name in _moved(a, b, findings):
        if name in other_seeds:
            continue  # seeded otherwise, it stands elsewhere
        both = [part.get(name) for part in (part_a, part_b)]
        if all(isinstance(each, Mapping) and each.get("seeded") is True for each in both):
            findings.add(f"{name} generator", "was seeded, and stood elsewhere when the runs started", state_a, state_b)
        else:
            unseeded.append(name)
    return unseeded


def _seeding(part: Mapping[str, Any]) -> dict[str, str]:
    """What the program did about its generators; where they began by chance is another place in each process."""
    return {key: value for key, value in _without_gaps(part).items() if key not in BY_CHANCE}


def _moved(a: Story, b: Story, findings: Findings) -> list[str]:
    """Names of the generators whose states differ."""
    contents = [story.content(story.run.random_state) for story in (a, b)]
    states = [attempt(states_in, content)[0] for content in contents if content is not None]
    if len(states) < 2 or None in states:
        findings.miss("the states of the random generators differ, and are not at hand to say which")
        return []
    one, other = (state or {} for state in states)
    return [name for name in sorted({**one, **other}) if one.get(name) != other.get(name)]


def states_in(content: bytes) -> dict[str, tuple[object, bytes]]:
    """The state of each generator in a kept object (see ``core.session.random_state``)."""
    from autotrack.core.session import random_state

    return {name: (head.get("gauss"), words) for name, (head, words) in random_state.states_in(content).items()}


def compare_environments(a: Story, b: Story, environment: Findings, hardware: Findings) -> None:
    """Finds packages, settings and parts of the machine that differ."""
    part_a, part_b = a.part("environment"), b.part("environment")
    if part_a is None or part_b is None:
        environment.miss("the environments of both were not captured")
        return
    environment.compared = hardware.compared = True
    _compare_packages(a, b, part_a, part_b, environment)
    _compare_parts("blas", part_a.get("blas"), part_b.get("blas"), environment)
    soft_a, hard_a = _halves(part_a)
    soft_b, hard_b = _halves(part_b)
    compare_values(soft_a, soft_b, environment)
    _compare_parts("gpus", part_a.get("gpus"), part_b.get("gpus"), hardware)
    compare_values(hard_a, hard_b, hardware)
    host_a, host_b = (story.session.data.get("host") if story.session else None for story in (a, b))
    if hardware.facts and host_a != host_b:
        hardware.add("host", f"{host_a} → {host_b}", host_a, host_b)


def _compare_packages(
    a: Story, b: Story, part_a: Mapping[str, Any], part_b: Mapping[str, Any], findings: Findings
) -> None:
    if part_a.get("lock") == part_b.get("lock"):
        return
    packages_a, packages_b = packages(a, part_a), packages(b, part_b)
    if packages_a is None or packages_b is None:
        findings.add("packages", "differ, and which ones is not known", part_a.get("lock"), part_b.get("lock"))
        return
    differing = [name for name in {**packages_a, **packages_b} if packages_a.get(name) != packages_b.get(name)]
    used: set[str] = set()
    if len(differing) > 1:
        used = distributions_of(imported_in(text for story in (a, b) for text in source_texts(story)), differing)
    for names in (used, set(differing) - used):  # what the program imports itself is likelier to be why
        before = len(findings.facts)
        ours, theirs = ({name: each[name] for name in names if name in each} for each in (packages_a, packages_b))
        compare_values(ours, theirs, findings)
        if names is used and len(used) < len(differing):
            for at, fact in enumerate(findings.facts[before:], before):
                findings.facts[at] = replace(fact, text=f"{fact.text}   which the program imports")


def _compare_parts(name: str, a: object, b: object, findings: Findings) -> None:
    """Compares lists of libraries or cards, the first of a kind with the first of that kind, and so on."""
    one, other = (_by_kind(each) for each in (a, b))
    said: dict[tuple[str, str], tuple[Any, Any]] = {}
    for kind in sorted({**one, **other}):
        ours, theirs = one.get(kind, []), other.get(kind, [])
        what = f"{name} {kind}".rstrip()
        if len(ours) != len(theirs):
            said[what, f"{len(ours) or 'none'} → {len(theirs) or 'none'}"] = len(ours), len(theirs)
        for left, right in zip(ours, theirs, strict=False):
            changed = [key for key in sorted({**left, **right}) if left.get(key) != right.get(key)]
            text = ", ".join(f"{_CALLED.get(key, key)} {left.get(key)} → {right.get(key)}" for key in changed)
            if text:
                said[what, text] = {key: left.get(key) for key in changed}, {key: right.get(key) for key in changed}
    for (what, text), (left, right) in said.items():
        findings.add(what, text, left, right)


def _by_kind(found: object) -> dict[str, list[dict[str, Any]]]:
    """Libraries or cards by what they are, without what is another for each piece of one kind."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for each in found if isinstance(found, Sequence) and not isinstance(found, str) else ():
        if isinstance(each, Mapping):
            kind = str(each.get("internal_api") or each.get("name") or "")
            facts = {str(key): value for key, value in each.items() if key not in _OF_A_PIECE}
            kinds.setdefault(kind, []).append(facts)
    return kinds


def packages(story: Story, part: Mapping[str, Any]) -> dict[str, str] | None:
    """Versions of the distributions that were installed, by name; None where they are not known."""
    from autotrack.core.session.environment import lock_of

    found, _ = attempt(lock_of, part, story.objects)  # whatever an imported run says that its environment was
    return found


def _halves(part: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    values = {
        key: value
        for key, value in flat(part).items()
        if key not in _BESIDE_THE_POINT and not key.startswith("variables.AUTOTRACK_")
    }
    hard = {key: value for key, value in values.items() if key.partition(".")[0] in _HARDWARE}
    return {key: value for key, value in values.items() if key not in hard}, hard


def compare_values(a: Mapping[str, str], b: Mapping[str, str], findings: Findings) -> None:
    """Adds a fact for each name whose value is not the same, in the order of names."""
    for key in sorted({**a, **b}):
        left, right = a.get(key), b.get(key)
        if left == right:
            continue
        if left is None:
            text = f"only in b: {_clipped(right)}"
        elif right is None:
            text = f"only in a: {_clipped(left)}"
        else:
            text = f"{_clipped(left)} → {_clipped(right)}"
        findings.add(key, text, left, right)


def flat(value: object, prefix: str = "") -> dict[str, str]:
    """A document as texts by dotted names; lists are one text. {} for what is no mapping."""
    return dict(_flat(value, prefix, 0)) if isinstance(value, Mapping) else {}


def _flat(value: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if name == "gaps":
            continue
        if isinstance(item, Mapping) and depth < 8:
            yield from _flat(item, f"{name}.", depth + 1)
        elif isinstance(item, list | tuple):
            texts = [_said(each) for each in item]
            # Parts of a machine are found in any order; words of a command line are in theirs.
            yield name, ", ".join(sorted(texts) if any(isinstance(each, Mapping) for each in item) else texts)
        elif item is not None:
            yield name, _said(item)


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(_said(each) for each in value.values() if each is not None)
    return str(value)


def _without_gaps(part: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in flat(part).items() if not key.startswith("gaps")}


def _words(part: Mapping[str, Any]) -> list[str]:
    found = part.get("argv")
    return [str(word) for word in found] if isinstance(found, Sequence) and not isinstance(found, str) else []


def _line(words: Sequence[str]) -> str:
    return _clipped(" ".join(words))


def _clipped(text: object) -> str:
    """A value short enough for a line; an empty one is seen."""
    words = str(text)
    if not words:
        return '""'
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
