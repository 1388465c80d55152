"""What an environment is to hold, as a value: equal requests have equal keys, and share an environment."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

#: Part of every key: environments that another version of the builder made differently are built anew.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Request:
    """What asks for an environment, read and resolved: no file is looked at any more.

    ``kind`` is ``"requirements"``, ``"python_env"``, ``"conda"``, ``"pyproject"``, ``"lock"`` or ``"distributions"``.
    ``requirements`` and ``constraints`` are lines as pip reads them, with absolute paths; ``first`` is installed before
    them (a python_env's build_dependencies). ``exact``: these and no dependencies of theirs. ``python`` is a version
    (``"3.11"``, ``"3.11.7"``) or None for the one that runs. ``conda`` is the text of a conda.yaml, for a conda that is
    there. ``left_out`` says, a sentence each, what was asked for and will not be in it. ``sources`` is the sha256 of
    what local folders and files among the requirements hold.
    """

    kind: str
    requirements: tuple[str, ...] = ()
    python: str | None = None
    first: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    exact: bool = False
    conda: str | None = None
    left_out: tuple[str, ...] = ()
    sources: str | None = None

    def key(self, *builder: str) -> str:
        """The name of the environment that answers this request; ``builder`` tells machines and Pythons apart."""
        asked = {name: value for name, value in asdict(self).items() if name not in ("kind", "left_out")}
        content = json.dumps([FORMAT, asked, builder], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]
