"""Predictions for files: read in chunks, written in the same order, in memory that does not grow with the file."""

from __future__ import annotations
