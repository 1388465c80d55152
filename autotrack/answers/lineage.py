"""``lineage``: what something was made from, and what was made from it, across runs, by content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from autotrack.core.entities import DatasetRecord, FileRecord, ModelRecord, RunRecord

from .graph import Edge, Lineage, Node
from .model_files import chosen, contents_of
from .nodes import data_node, file_node, model_node, run_node
from .order import Order, latest, may_have_read
from .relations import AGAIN_TAG, Relations, is_handed, renamed
from .steps import REUSED_TAG
from .story import is_written_since

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

    from .subjects import Subject

#: Generations of runs that are followed in each direction where nothing else is asked for.
DEPTH = 3
#: Nodes beyond which nothing more is looked at, and files of one run that become nodes.
MOST_NODES = 2000
MOST_FILES = 200
#: What is empty is the same everywhere, and tells nothing.
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def trace(sink: Sink, subject: Subject, *, depth: int = DEPTH, again: bool = False) -> Lineage:
    """The lineage of what was asked about, ``depth`` generations of runs in each direction.

    Runs that a rebuild or a bisect made of others are left out unless ``again``: nothing new came of them.
    """
    walk = _Walk(sink, subject, again=again)
    for node, things in subject.things:
        walk.add(node)
        walk.things[node.id] = things
    for code, sessions in subject.code:
        walk.add(code)
        for node, _ in subject.things:
            walk.link(node.id, code.id, "in")
        walk.run_by[code.id] = sessions
    for run in subject.runs:
        walk.add_run(run)
    starts = [node.id for node, _ in subject.things]
    walk.up(subject.runs, starts, depth)
    walk.down(subject.runs, [*starts, *walk.run_by], depth)
    walk.say_what_is_left_out()
    ids = (*starts, *(f"run:{run.id}" for run in subject.runs))
    return Lineage(ids, walk.nodes, tuple(walk.edges), tuple(walk.notes), walk.complete)


class _Walk:
    """Gathers nodes and edges generation by generation, asking the store about all of a generation at once."""

    def __init__(self, sink: Sink, subject: Subject, *, again: bool) -> None:
        self.sink = sink
        self.again = again
        #: By node of code: the sessions that ran it.
        self.run_by: dict[str, frozenset[str]] = {}
        self._left_out: set[str] = set()
        self._relations = Relations(sink)
        self._order = Order(node.id for node, _ in subject.things)
        self.nodes: dict[str, Node] = {}
        self.edges: dict[Edge, None] = {}
        self.notes: dict[str, None] = dict.fromkeys(subject.notes)
        self.complete = True
        #: By node: the contents (sha256) that are this thing; empty for a data set, which is by its digest.
        self.things: dict[str, frozenset[str]] = {}
        self._files: dict[str, list[FileRecord]] = {}
        self._reads: dict[str, dict[FileRecord, None]] = {}
        self._of_session: dict[str, list[RunRecord]] = {}

    def add(self, node: Node) -> bool:
        """Adds a node; False where there are too many."""
        if node.id in self.nodes:
            return True
        if len(self.nodes) >= MOST_NODES:
            self.complete = False
            self.notes[f"there is more: {MOST_NODES:,} things are looked at, at most"] = None
            return False
        self.nodes[node.id] = node
        return True

    def add_run(self, run: RunRecord) -> bool:
        return self.add(run_node(run))

    def link(self, source: str, target: str, how: str) -> None:
        if source in self.nodes and target in self.nodes:
            self.edges[Edge(source, target, how)] = None

    # Upstream.

    def up(self, runs: Sequence[RunRecord], things: Sequence[str], depth: int) -> None:
        seen = {run.id for run in runs}
        for generation in range(depth + 1):
            found = [*things, *self._inputs(runs)]
            if generation == depth:
                return
            runs = [run for run in self._producers(found) + self._before(runs) if run.id not in seen]
            runs = list({run.id: run for run in runs}.values())
            seen.update(run.id for run in runs)
            things = []
            if not runs:
                return

    def _before(self, runs: Sequence[RunRecord]) -> list[RunRecord]:
        """Adds the runs that these stand for, or took something from, as their tags and params say; answers them."""
        found = []
        for run in runs:
            read = {file.sha256 for file in self._read_by(run)}
            for earlier, how in self._relations.before(run, read):
                if self.add_run(earlier):
                    self.link(f"run:{earlier.id}", f"run:{run.id}", how)
                    found.append(earlier)
        return found

    def _inputs(self, runs: Sequence[RunRecord]) -> list[str]:
        """Adds what went into runs; answers the nodes."""
        self._load(run.session for run in runs)
        reads = {run.id: self._read_by(run) for run in runs}
        models = self._models_of({file.sha256 for files in reads.values() for file in files if file.sha256})
        found: dict[str, None] = {}
        for run in runs:
            inside: set[str] = set()
            for owner, model in self._loaded(run, models):
                node = model_node(owner, model)
                if self.add(node):
                    self.things[node.id] = contents_of(owner, model)
                    inside |= self.things[node.id]
                    for file in reads[run.id]:
                        if file.sha256 in self.things[node.id]:
                            self._order.was_read(node.id, file)
                    self.link(node.id, f"run:{run.id}", "loaded")
                    found[node.id] = None
            for data in run.datasets:
                found.update(self._data(run, data))
            code = self._relations.code(run)
            if code is not None and self.add(code):
                self.link(code.id, f"run:{run.id}", "ran")
            outside = [file for file in reads[run.id] if file.sha256 not in inside]
            found.update(dict.fromkeys(self._add_files(run, outside, "read")))
        return list(found)

    def _data(self, run: RunRecord, data: DatasetRecord) -> dict[str, None]:
        node = data_node(data)
        if not data.digest or not self.add(node):
            return {}
        self.things[node.id] = frozenset()
        self.link(node.id, f"run:{run.id}", "used")
        return {node.id: None}

    def _producers(self, nodes: Iterable[str]) -> list[RunRecord]:
        """Adds the runs that things came from; answers them."""
        by_content = self._by_content(nodes)
        runs: dict[str, RunRecord] = {}
        contents = list(by_content)
        files = self.sink.files(contents=contents) if contents else []
        written = [file for file in files if file.role == "written" and not is_handed(file.path)]
        self._load(file.session for file in written)
        for file in written:
            for run in filter(self._counts, self._runs_that_wrote(file)):
                nodes = [node for node in by_content[file.sha256 or ""] if self._order.may_have_written(node, file)]
                if nodes:
                    runs[run.id] = run
                    self._link_all(nodes, run, "wrote")
        for run in self.sink.runs_with(contents=contents) if contents else []:
            for artifact in run.artifacts:
                for node in by_content.get(artifact.sha256, ()):
                    kind = self.nodes[node].kind
                    if kind == "model" and node not in {model_node(run, model).id for model in run.models}:
                        continue  # the same bytes in another model
                    if not self._order.may_have_written(node, run.started) or not self._counts(run):
                        continue
                    if is_handed(str(self.nodes[node].detail.get("path"))):
                        self.nodes[node] = renamed(self.nodes[node], f"runs:/{run.id[:8]}/{artifact.path}")
                    runs[run.id] = run
                    self._link_all([node], run, "made" if kind == "model" else "kept")
        return list(runs.values())

    # Downstream.

    def down(self, runs: Sequence[RunRecord], things: Sequence[str], depth: int) -> None:
        seen = {run.id for run in runs}
        for generation in range(depth + 1):
            found = [*things, *self._outputs(runs)]
            if generation == depth:
                return
            runs = [run for run in self._consumers(found) + self._behind(runs) if run.id not in seen]
            runs = list({run.id: run for run in runs}.values())
            seen.update(run.id for run in runs)
            things = []
            if not runs:
                return

    def _behind(self, runs: Sequence[RunRecord]) -> list[RunRecord]:
        """Adds the runs that stand for these, or took something from them; answers them."""
        found = []
        for run in runs:
            for later, how in self._relations.behind(run):
                read = {file.sha256 for file in self._read_by(later)} if how == "took" else set()
                if not (read & {file.sha256 for file in run.artifacts}) and self._counts(later) and self.add_run(later):
                    self.link(f"run:{run.id}", f"run:{later.id}", how)
                    found.append(later)
        return found

    def _outputs(self, runs: Sequence[RunRecord]) -> list[str]:
        """Adds what came out of runs: models and files, and artifacts that somebody has read."""
        self._load(run.session for run in runs)
        kept = {file.sha256 for run in runs for file in run.artifacts} - {_EMPTY}
        opened = self.sink.files(contents=sorted(kept)) if kept else []
        read = latest(file for file in opened if file.role == "read")
        found: dict[str, None] = {}
        for run in runs:
            for model in run.models:
                node = model_node(run, model)
                if self.add(node):
                    self.things[node.id] = contents_of(run, model)
                    self._order.was_written(node.id, run.started)
                    self.link(f"run:{run.id}", node.id, "made")
                    found[node.id] = None
            inside = tuple(f"{model.path}/" for model in run.models)
            for artifact in run.artifacts:
                seen = read.get(artifact.sha256)
                if seen and may_have_read(seen, run.started) and not (inside and artifact.path.startswith(inside)):
                    node = file_node(artifact.path, artifact.sha256, artifact.size)
                    if self.add(node):
                        self.things[node.id] = frozenset({artifact.sha256})
                        self._order.was_written(node.id, run.started)
                        self.link(f"run:{run.id}", node.id, "kept")
                        found[node.id] = None
            found.update(dict.fromkeys(self._add_files(run, self._written_by(run), "wrote")))
        return list(found)

    def _consumers(self, nodes: Iterable[str]) -> list[RunRecord]:
        """Adds the runs that things went into; answers them."""
        by_content = self._by_content(nodes)
        runs: dict[str, RunRecord] = {}
        contents = list(by_content)
        reads = [file for file in self.sink.files(contents=contents) if file.role == "read"] if contents else []
        self._load(file.session for file in reads)
        by_run: dict[str, set[str]] = defaultdict(set)
        for file in reads:
            wanted = [node for node in by_content[file.sha256 or ""] if self._order.may_have_read(node, file)]
            for run in filter(self._counts, self._runs_of(file.session) if wanted else ()):
                if file in self._read_by(run):
                    runs[run.id] = run
                    by_run[run.id].update(wanted)
        models = {node for found in by_run.values() for node in found if self.nodes[node].kind == "model"}
        known = self._models_of(contents) if models else []
        for run in list(runs.values()):
            self._link_to(sorted(by_run[run.id] - models), run, "read")
            loaded = {model_node(*each).id for each in self._loaded(run, known)} if by_run[run.id] & models else set()
            self._link_to(sorted(by_run[run.id] & loaded), run, "loaded")
        data = {node.removeprefix("data:"): node for node in nodes if node.startswith("data:")}
        for run in filter(self._counts, self.sink.runs_with(datasets=list(data)) if data else []):
            runs[run.id] = run
            self._link_to([data[each.digest] for each in run.datasets if each.digest in data], run, "used")
        for node in nodes:
            self._load(self.run_by.get(node, ()))
            for session in self.run_by.get(node, ()):
                for run in filter(self._counts, self._runs_of(session)):
                    runs[run.id] = run
                    self._link_to([node], run, "ran")
        linked = {edge.target for edge in self.edges}
        return [run for run in runs.values() if f"run:{run.id}" in linked]

    # What both directions need.

    def _counts(self, run: RunRecord) -> bool:
        """False for one that another was made again as; it is counted, and said."""
        if AGAIN_TAG not in run.tags or self.again or f"run:{run.id}" in self.nodes:
            return True
        self._left_out.add(run.id)
        return False

    def say_what_is_left_out(self) -> None:
        count = len(self._left_out)
        if count:
            said = (
                "1 run is left out that is another, made again"
                if count == 1
                else f"{count:,} runs are left out that are others, made again"
            )
            self.notes[f"{said} by rebuild or bisect (--full)"] = None

    def _by_content(self, nodes: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for node in nodes:
            for content in self.things.get(node, ()):
                if content != _EMPTY:
                    found[content].append(node)
        return found

    def _link_all(self, nodes: Iterable[str], run: RunRecord, how: str) -> None:
        if self.add_run(run):
            for node in nodes:
                if Edge(node, f"run:{run.id}", "read") not in self.edges:
                    self.link(f"run:{run.id}", node, how)

    def _link_to(self, nodes: Iterable[str], run: RunRecord, how: str) -> None:
        if self.add_run(run):
            for node in nodes:
                self.link(node, f"run:{run.id}", how)

    def _add_files(self, run: RunRecord, files: Sequence[FileRecord], how: str) -> list[str]:
        found = []
        for file in files[:MOST_FILES]:
            node = file_node(file.path, file.sha256, file.size)
            if self.add(node):
                self.things[node.id] = frozenset({file.sha256} - {None}) if file.sha256 else frozenset()
                (self._order.was_read if how == "read" else self._order.was_written)(node.id, file)
                self.link(*((node.id, f"run:{run.id}") if how == "read" else (f"run:{run.id}", node.id)), how)
                found.append(node.id)
        if len(files) > MOST_FILES:
            self.complete = False
            self.notes[f"run {run.id[:8]} {how} {len(files) - MOST_FILES:,} more files than are looked at"] = None
        return found

    def _load(self, sessions: Iterable[str | None]) -> None:
        """Reads the files and the runs of sessions that are not known yet."""
        new = [session for session in dict.fromkeys(sessions) if session is not None and session not in self._files]
        if not new:
            return
        self._files.update({session: [] for session in new})
        for file in self.sink.files(sessions=new):
            self._files[file.session].append(file)
        self._of_session.update({session: [] for session in new})
        every = self.sink.runs_with(sessions=new)
        ids = {run.id for run in every}
        for run in every:
            if run.session is not None and run.parent not in ids:  # the candidates of a search read what it read
                self._of_session[run.session].append(run)

    def _runs_of(self, session: str) -> list[RunRecord]:
        return self._of_session.get(session, [])

    def _read_by(self, run: RunRecord) -> dict[FileRecord, None]:
        """Files that were opened before the run ended, but for code and for what it wrote itself."""
        if REUSED_TAG in run.tags:
            return {}  # the session is that of the workflow
        if run.id not in self._reads:
            own = {(file.path, file.sha256) for file in self._written_by(run)}
            code = self._relations.code_among(run, [file.path for file in self._files.get(run.session or "", [])])
            self._reads[run.id] = {
                file: None
                for file in self._files.get(run.session or "", [])
                if file.role == "read"
                and (run.ended is None or file.first <= run.ended)
                and file.path not in code
                and (file.path, file.sha256) not in own
            }
            self._note_sharing(run)
        return self._reads[run.id]

    def _written_by(self, run: RunRecord) -> list[FileRecord]:
        """Files that were written after the run started."""
        return [file for file in self._files.get(run.session or "", []) if is_written_since(file, run.started)]

    def _runs_that_wrote(self, file: FileRecord) -> list[RunRecord]:
        return [run for run in self._runs_of(file.session) if is_written_since(file, run.started)]

    def _note_sharing(self, run: RunRecord) -> None:
        """Says where a file that the run may have read may as well be another run's of its session."""
        others = [other for other in self._runs_of(run.session or "") if other.id != run.id]
        if any(other.ended is None or file.first <= other.ended for other in others for file in self._reads[run.id]):
            self.notes[
                f"the runs of session {(run.session or '')[:8]} share the files that it opened: which run used one is "
                "known only where the others had ended before"
            ] = None

    def _models_of(self, contents: Iterable[str]) -> list[tuple[RunRecord, ModelRecord]]:
        """Models that have a file with one of those contents."""
        wanted = set(contents) - {_EMPTY}
        runs = self.sink.runs_with(contents=sorted(wanted)) if wanted else []
        return [(run, model) for run in runs for model in run.models if contents_of(run, model) & wanted]

    def _loaded(
        self, run: RunRecord, models: Iterable[tuple[RunRecord, ModelRecord]]
    ) -> list[tuple[RunRecord, ModelRecord]]:
        """Those of some models that a run has loaded: of runs that had begun when it read the files."""
        read = latest(self._read_by(run))
        there = [
            (owner, model)
            for owner, model in models
            if any(may_have_read(read[content], owner.started) for content in contents_of(owner, model) & read.keys())
        ]
        return chosen(there, set(read), self_of=run.id)
