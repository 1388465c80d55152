"""The laboratory of the engine's own tests, for contracts with real libraries."""

from __future__ import annotations

from tests.unit.probes.conftest import Lab, lab

__all__ = ["Lab", "lab"]
