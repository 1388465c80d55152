"""The name that the calling code has for an argument: ``X_test`` in ``model.predict(X_test)``.

It is read from the caller's bytecode. The frame's variables are not looked at: asking a function's frame for its
locals makes a copy that keeps the user's data alive until the function returns. The format is CPython's (``dis``).
"""

from __future__ import annotations

import builtins
import dis
import inspect
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, NamedTuple

from ..callsite import our_code

if TYPE_CHECKING:
    from .capture import Call

#: Calls whose names are remembered; past it all are forgotten.
MAX_KNOWN = 1024
#: Decorators between a watched function and its caller that are looked through.
MAX_WRAPPERS = 4
_TAKES_ALL = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_BEFORE_CALLS = frozenset({"PRECALL", "KW_NAMES", "CACHE", "EXTENDED_ARG", "NOP"})
#: Attributes that give the same data in another wrapping: the data's own name says more.
_SAME_DATA = frozenset({"values", "array"})


class _Names(NamedTuple):
    positional: tuple[str | None, ...] = ()
    #: The arguments came from ``*args`` or ``**kwargs``.
    spread: bool = False
    keywords: dict[str, str | None] | None = None
    #: The attribute that was called, where it was one.
    method: str | None = None


#: By the code's id (the code itself is kept, so that the id stays its own) and the place of the call in it.
_known: dict[tuple[int, int], tuple[CodeType, _Names]] = {}


def argument_name(call: Call, name: str, position: int) -> str | None:
    """The caller's name for the argument ``name``, which may also come at ``position`` (the object not counted).

    A variable, the last part of ``self.X_test``, the key of ``data["X_test"]``; None for any other expression, and for
    arguments that come from ``*args`` or ``**kwargs``. To be asked by a probe, about its own call.
    """
    frame = _caller()
    if frame is None:
        return None
    names = _names_at(frame)
    for _ in range(MAX_WRAPPERS):
        if not names.spread or frame.f_code.co_flags & _TAKES_ALL != _TAKES_ALL or frame.f_back is None:
            break
        frame = frame.f_back  # a decorator's function, which hands on what it was given
        names = _names_at(frame)
    if names.method not in (None, call.name, type(call.obj).__name__):  # something else, which called what is watched
        return None
    if len(call.args) > position:
        index = position + len(names.positional) - len(call.args)  # Class.method(obj, X) names the object, too
        return names.positional[index] if 0 <= index < len(names.positional) else None
    return (names.keywords or {}).get(name)


def _caller() -> FrameType | None:
    """The frame that made the watched call which is open innermost."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code not in our_code:
        frame = frame.f_back
    while frame is not None and frame.f_code in our_code:
        frame = frame.f_back
    return frame


def _names_at(frame: FrameType) -> _Names:
    code, place = frame.f_code, frame.f_lasti
    entry = _known.get((id(code), place))
    if entry is None:
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        entry = _known[id(code), place] = code, _read(code, place)
    return entry[1]


def _read(code: CodeType, place: int) -> _Names:
    """What stands for each argument of the call at ``place``, read backwards: each value is where the stack grew."""
    instructions = _until(code, place)
    if not instructions or instructions[-1].opname not in ("CALL", "CALL_KW"):
        return _Names(spread=bool(instructions) and instructions[-1].opname == "CALL_FUNCTION_EX")
    last = instructions.pop()
    keywords: Sequence[str] = ()
    joined = last.is_jump_target
    if last.opname == "CALL_KW" and instructions and instructions[-1].opname == "LOAD_CONST":
        keywords = instructions.pop().argval
    while instructions and instructions[-1].opname in _BEFORE_CALLS:
        before = instructions.pop()
        joined = joined or before.is_jump_target
        if before.opname == "KW_NAMES":
            keywords = code.co_consts[before.arg or 0]
    found: list[str | None] = []
    for _ in range(last.arg or 0):
        part = _last_value(instructions)
        if part is None:
            return _Names()
        # Where a jump lands behind or within the value it is one of two: `a if c else b`.
        found.append(None if joined or any(step.joined for step in part[1:]) else _name_of(part))
        joined = part[0].joined
    method = _called(instructions)
    if method is not None and not method:
        return _Names()
    found.reverse()
    split = len(found) - len(keywords)
    return _Names(tuple(found[:split]), False, dict(zip(keywords, found[split:], strict=True)), method)


def _called(instructions: list[dis.Instruction]) -> str | None:
    """The attribute that is called; None for a variable; "" for a builtin, which calls what it is given (``next``)."""
    last = next((one for one in reversed(instructions) if one.opname != "PUSH_NULL"), None)
    if last is None or not isinstance(last.argval, str):
        return None
    if last.opname in ("LOAD_METHOD", "LOAD_ATTR"):
        return last.argval
    return "" if last.opname in ("LOAD_GLOBAL", "LOAD_NAME") and hasattr(builtins, last.argval) else None


class _Step(NamedTuple):
    opname: str
    argval: object
    #: A jump may land here.
    joined: bool


def _until(code: CodeType, place: int) -> list[dis.Instruction]:
    found: list[dis.Instruction] = []
    for instruction in dis.get_instructions(code):
        if instruction.offset > place:
            break
        if instruction.opname != "CACHE":
            found.append(instruction)
    return found


def _last_value(instructions: list[dis.Instruction]) -> list[_Step] | None:
    """Takes from the end the instructions that leave one value on the stack; None where they cannot be told."""
    needed, part = 1, []
    while needed > 0:
        if not instructions:
            return None
        one = instructions.pop()
        if one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
            return None
        if isinstance(one.argval, tuple) and one.opname.startswith(("LOAD_FAST", "STORE_FAST")):
            return None  # two variables in one instruction, as later versions of Python have it
        needed -= dis.stack_effect(one.opcode, one.arg if one.opcode >= dis.HAVE_ARGUMENT else None)
        part.append(_Step(one.opname, one.argval, one.is_jump_target))
    part.reverse()
    return part if needed == 0 else None


def _name_of(part: list[_Step]) -> str | None:
    last = part[-1]
    name: object = None
    if len(part) == 1 and last.opname.startswith("LOAD_") and last.opname != "LOAD_CONST":
        name = last.argval
    elif last.opname == "LOAD_ATTR":
        if last.argval in _SAME_DATA:
            return _name_of(part[:-1])
        name = last.argval
    elif last.opname == "BINARY_SUBSCR" and len(part) >= 2 and part[-2].opname == "LOAD_CONST":
        name = part[-2].argval
    return name if isinstance(name, str) and name.isidentifier() else None
