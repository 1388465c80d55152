"""What a pickle would call, found by reading its opcodes: nothing is run, nothing is imported."""

from __future__ import annotations

import io
import json
import pickletools
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

#: Opcodes read of one file, at most: more make a list that nobody reads.
MOST_OPCODES = 5_000_000
MOST_GLOBALS = 10_000

#: Modules with which a pickle can do as it likes; cloudpickle's and dill's bring code along by value.
_DANGEROUS = frozenset(
    "os posix nt subprocess sys builtins __builtin__ importlib runpy shutil socket ctypes code pty commands pickle "
    "cloudpickle dill types webbrowser asyncio multiprocessing http urllib pip tempfile pathlib signal".split()
)
#: Whose types a skops file holds as a matter of course.
_USUAL = frozenset("builtins collections sklearn numpy scipy functools operator datetime".split())
_HARMLESS_BUILTINS = frozenset(
    "set frozenset list dict tuple int float complex bool str bytes bytearray slice range object".split()
)
_STRINGS = frozenset("SHORT_BINUNICODE BINUNICODE BINUNICODE8 UNICODE STRING BINSTRING SHORT_BINSTRING".split())


def globals_in(content: bytes) -> list[str]:
    """``module.name`` of everything that the pickle would look up, sorted; ``"?"`` for what cannot be told.

    ``"? <reason>"`` where the bytes are no pickle to their end: what stands behind is unknown.
    """
    found: set[str] = set()
    # The texts that were pushed last with nothing in between: a pickle could push one name, drop it and use another.
    pushed: list[str] = []
    memo: dict[Any, str] = {}
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(io.BytesIO(content))):
            if count > MOST_OPCODES or len(found) > MOST_GLOBALS:
                found.add("? (too long to be read to its end)")
                break
            name = opcode.name
            if name in _STRINGS:
                pushed.append(str(argument))
            elif name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
                memo[len(memo) if name == "MEMOIZE" else argument] = pushed[-1] if pushed else "?"
            elif name in ("GET", "BINGET", "LONG_BINGET"):
                pushed.append(memo.get(argument, "?"))
            elif name not in ("PROTO", "FRAME"):
                if name in ("GLOBAL", "INST"):
                    found.add(str(argument).replace(" ", "."))
                elif name == "STACK_GLOBAL":
                    found.add(".".join(pushed[-2:]) if len(pushed) >= 2 and "?" not in pushed[-2:] else "?")
                elif name in ("EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"):
                    found.add(f"? ({name})")
                pushed.clear()
    except (ValueError, IndexError, KeyError, UnicodeError, OverflowError) as error:
        found.add(f"? (no pickle to its end: {str(error)[:80]})")
    return sorted(found)


def is_dangerous(name: str) -> bool:
    """True for a global with which a pickle can do as it likes."""
    module, _, rest = name.partition(".")
    if module in ("builtins", "__builtin__"):
        return rest not in _HARMLESS_BUILTINS
    return module in _DANGEROUS or name.startswith("?")


def looks_like_pickle(head: bytes) -> bool:
    """True for the first bytes of a pickle of protocol 2 or newer."""
    return len(head) >= 2 and head[0] == 0x80 and head[1] <= 5


def risky_files(folder: Path, files: Iterable[str], entries: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The files of a model folder that could run code, with what they would call.

    Pickles by their bytes and by their names, pickles within zips (torch), Python files.
    """
    named = {
        str(entry.get(key)) for entry in entries for key in ("pickled_model", "data", "model_path", "python_model")
    }
    found: dict[str, list[str]] = {}
    for name in sorted(files):
        path = folder / name
        if name.endswith(".py"):
            found[name] = ["Python code"]
            continue
        with path.open("rb") as stream:
            head = stream.read(4)
        if looks_like_pickle(head) or name.endswith((".pkl", ".pickle", ".joblib", ".dill")):
            found[name] = globals_in(path.read_bytes())
        elif head == b"PK\x03\x04" and not name.endswith(".npz"):
            inside = _in_skops(path) if name.endswith(".skops") else _in_zip(path)
            if inside:
                found[name] = inside
        elif name in named and not name.endswith((".skops", ".json", ".ubj", ".onnx", ".safetensors", ".txt")):
            found[name] = globals_in(path.read_bytes())
    return found


def _in_skops(path: Path) -> list[str]:
    """Types and functions of a skops file that come from elsewhere than the libraries that it is made for."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("schema.json").file_size > 1 << 28:
                return ["? (its schema is too large to be read)"]
            nodes: list[Any] = [json.loads(archive.read("schema.json"))]
    except (zipfile.BadZipFile, OSError, KeyError, NotImplementedError, ValueError, RecursionError, EOFError) as error:
        return [f"? (a skops file that cannot be read: {error})"]
    found: set[str] = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            nodes += node.values()
            for module, name in (("__module__", "__class__"), ("module_path", "function")):
                if isinstance(node.get(module), str) and isinstance(node.get(name), str):
                    found.add(f"{node[module]}.{node[name]}")
        elif isinstance(node, list):
            nodes += node
    return sorted(name for name in found if name.partition(".")[0] not in _USUAL)


def _in_zip(path: Path) -> list[str]:
    found: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.file_size > 1 << 28:
                    continue
                with archive.open(member) as stream:
                    head = stream.read(2)
                    if looks_like_pickle(head):
                        found.update(globals_in(head + stream.read(1 << 28)))
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        return [f"? (a zip that cannot be read: {error})"]
    return sorted(found)
