"""Users of a server, their roles and their tokens, as every side of it knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import UsageError

#: Each includes those before it.
ROLES = ("none", "viewer", "editor", "admin")
_LEVELS = {"public": 0, **{role: at for at, role in enumerate(ROLES)}}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,253}[a-z0-9])?")


def level(role: str) -> int:
    """How much a role allows; what it is compared with is another role's level."""
    return _LEVELS[role]


def lesser(role: str, other: str) -> str:
    """The one of two roles that allows less."""
    return role if level(role) <= level(other) else other


def check_role(role: str) -> str:
    """A role that exists (UsageError)."""
    if role not in ROLES:
        raise UsageError(f"{role[:40]!r} is no role; there are {', '.join(ROLES)}")
    return role


def user_name(text: str) -> str:
    """A user's name as it is kept, in small letters (UsageError for what is none)."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise UsageError("a user's name has 1 to 255 letters, digits and . _ @ + - of ASCII, and begins with no sign")
    return name


@dataclass(frozen=True, slots=True)
class User:
    """Who may do what: ``role`` everywhere, and in single experiments (by id) what ``grants`` adds to it."""

    name: str
    role: str
    disabled: bool
    created: int
    grants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token without itself. Times in nanoseconds since the epoch.

    ``scope`` is the most that it allows, whatever its user may do; ``id`` opens nothing.
    """

    id: str
    user: str
    name: str
    scope: str
    created: int
    expires: int | None = None
    revoked: int | None = None

    def is_valid(self, now: int) -> bool:
        """True where it is neither expired nor revoked."""
        return self.revoked is None and (self.expires is None or now < self.expires)
