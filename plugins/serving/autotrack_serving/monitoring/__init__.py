"""What production says about a model: how it is used, how far its inputs have moved, how good it is."""

from __future__ import annotations
