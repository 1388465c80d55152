"""Who asks, and what he may do: a user as he has shown himself in one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autotrack.core.errors import NotFoundError
from autotrack.core.users import Token, User, lesser, level

from ..errors import ApiError
from ..routing import Role


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user may do with the token that he showed (None: he showed his password)."""

    user: str
    #: What he may do everywhere, and what in single experiments; neither is more than the token's scope.
    role: str
    grants: Mapping[str, str]
    scope: str
    token: Token | None

    @classmethod
    def of(cls, user: User, token: Token | None) -> Standing:
        """What is left of a user's roles under a token's scope."""
        scope = "admin" if token is None else token.scope
        grants = {experiment: lesser(role, scope) for experiment, role in user.grants.items()}
        return cls(user.name, lesser(user.role, scope), grants, scope, token)


class Caller:
    """The user of one request (``Call.user``)."""

    __slots__ = ("asked", "standing")

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        #: True once a handler has asked what the user may see or change.
        self.asked = False

    @property
    def name(self) -> str:
        return self.standing.user

    def allows(self, role: Role) -> bool:
        """True where he has the role everywhere."""
        return level(self.standing.role) >= level(role)

    def is_within_scope(self, role: Role) -> bool:
        """True where his token does not forbid it."""
        return level(self.standing.scope) >= level(role)

    def allows_somewhere(self, role: Role) -> bool:
        """True where he has the role in one experiment at least."""
        return self.allows(role) or any(level(given) >= level(role) for given in self.standing.grants.values())

    def role_in(self, experiment_id: str) -> int:
        """The level of his role in an experiment."""
        return max(level(self.standing.role), level(self.standing.grants.get(experiment_id, "none")))

    def within(self, role: Role) -> frozenset[str] | None:
        """The experiments in which he has a role; None: in all of them."""
        self.asked = True
        if self.allows(role):
            return None
        return frozenset(each for each, given in self.standing.grants.items() if level(given) >= level(role))

    def require(self, role: Role, experiment_id: str) -> None:
        """Raises where he has not this role in an experiment: NotFoundError where he may not even see it, or
        ApiError 403."""
        self.asked = True
        has = self.role_in(experiment_id)
        if has < level(Role.VIEWER):
            # Without its id: who asked by name would learn it.
            raise NotFoundError("there is no such experiment, or it is not yours to see")
        if has < level(role):
            raise forbidden(role, "in this experiment")


def hidden(what: str, name: str) -> NotFoundError:
    """The error for what is not there, and for what the user may not see: they are not to be told apart."""
    return NotFoundError(f"there is no {what} {name[:80]!r}, or it is not yours to see")


def forbidden(role: str, where: str) -> ApiError:
    """The error for what the user may see and not do."""
    return ApiError(
        403, "PERMISSION_DENIED", f"this asks for the role {role} {where}, which you, or your token, have not"
    )
