"""Where things come from and go to, as a graph, and how it reads: what went in above, what came of it below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .difference import Line

#: The number of the JSON document's format.
FORMAT = 1
#: Branches of one node that are drawn where not everything is asked for.
_FEW = 12


@dataclass(frozen=True, slots=True)
class Node:
    """A run, file, model, data set or code. ``id`` is its kind and what it is by: a run's id, a content's digest."""

    id: str
    kind: str
    label: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "label": self.label, **self.detail}


@dataclass(frozen=True, slots=True)
class Edge:
    """Something that flowed from ``source`` to ``target``. ``how``: read, loaded, used, wrote, kept or made; of code
    ran, and in (a file in it); of runs reused (the target stands for the source), and took, which only a param says."""

    source: str
    target: str
    how: str

    def document(self) -> dict[str, Any]:
        return {"from": self.source, "to": self.target, "how": self.how}


#: What is said before a node that is reached along an edge, by the edge's ``how``.
_DOWNWARDS = {
    "read": "read by",
    "loaded": "loaded by",
    "used": "used by",
    "ran": "run by",
    "in": "part of",
    "took": "taken up by",
    "reused": "reused by",
}
_UPWARDS = {"wrote": "written by", "made": "made by", "kept": "kept by", "took": "took from", "reused": "stands for"}


@dataclass(frozen=True, slots=True)
class Lineage:
    """What something was made from, and what was made from it. ``str()`` is the tree that the command line draws."""

    #: Ids of the nodes that were asked about.
    subject: tuple[str, ...]
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    #: What a reader must know: contents that a file had before, what the runs of one session share, what is left out.
    notes: tuple[str, ...] = ()
    #: False where there is more than was looked at.
    complete: bool = True

    def document(self) -> dict[str, Any]:
        """Everything as JSON: ``lineage`` is the format's number; edges point the way that data went."""
        return {
            "lineage": FORMAT,
            "subject": list(self.subject),
            "nodes": [node.document() for node in self.nodes.values()],
            "edges": [edge.document() for edge in self.edges],
            "notes": list(self.notes),
            "complete": self.complete,
        }

    def lines(self, *, full: bool = False) -> Iterator[Line]:
        """The tree, line by line: upstream above what was asked about, downstream below."""
        for at, subject in enumerate(self.subject):
            if at:
                yield Line("", "empty")
            above = list(_Tree(self, full, up=True).below(subject))
            yield from (Line(text, kind) for text, kind in reversed(above))
            yield Line(self._said(subject), "title")
            yield from (Line(text, kind) for text, kind in _Tree(self, full, up=False).below(subject))
        if self.notes:
            yield Line("", "empty")
            yield from (Line(note, "note") for note in self.notes)

    def __str__(self) -> str:
        return "\n".join(line.text.rstrip() for line in self.lines(full=True))

    def _said(self, node: str) -> str:
        found = self.nodes[node]
        return f"{found.kind} {found.label}"


class _Tree:
    """Draws one direction. A node is opened once: where it comes again, it is named and its branches are not."""

    def __init__(self, lineage: Lineage, full: bool, *, up: bool) -> None:
        self.lineage = lineage
        self.full = full
        # Upstream is drawn from the subject upwards, so the last branch is the topmost.
        self.corner = "┌" if up else "└"
        self.words = _UPWARDS if up else _DOWNWARDS
        self.where = "its origin is drawn below" if up else "what came of it is drawn above"
        self.opened: set[str] = set()
        self._next: dict[str, list[tuple[str, str]]] = {}
        for edge in lineage.edges:
            near, far = (edge.target, edge.source) if up else (edge.source, edge.target)
            self._next.setdefault(near, []).append((far, edge.how))

    def below(self, root: str) -> Iterator[tuple[str, str]]:
        """Lines with their kind, from the root outwards. Not recursive: a chain may be as long as a store."""
        self.opened.add(root)
        waiting = self._waiting("", root)
        while waiting:
            rail, last, node, how = waiting.pop()
            corner = self.corner if last else "├"
            if not node:
                yield f"{rail}{corner} {how}", "note"
                continue
            again = node in self.opened
            self.opened.add(node)
            mark = f"  ({self.where})" if again and node in self._next else ""
            said = f"{self.words.get(how, how)} {self.lineage._said(node)}"
            yield f"{rail}{corner} {said}{mark}", self.lineage.nodes[node].kind
            if not again:
                waiting += self._waiting(f"{rail}{'  ' if last else '│ '}", node)

    def _waiting(self, rail: str, node: str) -> list[tuple[str, bool, str, str]]:
        """The branches of a node with what is drawn before them, the last one first, as a stack wants them."""
        branches = self._branches(node)
        return [(rail, at == len(branches) - 1, *branch) for at, branch in enumerate(branches)][::-1]

    def _branches(self, node: str) -> list[tuple[str, str]]:
        """The next nodes; those that lead further first."""
        found = sorted(self._next.get(node, ()), key=lambda branch: branch[0] not in self._next)
        if self.full or len(found) <= _FEW:
            return found
        return [*found[:_FEW], ("", f"and {len(found) - _FEW:,} more (--full)")]
