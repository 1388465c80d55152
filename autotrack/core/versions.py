"""Whether an installed version lies in a range such as ``">=1.6,<2"``.

The part of PEP 440 that ranges of library versions use, so that the core needs no packaging library: release numbers,
pre, post and dev releases; the operators ``>= <= > < == != ~=`` and ``==1.2.*``. Local labels (``+cpu``) are ignored.
Pre-releases count by their order: 2.0rc1 is in ``>=1.9`` and not in ``>=2.0``.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache

from .errors import UsageError

_VERSION = re.compile(
    r"^v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?:-(?P<post_implicit>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$"
)
_CLAUSE = re.compile(r"^(~=|==|!=|<=|>=|<|>)\s*(\S+)$")
_PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}

#: (epoch, release without trailing zeros, pre, post, dev), in an order that tuples compare in.
Key = tuple[int, tuple[int, ...], tuple[int, int], int, float]


def version_key(text: str) -> Key:
    """A version as something that compares as PEP 440 says (UsageError where it is no version)."""
    match = _VERSION.match(text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is no version as PEP 440 has them (such as 1.6.2 or 2.0rc1)")
    part = match.groupdict()
    release = [int(number) for number in part["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    post = part["post_implicit"] or (part["post_n"] or "0" if part["post"] else None)
    dev = float(part["dev_n"] or 0) if part["dev"] else float("inf")
    if part["pre"]:
        pre = (_PRE[part["pre"]], int(part["pre_n"] or 0))
    else:  # a bare development release comes before the alphas, a final release after the candidates
        pre = (-1, 0) if part["dev"] and post is None else (3, 0)
    return int(part["epoch"] or 0), tuple(release), pre, -1 if post is None else int(post), dev


@lru_cache(maxsize=256)  # a plugin asks the same of each of its patches
def in_range(version: str, specifier: str) -> bool:
    """True where the version satisfies every clause of the specifier (UsageError where either does not parse)."""
    key = version_key(version)
    for text in filter(None, (clause.strip() for clause in specifier.split(","))):
        match = _CLAUSE.match(text)
        if match is None:
            raise UsageError(f"{text!r} in {specifier!r} is no version range (such as '>=1.6,<2')")
        if not _satisfies(key, *match.groups()):
            return False
    return True


def _satisfies(key: Key, operator: str, bound: str) -> bool:
    if bound.endswith(".*"):
        if operator not in ("==", "!="):
            raise UsageError(f"'{operator}{bound}': a version with .* goes with == or != only")
        return _starts_with(key, bound[:-2]) is (operator == "==")
    limit = version_key(bound)
    if operator == "==":
        return key == limit
    if operator == "!=":
        return key != limit
    if operator == ">=":
        return key >= limit
    if operator == "<=":
        return key <= limit
    if operator == ">":  # not a post-release of the bound itself
        return key > limit and not (key[3] >= 0 and limit[3] < 0 and key[:3] == limit[:3])
    if operator == "<":  # not a pre-release of the bound itself
        early = key[2] < (3, 0) or key[4] != float("inf")
        limit_early = limit[2] < (3, 0) or limit[4] != float("inf")
        first = (*limit[:2], (-1, 0) if limit[3] < 0 else limit[2], limit[3], 0.0)  # the bound's own .dev0
        return key < limit and not (early and not limit_early and key >= first)
    prefix = re.match(r"^v?(?:\d+!)?(\d+(?:\.\d+)+)", bound.lower())
    if prefix is None:
        raise UsageError(f"'~={bound}': needs at least two numbers")
    return key >= limit and _starts_with(key, bound[: prefix.end()].rpartition(".")[0])


def _starts_with(key: Key, prefix: str) -> bool:
    wanted = version_key(prefix)
    length = len(prefix.lower().lstrip("v").rpartition("!")[2].split("."))
    pad = (0,) * length
    return key[0] == wanted[0] and (key[1] + pad)[:length] == (wanted[1] + pad)[:length]


def installed_version(distribution: str, top: str) -> str | None:
    """The version of a distribution, as the top module says where that is loaded; None where it is not installed."""
    # It says so itself, and metadata cost milliseconds. Some warn whoever asks for it as an attribute.
    version = vars(sys.modules[top]).get("__version__") if top in sys.modules else None
    if isinstance(version, str):
        return version
    import importlib.metadata

    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_installed(top: str) -> bool:
    """True where that top module could be imported. Nothing is imported for the answer."""
    import importlib.util

    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
