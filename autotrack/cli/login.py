"""``autotrack login`` and ``logout``: a token for a server, kept for this user alone."""

from __future__ import annotations

import ipaddress
import socket
import sys
from contextlib import closing
from urllib.parse import urlsplit

import click

from autotrack.core.credentials import Credential, credentials_file, forget, keep, server_url
from autotrack.core.errors import AccessError, StoreError, UsageError
from autotrack.core.terminal import clean
from autotrack.core.users import ROLES

from .commands import Command

DAYS = click.FloatRange(0, 3660, min_open=True)


def secret(prompt: str, *, twice: bool = False) -> str:
    """A secret that is typed without an echo, ``twice`` where it is a new one; a line of standard input where that is
    no terminal. Never an argument: those can be seen by everybody on the machine."""
    if sys.stdin.isatty():
        return str(click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))
    line = sys.stdin.readline()
    if not line.strip("\r\n"):
        raise UsageError(f"{prompt.lower()}: standard input has no more lines")
    return line.strip("\r\n")


def _words(prompt: str) -> str:
    """The same for what is no secret."""
    return str(click.prompt(prompt, err=True)) if sys.stdin.isatty() else secret(prompt)


@click.command(
    cls=Command,
    examples=(
        ("autotrack login https://tracking.example.org", "asks for name and password, and keeps a token for 90 days"),
        ("autotrack login https://tracking.example.org --token < token.txt", "a token that somebody has made for you"),
        ("autotrack login http://127.0.0.1:5000", "also for the first administrator, who has the one-time code"),
    ),
)
@click.argument("url")
@click.option("--user", metavar="NAME", help="Your name there.  [default: it is asked for]")
@click.option("--token", "by_token", is_flag=True, help="Keep a token that you have; it is read from standard input.")
@click.option(
    "--days",
    type=click.FloatRange(0, 3660, min_open=True),
    default=90.0,
    show_default=True,
    help="How long the token is to live.",
)
@click.option(
    "--scope",
    type=click.Choice(ROLES[1:]),
    default="admin",
    show_default=True,
    help="The most that the token is to allow.",
)
def login(url: str, user: str | None, by_token: bool, days: float, scope: str) -> None:
    """Logs in to a server.

    The token is kept in a file of your own. Password and token are typed without an echo, or read from standard input,
    a line each.
    """
    from autotrack.client.users import RemoteUsers

    _warn_of_plain_http(url)
    if by_token:
        given = secret("Token")
        with closing(RemoteUsers(url, f"Bearer {given}")) as server:
            user, about = server.me()
        credential = Credential(given, user, None if about is None else about.expires)
    else:
        with closing(RemoteUsers(url)) as server:
            known, first = server.needs()
            if not known:
                raise UsageError(f"{server.url} knows no users: there is no need to log in")
            code = None
            if first:
                click.echo("This server has no user yet; you become its first administrator.", err=True)
                code = secret("One-time code")
            user = user or _words("Name")
            password = secret("New password, 12 characters or more" if first else "Password", twice=first)
            name = f"login on {socket.gethostname()}"
            token, about = server.login(user, password, code=code, name=name, scope=scope, days=days)
        credential = Credential(token, about.user, about.expires)
    file = keep(url, credential)
    click.echo(f"logged in to {server_url(url)} as {clean(credential.user or '')}; the token is in {file}", err=True)


@click.command(cls=Command, examples=(("autotrack logout https://tracking.example.org", "ends the token there, too"),))
@click.argument("url")
def logout(url: str) -> None:
    """Revokes the token for a server, and forgets it."""
    from autotrack.client.users import RemoteUsers

    found = forget(url)
    if found is None:
        raise UsageError(f"there is no token for {server_url(url)} in {credentials_file()}")
    with closing(RemoteUsers(url, f"Bearer {found.token}")) as server:
        try:
            server.logout()
        except AccessError:
            pass  # it was no good any more
        except StoreError as error:
            raise StoreError(
                f"the token is forgotten here, but still good there until it is revoked: {error}"
            ) from error
    click.echo(f"logged out of {server_url(url)}", err=True)


def _warn_of_plain_http(url: str) -> None:
    parts = urlsplit(server_url(url))
    try:
        loopback = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = False
    if parts.scheme == "http" and not loopback:
        click.echo(
            "autotrack: this address is http://, so password and token can be read on their way; use https:// where "
            "there is any network between",
            err=True,
        )
