"""What the program was told on its command line: as it was typed, and as argparse or click understood it.

Only the parse of the program's own ``sys.argv`` counts, and what goes on with its remains (a second parser, a click
subcommand). Values are turned into text at once; nothing of the program's is kept.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..gaps import Gap
from ..guard import attempt
from ..keys import printable

if TYPE_CHECKING:
    from ..probes.capture import Call
    from ..runs.proberun import ProbeRun

_LONGEST = 1000
_MOST = 1000
_DEEPEST = 6
_PLAIN = (str, int, float, complex, bool, type(None))
#: Libraries whose values may be asked for their text: it has no effects.
_KNOWN = frozenset("pathlib decimal datetime fractions uuid ipaddress enum numpy torch".split())
#: Modules that run the cells of a notebook.
_KERNELS = ("ipykernel_launcher", "ipykernel", "autotrack.cli.launch.cells")
#: Parsers that are not watched, by the module that a program that uses them has imported.
_UNWATCHED = {"absl.flags": "absl", "fire.core": "fire", "hydra.main": "hydra", "docopt": "docopt"}


class Understood:
    """The values that parsers made of this process's command line, as text under flat names."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        #: What an earlier parse left over, for the next one.
        self.rest: list[str] | None = None
        #: Options that are typed without an echo: whatever they are called, they are secret.
        self.hidden: set[str] = set()
        self.inside = threading.local()

    def is_own(self, arguments: object) -> bool:
        """True for the program's own arguments, or for what a parser of them left over."""
        if arguments is None:
            return True
        if not isinstance(arguments, (list, tuple)):
            return False  # it might be an iterator, which is not ours to use up
        return list(arguments) in (sys.argv[1:], self.rest)

    def is_end_of_own(self, arguments: list[str]) -> bool:
        """True for the end of the program's arguments, which is what a subcommand gets."""
        own = sys.argv[1:]
        return bool(self.values or self.rest is not None) and own[len(own) - len(arguments) :] == arguments

    def add(self, values: Iterable[tuple[str, str]], command: str = "") -> None:
        """Keeps values; a name that is taken stays as it is, unless it belongs to a subcommand."""
        for name, text in values:
            if command and self.values.get(name, text) != text:
                name = f"{command}.{name}"
            if len(self.values) < _MOST:
                self.values.setdefault(printable(name), text)


_understood = Understood()


def parsed() -> dict[str, str]:
    """The arguments of this process as its parser understood them, defaults included; empty where none was seen."""
    return dict(_understood.values)


def runs_cells(argv: Sequence[str]) -> bool:
    """True for the command line of a notebook's kernel, and of what runs its cells again: nobody typed it, and it names
    a file that is made for that one process."""
    return any(word in argv for word in _KERNELS)


def collect_arguments() -> tuple[dict[str, Any], list[Gap]]:
    """``argv`` as it was typed and ``parsed`` as it was understood, both masked."""
    from .masking import mask_argv

    typed = [printable(argument) for argument in getattr(sys, "orig_argv", sys.argv)]
    gaps = []
    if not _understood.values and len(sys.argv) > 1 and not runs_cells(typed):
        names = [name for module, name in _UNWATCHED.items() if module in sys.modules]
        if names:
            what = f"the arguments are kept as typed, not as {' and '.join(names)} understood them"
            gaps.append(Gap("arguments", what, "log them with run.log_params"))
        elif "argparse" in sys.modules or "click" in sys.modules:
            what = "the arguments are kept as typed, for no parser of them was seen"
            gaps.append(
                Gap("arguments", what, "call autotrack.enable() before they are parsed, or use `autotrack run`")
            )
    return {"argv": mask_argv(typed, _understood.hidden), "parsed": parsed()}, gaps


def argparse_parsed(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Keeps what argparse makes of the program's own arguments."""
    inside = _understood.inside
    outermost = not getattr(inside, "argparse", False)
    own = outermost and _understood.is_own(call.arg("args", None))
    if not own:
        yield
        return
    inside.argparse = True
    try:
        yield
    finally:
        inside.argparse = False
    namespace, rest = call.result
    _understood.rest = [str(argument) for argument in rest]
    _understood.add(flat(getattr(namespace, "__dict__", {})))


def click_parsed(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Keeps what click makes of the program's own arguments, subcommands included."""
    arguments, context = list(call.arg("args")), call.arg("ctx")
    child = getattr(context, "parent", None) is not None
    own = _understood.is_end_of_own(arguments) if child else _understood.is_own(arguments)
    hidden = {str(p.name) for p in getattr(call.obj, "params", ()) if getattr(p, "hide_input", False)}
    yield
    if not own or call.error is not None or getattr(context, "resilient_parsing", False):
        return
    from .masking import MASK

    values = flat(context.params)
    _understood.hidden |= hidden
    _understood.rest = _understood.rest or []
    _understood.add(
        ((name, MASK if name in hidden else text) for name, text in values),
        str(context.info_name or "") if child else "",
    )


def flat(values: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """Names and masked texts of parsed values; nested mappings and namespaces have dotted names."""
    from .masking import mask_value  # at the first parse: its patterns take longer to compile than enable() should

    found: list[tuple[str, str]] = []
    for key, value in list(values.items())[:_MOST]:
        name = f"{prefix}{key}"
        inner = value if type(value) is dict else vars(value) if _is_namespace(value) else None
        if inner and depth < _DEEPEST:
            found += flat(inner, f"{name}.", depth + 1)
        else:
            found.append((name, mask_value(name, printable(_text(value))[:_LONGEST])))
    return found


def _is_namespace(value: object) -> bool:
    return any(kind.__name__ == "Namespace" for kind in type(value).__mro__) and hasattr(value, "__dict__")


def _text(value: object, depth: int = 0) -> str:
    """A value as text, asking only types that are known to answer without any effect."""
    kind = type(value)
    if kind is str:
        return str(value)
    if _is_one_of(kind, _PLAIN):
        shown, _ = attempt(repr, value)
        return shown if shown is not None else "<int of more digits than Python shows>"
    if kind is dict and not value:
        return "{}"
    if _is_one_of(kind, (list, tuple, set, frozenset)) and depth < _DEEPEST:
        texts = [_item(item, depth) for item in list(value)[:_LONGEST]]  # type: ignore[call-overload]
        return f"[{', '.join(sorted(texts) if kind is set or kind is frozenset else texts)}]"
    if any(base.__module__.partition(".")[0] in _KNOWN for base in kind.__mro__):
        text, error = attempt(str, value)
        if error is None and text is not None:
            return text
    name = getattr(value, "__qualname__", None) if kind.__module__ == "builtins" else None
    if isinstance(name, str):  # a function or a class
        return f"{getattr(value, '__module__', '')}.{name}"
    if kind.__module__ == "_io":
        return str(getattr(value, "name", kind.__name__))
    return f"<{kind.__module__}.{kind.__qualname__}>"


def _is_one_of(kind: type, kinds: tuple[type, ...]) -> bool:
    """By identity: a class may define its own comparison."""
    return any(kind is one for one in kinds)


def _item(value: object, depth: int) -> str:
    return repr(value) if type(value) is str else _text(value, depth + 1)
