"""A model with what serves it, to be carried elsewhere: one zip file, or the context of a container."""

from __future__ import annotations
