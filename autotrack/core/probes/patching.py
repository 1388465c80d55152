"""Declarations of what to watch: ``Patch`` and ``Family``. (Installing them: ``installer.py``.)"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal

Nested = Literal["skip", "join", "child", "beside"]
Probe = Callable[[Any, Any], Generator[None, None, None]]


@dataclass(frozen=True, slots=True)
class Patch:
    """Watches one function or method.

    ``target`` is ``"module:attribute.path"``; ``also`` are further places where the same function is bound
    (``xgboost.sklearn:train``). ``probe`` is a generator function ``probe(call, run)`` with exactly one ``yield``.
    ``nested`` says what happens inside another watched call: ``"skip"`` (the default: only the outermost call is
    watched), ``"join"`` (watched, logging to the outer call's run) or ``"child"`` (watched, with a child run).
    ``versions`` is the tested range of the target's distribution, as a PEP 440 specifier.
    """

    target: str
    probe: Probe
    also: tuple[str, ...] = ()
    nested: Nested = "skip"
    versions: str | None = None
    #: Distribution whose version is compared with ``versions``; by default the target's top module.
    distribution: str | None = None
    #: True for a target that only some of these versions have: where it is missing, nothing is watched or said.
    optional: bool = False
    #: True to watch what a decorated function calls: the function itself then stays the object that it is, and whoever
    #: holds it already is watched as well. Where it is not decorated, it is replaced as any other.
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Watches ``methods`` of a base class and of every subclass that defines its own, users' classes included.

    ``base`` is ``"module:Class"``. Classes that exist already are visited once, later ones as they are created
    (``__init_subclass__``). The class that owns a method is patched, not those that inherit it. ``exclude`` are
    module or class path prefixes (``"sklearn.preprocessing"``) that are left alone.
    """

    base: str
    methods: tuple[str, ...]
    probe: Probe
    nested: Nested = "skip"
    exclude: tuple[str, ...] = ()
    versions: str | None = None
    distribution: str | None = None
