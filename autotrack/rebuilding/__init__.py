"""Runs a run again from what was captured of it, and says whether the same came out.

``plan`` (of notebooks with ``notebooks``) reads what is known of a run, ``inputs`` and ``conditions`` check it before
anything runs (``surroundings``: the packages at hand beside those of the run; ``overwriting``: files that it would
write over), ``checkout`` puts the code into a fresh folder, with ``submodules``, ``running`` runs it there, ``pairing``
finds the run that stands for the original, ``comparing`` holds what came out against it (``artifacts``, ``written``),
looking into files with ``contents``, into an ``outcome``; ``keeping`` writes the verdict down; ``verifying`` is the
whole way. ``bisecting`` is the search for why a metric is another: ``factors`` are the differences to another run,
``swapping`` (with ``packages``) makes a run with some of them, ``trials`` runs it, ``minimising`` chooses which,
``searching`` is the run that says how far it is, ``bisection`` what it found. ``capsules`` finds what goes into an
archive of runs so that they can be rebuilt elsewhere.
"""

from __future__ import annotations

from .bisecting import bisect
from .bisection import Bisection
from .verdict import Kind, Verdict
from .verifying import rebuild

__all__ = ["Bisection", "Kind", "Verdict", "bisect", "rebuild"]
