"""Runs a run again from what was captured of it, and says whether the same came out.

``plan`` reads what is known of a run, ``inputs`` and ``conditions`` check it before anything runs, ``checkout`` puts
the code into a fresh folder, ``running`` runs it there, ``comparing`` holds what came out against the original;
``verifying`` is the whole way.
"""

from __future__ import annotations

from .verdict import Kind, Verdict
from .verifying import rebuild

__all__ = ["Kind", "Verdict", "rebuild"]
