"""Runs a run again from what was captured of it, and says whether the same came out."""

from __future__ import annotations
