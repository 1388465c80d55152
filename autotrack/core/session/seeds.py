"""Whether, and with what, the program seeded its random generators.

``random.seed`` and ``numpy.random.seed`` are watched from ``enable()`` on. What came before shows in the generators
themselves where they keep it: numpy's says that it was seeded, torch's default generator says with what.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..guard import attempt
from .entropy import drawn
from .streams import numpy_entropy

if TYPE_CHECKING:
    from ..probes.capture import Call
    from ..runs.proberun import ProbeRun

#: Seedings of one generator that are kept, its first ones; a program that seeds in a loop is left alone after them.
MOST = 20
#: Where nobody seeds it, torch's default generator takes 64 bits from the operating system: of 65,000 such seeds one
#: is below this. Those that people choose are.
_CHOSEN = 2**48

_seen: dict[str, list[Any]] = {}


def seeded() -> dict[str, Any]:
    """What is known of the seeds of this process, by generator.

    ``python`` and ``numpy``: ``{"seeds": [...], "seeded": True, False or None}``, None where the generator does not say
    and nothing was seen; a list that is full may have lost later ones. numpy's has its ``entropy`` where nobody seeded
    it, and in ``unseeded`` where those began that were made without a seed. ``torch``: its seed, whoever chose it.
    ``PYTHONHASHSEED``: the variable, or None. Only generators whose module is imported are there.
    """
    found: dict[str, Any] = {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED")}
    if "random" in sys.modules:
        found["python"] = _of("python", None)
    if "numpy.random" in sys.modules:
        found["numpy"] = _of("numpy", _numpy_was_seeded())
        entropy = numpy_entropy() if found["numpy"]["seeded"] is False else None
        if entropy is not None:
            found["numpy"]["entropy"] = entropy
        if numbers := drawn():
            found["numpy"]["unseeded"] = numbers
    generator = getattr(sys.modules.get("torch"), "default_generator", None)
    if generator is not None:
        seed = int(generator.initial_seed())
        found["torch"] = {"seeds": [seed], "seeded": True if seed < _CHOSEN else None}
    return found


def python_seeded(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Keeps what ``random.seed`` was given."""
    yield from _note("python", "a", call)


def numpy_seeded(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Keeps what ``numpy.random.seed`` was given."""
    yield from _note("numpy", "seed", call)


def _note(generator: str, parameter: str, call: Call) -> Generator[None, None, None]:
    given = _plain(call.args[0] if call.args else call.kwargs.get(parameter))
    yield
    seeds = _seen.setdefault(generator, [])
    if call.error is None:
        seeds.append(given)
    if len(seeds) >= MOST:
        call._watch.off = True  # seeding in a loop costs what it did before


def _plain(seed: object) -> int | float | str | None:
    """A seed as JSON has it; what is no plain value is named by its type."""
    if isinstance(seed, str):
        from .masking import mask

        return mask(seed[:200])
    if seed is None or isinstance(seed, float):
        return None if seed is None else float(seed)
    number, _ = attempt(operator.index, seed)  # type: ignore[arg-type]
    if number is not None:
        return number if abs(number) < 2**63 else str(number)[:200]
    return f"<{type(seed).__module__}.{type(seed).__qualname__}>"


def _of(generator: str, marked: bool | None) -> dict[str, Any]:
    seeds = list(_seen.get(generator, ()))
    return {"seeds": seeds, "seeded": True if any(seed is not None for seed in seeds) else marked}


def _numpy_was_seeded() -> bool | None:
    """numpy drops the entropy that its global generator began with when it is seeded the old way."""
    state = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    generator = getattr(state, "_bit_generator", None)
    if type(generator).__name__ != "MT19937" or not hasattr(generator, "_seed_seq"):
        return None
    return generator._seed_seq is None  # type: ignore[union-attr]
