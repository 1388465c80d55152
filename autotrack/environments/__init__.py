"""Builds Python environments from what asks for them, once for each content, and keeps them for the next."""

from __future__ import annotations
