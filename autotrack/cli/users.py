"""``autotrack users`` and ``autotrack tokens``: on a server, as an administrator, or on a store of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

import click

from autotrack.core.credentials import authorization_for
from autotrack.core.errors import UsageError
from autotrack.core.users import ROLES, Token, User

from .commands import Group, State, json_option
from .documents import print_json
from .login import secret
from .screen import Cell, Column, Screen
from .stores import Place, find_place, open_place
from .words import age, iso, local_time


class Users(Protocol):
    """What is done to users, wherever they are kept."""

    def users(self) -> list[User]: ...
    def add_user(self, name: str, password: str | None, role: str) -> User: ...
    def change_user(
        self, name: str, *, role: str | None = None, disabled: bool | None = None, password: str | None = None
    ) -> User: ...
    def grant(self, name: str, experiment: str, role: str) -> None: ...
    def tokens(self, name: str) -> list[Token]: ...
    def make_token(self, user: str, name: str, scope: str, days: float | None) -> tuple[str, Token]: ...
    def revoke(self, name: str, token_id: str) -> None: ...


@contextmanager
def _users(state: State) -> Iterator[Users]:
    place = find_place(state)
    if _is_server(place):
        from autotrack.client.users import RemoteUsers

        with closing(RemoteUsers(place.uri, authorization_for(place.uri))) as server:
            yield server
        return
    from autotrack.server.access.directory import Directory
    from autotrack.store.store import Store

    with closing(open_place(place)) as store:
        if not isinstance(store, Store):
            raise UsageError(f"{place.shown} is no store that a server can have users for")
        yield Directory(store)


def _is_server(place: Place) -> bool:
    return place.uri.startswith(("http://", "https://"))


@click.group(
    cls=Group,
    examples=(
        ("autotrack users add grace --role viewer --store http://tracking:5000", "who may read everything there"),
        ("autotrack users grant grace churn editor --store http://tracking:5000", "and write to one experiment"),
        ("autotrack users password ada --store /data/runs", "on the server's own machine, for who has forgotten it"),
    ),
)
def users() -> None:
    """Users of a server: what they may do, and who they are."""


@users.command("list", examples=(("autotrack users list --json", "for programs"),))
@json_option
@click.pass_obj
def list_users(state: State, as_json: bool) -> None:
    """The users, their roles everywhere, and those in single experiments."""
    with _users(state) as there:
        found = there.users()
    if as_json:
        print_json(
            [
                {
                    "name": user.name,
                    "role": user.role,
                    "disabled": user.disabled,
                    "created": iso(user.created),
                    "grants": dict(user.grants),
                }
                for user in found
            ]
        )
        return
    if not found:
        click.echo("there are no users", err=True)
        return
    names = _experiments(state) if any(user.grants for user in found) else {}
    rows = [
        [
            Cell(user.name, "dim" if user.disabled else "bold"),
            Cell("disabled" if user.disabled else user.role, "red" if user.disabled else ""),
            Cell(", ".join(sorted(f"{role} of {names.get(each, each)}" for each, role in user.grants.items()))),
        ]
        for user in found
    ]
    Screen().table([Column("user"), Column("role"), Column("in experiments", shrink=True)], rows)


def _experiments(state: State) -> dict[str, str]:
    """The names of experiments by their ids."""
    with closing(open_place(find_place(state))) as store:
        return {each.id: each.name for each in (*store.experiments(), *store.experiments("deleted"))}


@users.command("add", examples=(("autotrack users add ci --role editor --no-password", "for programs: tokens only"),))
@click.argument("name")
@click.option(
    "--role", type=click.Choice(ROLES), default="none", show_default=True, help="What the user may do everywhere."
)
@click.option("--no-password", is_flag=True, help="A user with tokens only.")
@click.pass_obj
def add(state: State, name: str, role: str, no_password: bool) -> None:
    """Adds a user; the password is asked for."""
    password = None if no_password else secret(f"Password of {name}", twice=True)
    with _users(state) as there:
        made = there.add_user(name, password, role)
    click.echo(f"added {made.name}, {made.role}", err=True)


@users.command("role", examples=(("autotrack users role grace editor", "who may write everywhere"),))
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@click.pass_obj
def change_role(state: State, name: str, role: str) -> None:
    """Changes what a user may do everywhere."""
    with _users(state) as there:
        changed = there.change_user(name, role=role)
    click.echo(f"{changed.name} is {changed.role}", err=True)


@users.command("password", examples=(("autotrack users password grace", "a new one, without the old"),))
@click.argument("name")
@click.pass_obj
def change_password(state: State, name: str) -> None:
    """Gives a user a new password. Tokens stay as they are."""
    password = secret(f"New password of {name}", twice=True)
    with _users(state) as there:
        changed = there.change_user(name, password=password)
    click.echo(f"{changed.name} has a new password", err=True)


@users.command("disable", examples=(("autotrack users disable grace", "neither password nor tokens are good now"),))
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let the user in again.")
@click.pass_obj
def disable(state: State, name: str, undo: bool) -> None:
    """Lets a user in no more; what he has made stays."""
    with _users(state) as there:
        changed = there.change_user(name, disabled=not undo)
    click.echo(f"{changed.name} is {'disabled' if changed.disabled else 'let in again'}", err=True)


@users.command("grant", examples=(("autotrack users grant grace churn none", "takes it away again"),))
@click.argument("name")
@click.argument("experiment")
@click.argument("role", type=click.Choice(ROLES))
@click.pass_obj
def grant(state: State, name: str, experiment: str, role: str) -> None:
    """Gives a user a role in one experiment, on top of the role everywhere."""
    with _users(state) as there:
        there.grant(name, experiment, role)
    click.echo(f"{name} has the role {role} in {experiment}", err=True)


@click.group(
    cls=Group,
    examples=(
        ("autotrack tokens create --name ci --scope editor --days 365 --store http://tracking:5000", "printed once"),
        ("autotrack tokens list --store http://tracking:5000", "which there are, without themselves"),
    ),
)
def tokens() -> None:
    """Tokens: what programs log in to a server with."""


user_option = click.option(
    "--user", metavar="NAME", help="Whose. On a server: yourself, unless you are an administrator."
)


@tokens.command("create", examples=(("autotrack tokens create --name nightly --scope viewer", "one that only reads"),))
@user_option
@click.option("--name", default="", metavar="TEXT", help="What it is for.")
@click.option(
    "--scope", type=click.Choice(ROLES[1:]), default="editor", show_default=True, help="The most that it allows."
)
@click.option(
    "--days", type=click.FloatRange(0, 3660, min_open=True), default=90.0, show_default=True, help="How long it lives."
)
@click.pass_obj
def create(state: State, user: str | None, name: str, scope: str, days: float) -> None:
    """Makes a token and prints it, this once."""
    with _users(state) as there:
        token, about = there.make_token(_whose(there, user), name, scope, days)
    until = f" until {local_time(about.expires)}" if about.expires is not None else ""
    click.echo(f"a token of {about.user} ({about.scope}{until}), shown this once:", err=True)
    click.echo(token)


@tokens.command("list", examples=(("autotrack tokens list --json", "for programs"),))
@user_option
@json_option
@click.pass_obj
def list_tokens(state: State, user: str | None, as_json: bool) -> None:
    """A user's tokens, newest first, without themselves."""
    with _users(state) as there:
        found = there.tokens(_whose(there, user))
    now = time.time_ns()
    if as_json:
        fields = ("id", "user", "name", "scope")
        print_json(
            [
                {name: getattr(each, name) for name in fields}
                | {"created": iso(each.created), "expires": iso(each.expires), "revoked": iso(each.revoked)}
                for each in found
            ]
        )
        return
    if not found:
        click.echo("there are no tokens", err=True)
        return
    columns = [Column("token"), Column("name", shrink=True), Column("scope"), Column("made"), Column("good")]
    Screen().table(columns, [_row(each, now) for each in found])


def _row(token: Token, now: int) -> list[Cell]:
    if token.is_valid(now):
        good = Cell("for ever" if token.expires is None else f"until {local_time(token.expires)}")
    else:
        good = Cell("no: revoked" if token.revoked is not None else "no: expired", "dim")
    return [Cell(token.id, "cyan"), Cell(token.name), Cell(token.scope), Cell(age(token.created, now), "dim"), good]


@tokens.command("revoke", examples=(("autotrack tokens revoke 3f9a0c51d2e8", "it is good for nothing any more"),))
@click.argument("token")
@user_option
@click.pass_obj
def revoke(state: State, token: str, user: str | None) -> None:
    """Ends a token for good; it is named as `tokens list` has it."""
    with _users(state) as there:
        there.revoke(_whose(there, user), token)
    click.echo(f"revoked {token}", err=True)


def _whose(there: Users, user: str | None) -> str:
    from autotrack.client.users import RemoteUsers

    if user is None and isinstance(there, RemoteUsers):
        return there.me()[0]
    if user is None:
        raise UsageError("whose? On a store of this machine a token's user is named with --user")
    return user
