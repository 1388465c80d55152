"""Runs a run again from what was captured of it, and says whether the same came out.

``plan`` (of notebooks with ``notebooks``) reads what is known of a run, ``inputs`` and ``conditions`` check it before
anything runs, ``checkout`` puts the code into a fresh folder, ``running`` runs it there, ``comparing`` holds what came
out against the original, looking into files with ``contents``; ``keeping`` writes the verdict down;
``verifying`` is the whole way. ``bisecting`` swaps one difference to another run at a time (``factors``).
``capsules`` finds what goes into an archive of runs so that they can be rebuilt elsewhere.
"""

from __future__ import annotations

from .bisecting import Bisection, bisect
from .verdict import Kind, Verdict
from .verifying import rebuild

__all__ = ["Bisection", "Kind", "Verdict", "bisect", "rebuild"]
