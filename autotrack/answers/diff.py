"""``diff``: why two runs differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from autotrack.answers.story import Story, tell
from autotrack.core.gaps import Gap

from .code import compare_code
from .conditions import compare_arguments, compare_environments, compare_params, compare_seeds
from .difference import CAUSES, ORDER, OUTCOMES, Diff, Fact, Findings, Section
from .inputs import compare_inputs
from .outcomes import compare_artifacts, compare_metrics, compare_models, compare_status

if TYPE_CHECKING:
    from autotrack.core.entities import RunRecord
    from autotrack.core.sink import Sink


#: Endings of files that are code, wherever they were found.
_CODE = (".py", ".ipynb", ".pyx", ".sh")
#: What stands between the parts of a name.
_BETWEEN = re.compile(r"[\W_]+")


def compare_runs(sink: Sink, a: RunRecord, b: RunRecord) -> Diff:
    """What differs between two runs of a store, most telling first, and what could not be compared."""
    return compare_stories(tell(sink, a), tell(sink, b))


def compare_stories(a: Story, b: Story) -> Diff:
    """The same of two stories, which may be from different stores."""
    found = {name: Findings(name) for name in ORDER}
    compare_status(a.run, b.run, found["status"])
    compare_code(a, b, found["code"])
    compare_inputs(a, b, found["data"], found["files"])
    _join_data_in_the_repository(found["code"], found["data"], found["files"])
    compare_arguments(a, b, found["arguments"])
    compare_params(a, b, found["params"], found["arguments"])
    unseeded = compare_seeds(a, b, found["seeds"])
    compare_environments(a, b, found["environment"], found["hardware"])
    compare_metrics(a.run, b.run, found["metrics"])
    compare_models(a.run, b.run, found["models"])
    compare_artifacts(a.run, b.run, found["artifacts"])
    _follow_code(found["params"], found["code"])
    _follow_arguments(found["params"], found["arguments"])
    _weigh_unseeded(unseeded, found)
    unknown = [gap for findings in found.values() for gap in findings.unknown]
    unknown += [gap for story in (a, b) for gap in story.gaps() if gap.part in CAUSES]
    return Diff(
        a.run,
        b.run,
        tuple(Section(name, tuple(each.facts)) for name, each in found.items() if each.facts),
        tuple(name for name, each in found.items() if each.compared and not each.facts),
        tuple(dict.fromkeys(Gap(gap.part, gap.what, gap.close) for gap in unknown)),
    )


def _join_data_in_the_repository(code: Findings, data: Findings, files: Findings) -> None:
    """A data file that stands in the repository is found as code, too: it is named as data, with the lines (where
    several tables come from it, with the first of them). One that may be code is named as code."""
    for fact in list(code.facts):
        if fact.what.endswith(_CODE):
            files.facts = [other for other in files.facts if other.what != fact.what]
            continue
        for findings in (data, files):
            for at, other in enumerate(findings.facts):
                file = (other.detail or {}).get("file", {}).get("path") if findings is data else other.what
                if file == fact.what and fact in code.facts:
                    more = (*other.more, *fact.more)
                    text = _said_of_both(other.text, fact.text)
                    findings.facts[at] = replace(other, text=text, lines=fact.lines, more=more)
                    code.facts.remove(fact)


def _said_of_both(data: str, code: str) -> str:
    """What is said of a file as data and as code, in one sentence."""
    if code.startswith("differs"):
        return data + code.removeprefix("differs")
    return f"{data}; it is {code}" if code.startswith("not in") else "; ".join(filter(None, (data, code)))


def _follow_code(params: Findings, code: Findings) -> None:
    """Marks params that have changed as a changed line of the code says."""
    for at, fact in enumerate(params.facts):
        if fact.a is None or fact.b is None:
            continue
        for change in code.facts:
            if _says(change, "-", fact.what, fact.a) and _says(change, "+", fact.what, fact.b):
                params.facts[at] = replace(fact, text=f"{fact.text}   as {change.what} says", follows="code")
                break


def _follow_arguments(params: Findings, arguments: Findings) -> None:
    """Marks params that have changed as an argument of their name has, from the same value to the same."""
    for at, fact in enumerate(params.facts):
        if fact.follows is None and fact.a is not None and fact.b is not None:
            for argument in arguments.facts:
                for name, a, b in _values(argument):
                    if (fact.a, fact.b) == (a, b) and _is_same_name(fact.what, name):
                        named = "command line" if isinstance(argument.a, list) else f"argument {argument.what}"
                        params.facts[at] = replace(fact, text=f"{fact.text}   as the {named}", follows="arguments")


def _values(argument: Fact) -> list[tuple[str, object, object]]:
    """From which value to which an argument changed, with its name; of a whole command line, those that it names."""
    a, b = argument.a, argument.b
    if isinstance(a, list) and isinstance(b, list):
        one, other = _named_words(a), _named_words(b)
        return [(name, one[name], other[name]) for name in one if name in other]
    return [(argument.what, a, b)]


def _named_words(words: Sequence[object]) -> dict[str, str]:
    """The values that a command line gives by name: ``--depth 3``, ``--depth=3``, ``model.depth=3``."""
    found: dict[str, str] = {}
    texts = [str(word) for word in words]
    for at, word in enumerate(texts):
        name, given, value = word.partition("=")
        if given:
            found[name] = value
        elif word.startswith("-") and at + 1 < len(texts):
            found[name] = texts[at + 1]
    return found


def _is_same_name(one: str, other: str) -> bool:
    """True for names of which one is the other, or its last part: ``forest__max_depth``, ``max-depth`` and ``depth``.

    That two values changed alike says nothing by itself: small numbers do so by chance.
    """
    a, b = ("_" + _BETWEEN.sub("_", name.lower()).strip("_") for name in (one, other))
    return len(a) > 1 and len(b) > 1 and (a.endswith(b) or b.endswith(a))


def _says(change: Fact, sign: str, name: str, value: str) -> bool:
    """True where a removed (``-``) or added (``+``) line holds the name of a param and its value as words."""
    words = [rf"(?<![\w.]){re.escape(word)}(?![\w.])" for word in (name.rpartition("__")[2].rpartition(".")[2], value)]
    lines = [line[1:] for line in change.lines if line.startswith(sign)]
    return any(all(re.search(word, line) for word in words) for line in lines)


def _weigh_unseeded(names: list[str], found: dict[str, Findings]) -> None:
    """Generators that nobody seeded differ in every process: a cause only where there is no other, and something
    differs that came out."""
    explained = any(found[name].facts for name in CAUSES)
    differs = any(found[name].facts for name in OUTCOMES)
    looked_at = any(found[name].compared for name in ("metrics", "models", "artifacts"))
    if differs and not explained:
        for name in names:
            found["seeds"].add(f"{name} generator", "was not seeded: what is drawn from it differs in every process")
    elif names and (differs or not looked_at):
        which = f"{' and '.join(names)} {'generator was' if len(names) == 1 else 'generators were'}"
        what = f"the {which} not seeded, as far as is known, and begin elsewhere in every process"
        found["seeds"].miss(what, "seed them where a training draws from them")
