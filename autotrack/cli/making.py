"""What made a run, in a few lines: code, command, files, environment, seeds; and what of it is not known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from autotrack.answers.conditions import packages
from autotrack.answers.rebuildability import rebuildability
from autotrack.answers.story import Story
from autotrack.core.entities import FileRecord
from autotrack.core.guard import attempt

from .words import plural, size

#: Packages that are named, where they are there: those that decide what a training computes.
_TELLING = (
    *("torch", "lightning", "tensorflow", "jax", "keras", "transformers", "scikit-learn", "xgboost", "lightgbm"),
    *("catboost", "numpy", "pandas", "polars", "pyarrow"),
)
_FILES, _PACKAGES = 6, 4


def making_lines(story: Story, *, full: bool) -> list[tuple[str, str]]:
    """Labels and texts, from the most telling on; empty where nothing was captured. A label may be empty."""
    sections = (_code, _command, partial(_files, full=full), _environment, _machine, _seeds, _rebuild)
    # An imported run may say anything about itself: what is no such document is left out.
    return [line for section in sections for line in attempt(_all_of, section, story)[0] or ()]


def _all_of(section: Callable[[Story], Iterator[tuple[str, str]]], story: Story) -> list[tuple[str, str]]:
    return list(section(story))


def making_document(story: Story) -> dict[str, Any]:
    """The same for programs: the documents of the collectors as they are (docs/capture.md), the files, and the gaps."""
    parts = story.session.parts if story.session is not None else {}
    return {
        "program": dict(story.session.data) if story.session is not None else None,
        **{name: {key: value for key, value in part.items() if key != "gaps"} for name, part in parts.items()},
        "files": [
            {"path": file.path, "role": file.role, "size": file.size, "sha256": file.sha256, "partial": file.partial}
            for file in (*story.read(), *story.written())
        ],
        "rebuildability": rebuildability(story).document(),
        "not_captured": [gap.document() for gap in story.gaps()],
    }


def _code(story: Story) -> Iterator[tuple[str, str]]:
    code = story.part("code")
    if code is None:
        return
    entry, commit = str(code.get("entry") or ""), code.get("commit")
    sources = code.get("sources") or {}
    if code.get("kind") != "git":
        kept = f"{plural(len(sources), 'source file')} kept, no git" if sources else "no source file"
        yield "code", f"{entry}   {kept}"
        return
    branch = f" on {code['branch']}" if code.get("branch") else ", detached"
    yield "code", f"{entry}   commit {commit[:12]}{branch}" if isinstance(commit, str) else f"{entry}   no commit yet"
    if code.get("remote"):
        yield "", str(code["remote"])
    changed = code.get("diff_stat") or {}
    said = []
    if changed:
        counts = f"+{changed.get('insertions', 0)} -{changed.get('deletions', 0)}"
        said.append(f"{plural(int(changed.get('files', 0)), 'file')} changed since ({counts})")
    if sources:
        said.append(f"{plural(len(sources), 'file')} outside the commit kept")
    if code.get("dirty") is False:
        said.append("as committed")
    if said:
        yield "", ", ".join(said)


def _command(story: Story) -> Iterator[tuple[str, str]]:
    part = story.part("arguments") or (story.session.data if story.session is not None else {})
    words = part.get("argv")
    if isinstance(words, Sequence) and not isinstance(words, str) and words:
        yield "command", " ".join([PurePath(str(words[0])).name, *map(_quoted, words[1:])])


def _quoted(word: object) -> str:
    text = str(word)
    return text if re.fullmatch(r"[\w@%+=:,./*-]+", text) else json.dumps(text, ensure_ascii=False)


def _files(story: Story, full: bool) -> Iterator[tuple[str, str]]:
    root = str((story.part("code") or {}).get("root") or "")
    for label, files in (("read", story.read()), ("wrote", story.written())):
        shown = files if full else files[:_FILES]
        for number, file in enumerate(shown):
            yield "" if number else label, _file(file, root)
        if len(files) > len(shown):
            yield "", f"and {len(files) - len(shown)} more (--full)"


def _file(file: FileRecord, root: str) -> str:
    name = file.path.removeprefix(f"{root}/") if root else file.path
    digest = (file.sha256 or "").removeprefix("partial:")[:12] or "not hashed"
    return "   ".join(filter(None, (name, size(file.size or 0), digest, "(in part)" if file.partial else "")))


def _environment(story: Story) -> Iterator[tuple[str, str]]:
    part = story.part("environment")
    if part is None:
        return
    python = part.get("python") or {}
    versions = packages(story, part) or {}
    named = [f"{name} {versions[name]}" for name in _TELLING if name in versions][:_PACKAGES]
    count = int(part.get("distributions") or 0)
    yield "packages", ", ".join([f"Python {python.get('version')}", *named, f"{count} distributions in all"])


def _machine(story: Story) -> Iterator[tuple[str, str]]:
    part = story.part("environment")
    if part is None:
        return
    system, cpu = part.get("os") or {}, part.get("cpu") or {}
    said = [str(system.get("distribution") or system.get("system") or "")]
    said.append(f"{cpu.get('model') or cpu.get('machine')}, {plural(int(cpu.get('logical') or 0), 'core')}")
    if part.get("memory_bytes"):
        said.append(size(int(part["memory_bytes"])))
    said += [str(gpu.get("name")) for gpu in part.get("gpus") or () if isinstance(gpu, Mapping)]
    yield "machine", " · ".join(filter(None, said))


def _seeds(story: Story) -> Iterator[tuple[str, str]]:
    part = story.part("seeds") or {}
    said = []
    for name, value in part.items():
        if isinstance(value, Mapping):
            seeds = ", ".join(str(seed) for seed in value.get("seeds") or ())
            if seeds and name == "torch" and not value.get("seeded"):
                said.append(f"torch drew its seed {seeds} from the system")
            elif seeds or value.get("seeded"):
                said.append(f"{name} seeded {seeds}".rstrip())
            else:
                said.append(f"{name} not seeded{'' if value.get('seeded') is False else ', as far as is known'}")
    if said:
        kept = "; states at the start are kept" if story.run.random_state else ""
        yield "random", "; ".join(said) + kept


def _rebuild(story: Story) -> Iterator[tuple[str, str]]:
    if story.session is None:
        return
    found = rebuildability(story)
    holes = [f"{check.name} {'in part' if check.captured else 'missing'}" for check in found.checks if check.holes]
    said = f" ({', '.join(holes)})" if holes else ""
    verdict = story.run.tags.get("autotrack.rebuilt")
    other = story.run.tags.get("autotrack.rebuilt_as", "")[:8]
    yield "rebuild", f"{found.score} % of what it takes is known{said}"
    if verdict:
        where = story.run.tags.get("autotrack.rebuilt_in")
        yield "rebuilt", f"{verdict}{f' as {other}' if other else ''}{f'; environment {where}' if where else ''}"
