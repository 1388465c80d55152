"""How the data of two runs differ: tables by what changed in them, files by their content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotrack.answers.story import Story
from autotrack.core.entities import DatasetRecord, FileRecord
from autotrack.core.guard import attempt

from .code import source_paths
from .difference import Findings

#: Sentences about one table that stand on a line.
_FEW = 3


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that both runs read and that had another content for each."""

    path: str
    a: FileRecord
    b: FileRecord

    def document(self) -> dict[str, Any]:
        return {"path": self.path, "a": self.a.sha256, "b": self.b.sha256}


def compare_inputs(a: Story, b: Story, data: Findings, files: Findings) -> None:
    """Finds what differs in the tables and the files that the runs read.

    A file that stands behind a table which changed is named with that table, and not once more among the files.
    """
    changed, appeared, gone = _compare_files(a, b, files)
    told = _compare_tables(a, b, changed, data)
    for file in changed:
        if file.path not in told:
            files.add(file.path, "its content changed", file.a.sha256, file.b.sha256)
    for path, each in appeared.items():
        files.add(path, "read by b only", None, each.sha256)
    for path, each in gone.items():
        files.add(path, "read by a only", each.sha256, None)


def _compare_tables(a: Story, b: Story, changed: Sequence[ChangedFile], findings: Findings) -> set[str]:
    """Compares data sets; answers the paths of the files that were named with one."""
    told: set[str] = set()
    for one, other in _matched(a.run.datasets, b.run.datasets):
        table = one if one is not None else other
        assert table is not None
        what = f"{table.name} ({table.context})" if table.context else table.name
        if one is None or other is None:
            findings.add(what, f"read by {'a' if other is None else 'b'} only", _table(one), _table(other))
            continue
        findings.compared = True
        if one.digest == other.digest:
            continue
        sentences, more, detail = _told_apart(a, b, one, other)
        behind = _behind(one, other, changed)
        if behind is not None:
            told.add(behind.path)
            sentences.append(f"read from {behind.path}, whose content changed")
            detail = {**detail, "file": behind.document()}
        findings.add(what, "; ".join(sentences), _table(one), _table(other), detail=detail or None, more=more)
    if not a.run.datasets and not b.run.datasets:
        findings.miss("the tables: neither run has one", "log them with `autotrack.log_dataset`")
    return told


def _matched(
    a: Sequence[DatasetRecord], b: Sequence[DatasetRecord]
) -> list[tuple[DatasetRecord | None, DatasetRecord | None]]:
    """Data sets of one name and context first, the rest of a context by their order."""
    pairs: list[tuple[DatasetRecord | None, DatasetRecord | None]] = []
    rest_b = list(b)
    rest_a = []
    for one in a:
        named = [other for other in rest_b if (other.context, other.name) == (one.context, one.name)]
        # Several of one name are several states of one table: those that are equal belong together.
        match = next((other for other in named if other.digest == one.digest), named[0] if named else None)
        if match is None:
            rest_a.append(one)
            continue
        rest_b.remove(match)
        pairs.append((one, match))
    for one in rest_a:
        match = next((other for other in rest_b if other.context == one.context), None)
        if match is not None:
            rest_b.remove(match)
        pairs.append((one, match))
    return [*pairs, *((None, other) for other in rest_b)]


def _told_apart(
    a: Story, b: Story, one: DatasetRecord, other: DatasetRecord
) -> tuple[list[str], list[str], dict[str, Any]]:
    """What differs between two tables in a few plain sentences, then column by column where those are not all; and the
    same as JSON where their fingerprints are kept."""
    print_a, print_b = a.document(one.fingerprint), b.document(other.fingerprint)
    if print_a is not None and print_b is not None:
        from autotrack.core.fingerprint import compare

        found, _ = attempt(compare, dict(print_a), dict(print_b))  # whatever an imported run says that its data were
        if found is not None:
            # A table of one column is named by itself.
            sentences = [sentence.removeprefix("the unnamed column: ") for sentence in found.sentences()]
            detail = {"difference": found.document()}
            if len(sentences) <= _FEW:
                return sentences, [], detail
            columns = found.of_columns()
            count = f"{len(columns):,} columns changed" if len(columns) > 1 else "1 column changed"
            return [*found.of_table(), count], [f"{name}: {text}" for name, text in columns], detail
    told: list[str] = []
    if one.kind != other.kind:
        told.append(f"{one.kind} → {other.kind}")
    if one.rows != other.rows:
        told.append(f"{one.rows} → {other.rows} rows")
    if dict(one.columns) != dict(other.columns):
        told.append(_columns_said(one.columns, other.columns))
    return told or ["its values differ, and which ones is not known"], [], {}


def _columns_said(a: Mapping[str, str], b: Mapping[str, str]) -> str:
    said = [
        *(f"column {name} added" for name in b if name not in a),
        *(f"column {name} removed" for name in a if name not in b),
        *(f"column {name}: {a[name]} → {b[name]}" for name in a if name in b and a[name] != b[name]),
    ]
    return ", ".join(said[:_FEW]) or "columns in another order"


def _behind(one: DatasetRecord, other: DatasetRecord, changed: Sequence[ChangedFile]) -> ChangedFile | None:
    """The changed file that a changed table came from: the one that it names, or the only one there is."""
    for source in (one.source, other.source):
        for file in changed:
            if source and (f"/{file.path}".endswith(f"/{source}") or f"/{source}".endswith(f"/{file.path}")):
                return file
    return changed[0] if len(changed) == 1 else None


def _table(data: DatasetRecord | None) -> dict[str, Any] | None:
    return None if data is None else {"name": data.name, "digest": data.digest, "rows": data.rows}


def _compare_files(
    a: Story, b: Story, findings: Findings
) -> tuple[list[ChangedFile], dict[str, FileRecord], dict[str, FileRecord]]:
    """Files that both read and that changed, that only b read, and that only a read; by their names."""
    files_a, files_b = _data_files(a), _data_files(b)
    if a.session is not None and b.session is not None:
        findings.compared = True
    changed: list[ChangedFile] = []
    for path in [path for path in files_a if path in files_b]:
        ours, theirs = files_a.pop(path), files_b.pop(path)
        contents_a = {file.sha256 for file in ours}
        contents_b = {file.sha256 for file in theirs}
        if contents_a == contents_b and None not in contents_a:
            continue
        if None in contents_a | contents_b:
            sizes = {file.size for file in ours} == {file.size for file in theirs}
            if sizes:
                findings.miss(f"{path}: its content is not known for both")
                continue
        changed.append(ChangedFile(path, ours[-1], theirs[-1]))
    only_a, only_b = ({path: some[-1] for path, some in each.items()} for each in (files_a, files_b))
    # The same content under another name is the same input.
    known_a, known_b = ([file.sha256 for file in story.read() if file.sha256] for story in (a, b))
    appeared = {path: file for path, file in only_b.items() if file.sha256 not in known_a}
    gone = {path: file for path, file in only_a.items() if file.sha256 not in known_b}
    return changed, appeared, gone


def _data_files(story: Story) -> dict[str, list[FileRecord]]:
    """Files that a run read, by their name as seen from the program's folder.

    Those that its code is known to consist of are compared as code. What else was read counts, whatever it is called: a
    program may have run it.
    """
    code = source_paths(story)
    own = {(file.path, file.sha256) for file in story.files if file.role == "written"}
    base = _base(story)
    found: dict[str, list[FileRecord]] = defaultdict(list)
    for file in story.read():
        if file.path not in code and (file.path, file.sha256) not in own:
            found[file.path.removeprefix(base)].append(file)
    return dict(found)


def files_read(story: Story) -> dict[str, str]:
    """The last content (sha256) of each data file that a run read, by its name as seen from the program's folder."""
    last = {path: files[-1].sha256 for path, files in _data_files(story).items()}
    return {path: content for path, content in last.items() if content}


def _base(story: Story) -> str:
    """The folder that a run's relative paths start from, with a slash at its end; empty where it is not known."""
    part = story.part("code") or {}
    folder = part.get("root") or (story.session.data.get("cwd") if story.session is not None else None)
    return f"{str(folder).rstrip('/')}/" if folder else ""
