"""The state of the random generators, to be put back one day: read without moving any stream, kept without pickle.

Format 1: the line ``autotrack-random 1``, a line of JSON, then the words of each generator's state, one generator after
the other in the order of the JSON object. All words are little-endian.

    {"python": {"bytes": 2500, "version": 3, "gauss": null},      625 unsigned 32-bit words of ``random.getstate()``
     "numpy":  {"bytes": 2500, "gauss": "0x1.8p+0"},              624 words of the key, then the position
     "torch":  {"bytes": 5056}}                                   the default CPU generator's bytes, as torch has them

``gauss`` is the second half of a pair of normal numbers that waits to be drawn, as hexadecimal float.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import ArtifactError
from ..gaps import Gap
from ..objects import Objects

_MAGIC = b"autotrack-random 1\n"
_WORDS = struct.Struct("<625I")


def random_state(objects: Objects) -> tuple[dict[str, Any], list[Gap]]:
    """The state at this moment as one object: ``{"sha256": ..., "generators": [...]}``."""
    content, gaps = encoded_state()
    return {"sha256": objects.put(content), "generators": list(generators_in(content))}, gaps


def encoded_state() -> tuple[bytes, list[Gap]]:
    """The state of ``random``, numpy and torch, where they are imported, as format 1. Tens of microseconds."""
    heads: dict[str, dict[str, Any]] = {}
    states: list[bytes] = []
    gaps: list[Gap] = []
    random, numpy, torch = (sys.modules.get(name) for name in ("random", "numpy.random", "torch"))
    if hasattr(random, "getstate"):
        version, words, gauss = random.getstate()  # type: ignore[union-attr]
        heads["python"] = {"bytes": _WORDS.size, "version": version, "gauss": None if gauss is None else gauss.hex()}
        states.append(_WORDS.pack(*words))
    if hasattr(numpy, "get_state"):
        state = numpy.get_state(legacy=False)  # type: ignore[union-attr]
        if state["bit_generator"] == "MT19937":
            gauss = float(state["gauss"]).hex() if state["has_gauss"] else None
            heads["numpy"] = {"bytes": _WORDS.size, "gauss": gauss}
            key = state["state"]["key"].astype("<u4", copy=False).tobytes()
            states.append(key + struct.pack("<I", state["state"]["pos"]))
        else:
            what = f"numpy's global generator is a {state['bit_generator']}, whose state is not kept"
            gaps.append(
                Gap("seeds", what, "leave the global generator as it is and use numpy.random.default_rng(seed)")
            )
    if hasattr(torch, "default_generator"):
        content = _bytes_of(torch.default_generator.get_state())  # type: ignore[union-attr]
        heads["torch"] = {"bytes": len(content)}
        states.append(content)
        cuda = getattr(torch, "cuda", None)
        if cuda is not None and cuda.is_initialized():
            what = "the state of CUDA's generators is not kept: reading it would make the training wait for the device"
            gaps.append(Gap("seeds", what, "call torch.manual_seed before the training"))
    return put_together({name: (heads[name], words) for name, words in zip(heads, states, strict=True)}), gaps


def generators_in(content: bytes) -> dict[str, dict[str, Any]]:
    """What a kept state holds: ``python``, ``numpy``, ``torch``. ArtifactError where it is no such state."""
    if not content.startswith(_MAGIC):
        raise ArtifactError(f"this is no random state of format 1: it begins with {content[:24]!r}")
    head, _, body = content[len(_MAGIC) :].partition(b"\n")
    try:
        heads = json.loads(head)
        sizes = [int(record["bytes"]) for record in heads.values()]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(f"the head of this random state cannot be read: {error}") from None
    unknown = heads.keys() - {"python", "numpy", "torch"}
    if unknown or sum(sizes) != len(body) or min(sizes, default=0) < 0:
        raise ArtifactError(
            f"this random state is damaged: {sorted(heads)} of {sizes} bytes are announced and {len(body)} are there"
        )
    for name in heads.keys() & {"python", "numpy"}:
        if heads[name]["bytes"] != _WORDS.size:
            raise ArtifactError(f"this random state is damaged: {name} has {heads[name]['bytes']} bytes")
    return dict(heads)


def states_in(content: bytes) -> dict[str, tuple[dict[str, Any], bytes]]:
    """Each generator's head and its words. ArtifactError as ``generators_in``."""
    heads = generators_in(content)
    found = {}
    at = len(content) - sum(int(head["bytes"]) for head in heads.values())
    for name, head in heads.items():
        found[name] = head, content[at : at + int(head["bytes"])]
        at += int(head["bytes"])
    return found


def put_together(states: Mapping[str, tuple[dict[str, Any], bytes]]) -> bytes:
    """The content that ``states_in`` takes apart."""
    heads = json.dumps({name: head for name, (head, _) in states.items()}, separators=(",", ":")).encode()
    return b"".join((_MAGIC, heads, b"\n", *(words for _, words in states.values())))


def restore(content: bytes) -> list[str]:
    """Puts a kept state back and answers whose it was; numpy and torch are imported if the state is theirs.

    ArtifactError where the content is damaged (nothing is changed then), ImportError where a library is missing.
    """
    apart = states_in(content)
    heads = {name: head for name, (head, _) in apart.items()}
    parts = {name: state for name, (_, state) in apart.items()}
    gauss = {name: _gauss(head) for name, head in heads.items()}
    words: dict[str, tuple[int, ...]] = {
        name: _WORDS.unpack(parts[name]) for name in ("python", "numpy") if name in parts
    }
    for name, state in words.items():
        if state[-1] > 624:
            raise ArtifactError(f"this random state is damaged: {name} is at position {state[-1]} of 624")
    for name in heads:
        if name == "python":
            import random

            random.setstate((heads[name].get("version", 3), words[name], gauss[name]))
        elif name == "numpy":
            import numpy

            key = numpy.frombuffer(parts[name][:-4], "<u4").astype("u4")
            numpy.random.set_state(("MT19937", key, words[name][-1], int(gauss[name] is not None), gauss[name] or 0.0))
        else:
            import torch

            torch.set_rng_state(torch.frombuffer(bytearray(parts[name]), dtype=torch.uint8))
    return list(heads)


def _gauss(head: dict[str, Any]) -> float | None:
    text = head.get("gauss")
    try:
        return None if text is None else float.fromhex(text)
    except (ValueError, TypeError):
        raise ArtifactError(f"this random state is damaged: {text!r:.40} is no hexadecimal float") from None


def _bytes_of(tensor: Any) -> bytes:
    """A contiguous CPU tensor's bytes, also where torch was built without numpy."""
    import ctypes

    return ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size())
