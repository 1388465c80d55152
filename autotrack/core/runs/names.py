"""Names and ids that every process derives alike, without asking a store."""

from __future__ import annotations

import hashlib

_FIRST = (
    "amber bold brisk calm clear clever crisp deft eager early fair fleet frank fresh glad golden grand keen kind "
    "light lively lucid mellow merry mild neat noble plain prime proud quick quiet rapid ready sharp silver sleek "
    "smart solid stable steady still sunny swift tidy true vivid warm wise"
).split()
_SECOND = (
    "alder aspen beech birch cedar cliff cloud comet coral crane creek delta dune eagle ember falcon fern field fjord "
    "forest glade grove harbor hazel heron hill island juniper lagoon lake larch linden lynx maple marsh meadow "
    "mesa oak orchid osprey otter pine plover raven reef ridge river robin spruce"
).split()


def run_name(run_id: str) -> str:
    """A name that a person can say, the same for the same run everywhere: ``calm-heron-417``."""
    number = int(run_id[:12], 16)
    first, second = _FIRST[number % len(_FIRST)], _SECOND[number // 97 % len(_SECOND)]
    return f"{first}-{second}-{number // 9409 % 1000:03d}"


def experiment_id(name: str, attempt: int = 0) -> str:
    """The id that an experiment of this name gets where it is new: 16 hexadecimal digits of blake2b.

    ``attempt`` counts up where that id is another experiment's (one that was renamed, say).
    """
    seed = name if attempt == 0 else f"{name}\n{attempt}"
    return hashlib.blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
