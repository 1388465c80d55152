"""Declarations of what to watch: ``Patch``, ``Family``, ``Tap``, ``ResultTap``, ``Hook``, ``Later``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar, Literal

Nested = Literal["skip", "join", "child", "beside"]
Probe = Callable[[Any, Any], Generator[None, None, None]]
#: ``observer(args, kwargs, error)``: what the original was called with, and what it raised, if anything.
Observer = Callable[[tuple[Any, ...], dict[str, Any], BaseException | None], object]


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


@dataclass(frozen=True, slots=True)
class Tap:
    """Tells a plain function of every call of a function in a hot loop, where a probe would cost too much.

    ``observer(args, kwargs, error)`` is called after the original, for about a microsecond: there is no run, no
    frame, and its answer is dropped. Inside another watched call, and inside code of ours, it is not told. A run that
    goes with what it hears it opens itself (``LoopRun``). The other fields are those of ``Patch``.
    """

    target: str
    observer: Observer
    also: tuple[str, ...] = ()
    versions: str | None = None
    distribution: str | None = None
    optional: bool = False

    @property
    def probe(self) -> Observer:
        """The function that failures are counted for."""
        return self.observer

    @property
    def nested(self) -> Nested:
        """Calls inside another watched call belong to that one."""
        return "skip"

    @property
    def inner(self) -> bool:
        """The function itself is replaced."""
        return False


class Ear:
    """Whether the taps that have it listen: their plugin sets ``open``, at first False."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = False


@dataclass(frozen=True, slots=True)
class ResultTap(Tap):
    """A tap that hears what the original answers, at times: ``observer(args, kwargs, result)``.

    It is told of calls that went well while ``ear.open``; a call that nobody listens to costs some tenths of a
    microsecond.
    """

    ear: Ear = field(default_factory=Ear)


@dataclass(frozen=True, slots=True)
class Hook:
    """Tells a plain function what a library tells its own hooks, where it has a registry of such.

    ``attach(module, listener)`` is called once ``module`` is imported: it registers ``listener`` there and answers the
    function that takes it out again. ``observer`` gets what the library hands to the listener; its answer is dropped.
    It is not told of what happens inside another watched call, or in code of ours.
    """

    module: str
    attach: Callable[[ModuleType, Callable[..., None]], Callable[[], object]]
    observer: Callable[..., object]
    versions: str | None = None
    distribution: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """What is watched in a library, asked for once ``module`` (its top package) is imported.

    A program that does without the library then does not import the plugin's probes either: ``declare()`` does.
    """

    module: str
    declare: Callable[[], Iterable[Patch | Family | Tap | Hook]]
    #: Each declaration has its own.
    versions: ClassVar[None] = None


Declaration = Patch | Family | Tap | Hook | Later


def place_of(declaration: Declaration) -> str:
    """Where a declaration belongs: ``"module:attribute.path"``, or the module alone."""
    if isinstance(declaration, Family):
        return declaration.base
    return declaration.module if isinstance(declaration, Hook | Later) else declaration.target
