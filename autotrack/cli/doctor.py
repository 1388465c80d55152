"""``autotrack doctor``: is this installation sound, and is its store?"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from autotrack.core.errors import AutotrackError
from autotrack.core.version import __version__

from .commands import Command, State, json_option
from .documents import print_json
from .plugins import Plugin, found_plugins
from .screen import Cell, Screen
from .stores import Place, database_file, find_place, open_folder, open_place
from .words import plural, size

OK, WARNING, WRONG = "ok", "warning", "wrong"
_SIGNS = {OK: Cell("✓ ok", "green"), WARNING: Cell("! warning", "yellow"), WRONG: Cell("✗ wrong", "red")}

#: A journal takes 64 KiB at its start and up to 8 MiB at a time later.
_LITTLE_SPACE = 64 * 1024 * 1024
_SOME_SPACE = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: its state, what was found and, where it is not ok, what to do."""

    check: str
    state: str
    found: str
    advice: str = ""


@click.command(
    "doctor",
    cls=Command,
    examples=(
        ("autotrack doctor", "every check, with what to do about what is wrong; exit code 1 then"),
        ("autotrack --store /data/runs doctor", "another store"),
        ("autotrack doctor --json", "for programs"),
    ),
)
@json_option
@click.pass_obj
def doctor(state: State, as_json: bool) -> None:
    """Check this installation and its store. Changes nothing but delivering journals that wait."""
    findings = list(examine(state))
    wrong = sum(finding.state == WRONG for finding in findings)
    if as_json:
        print_json({"ok": not wrong, "checks": [asdict(finding) for finding in findings]})
    else:
        screen = Screen()
        for finding in findings:
            screen.line(_SIGNS[finding.state], Cell(f"  {finding.check}", "bold"), f"  {finding.found}")
            if finding.advice:
                screen.line(Cell(f"    {finding.advice}", "dim"))
        screen.line("")
        screen.line(Cell(f"{plural(wrong, 'thing is', 'things are')} wrong", "red") if wrong else "nothing is wrong")
    if wrong:
        raise click.exceptions.Exit(1)


def examine(state: State) -> Iterator[Finding]:
    """All checks, in the order in which one would ask."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "python", OK, f"{version} at {sys.executable}; autotrack {__version__}, SQLite {sqlite3.sqlite_version}"
    )
    try:
        place = find_place(state)
    except AutotrackError as error:
        yield Finding("store", WRONG, str(error), "correct the setting that the sentence names")
        return
    there = "" if place.exists else "; not made yet, the first run makes it"
    yield Finding("store", OK, f"{place.shown} (from {place.location.reason}){there}")
    yield from _permissions(place)
    yield _space(place)
    if not place.on_disk:
        yield _reachable(place)
    elif place.exists and database_file(place).is_file():
        yield from _database(place)
    yield _journals(place)
    yield from map(_plugin, found_plugins())


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _permissions(place: Place) -> Iterator[Finding]:
    root = place.location.root
    near = _nearest(root)
    if not near.is_dir():
        yield Finding("permissions", WRONG, f"{near} is a file where a folder is wanted", "name another --store")
        return
    if not os.access(near, os.W_OK | os.X_OK):
        yield Finding("permissions", WRONG, f"{near} is not writable by you", "ask its owner, or name another --store")
        return
    shared = [
        path
        for path in (root, root / "journal", root / "autotrack.db")
        if path.exists() and path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ]
    if shared:
        names = ", ".join(map(str, shared))
        yield Finding("permissions", WARNING, f"others may write to {names}", f"chmod go-w {names}")
    else:
        yield Finding(
            "permissions", OK, f"{near} is writable by you, and by nobody else" if root.exists() else str(near)
        )


def _space(place: Place) -> Finding:
    near = _nearest(place.location.root)
    free = shutil.disk_usage(near).free
    said = f"{size(free)} free on the disk of {near}"
    if free < _LITTLE_SPACE:
        return Finding("disk space", WRONG, said, "free some: `autotrack gc` shows what deleted runs take")
    if free < _SOME_SPACE:
        return Finding("disk space", WARNING, said, "`autotrack gc` shows what deleted runs take")
    return Finding("disk space", OK, said)


def _reachable(place: Place) -> Finding:
    try:
        with closing(open_place(place)) as sink:
            count = len(sink.experiments())
            about: dict[str, Any] = getattr(sink, "about", dict)()
    except (AutotrackError, OSError) as error:
        return Finding(
            "connection", WRONG, str(error), "training goes on without it: its journals wait on this machine"
        )
    version = about.get("version")
    said = f"autotrack {version} answers" if version else "it answers"
    if about.get("auth"):
        said += " and knows who asks"
    return Finding("connection", OK, f"{said}, with {plural(count, 'experiment')}")


def _database(place: Place) -> Iterator[Finding]:
    path = database_file(place)
    try:
        with closing(open_folder(place)) as store:
            findings = store.check()
            writable = store.writable
    except AutotrackError as error:
        yield Finding("database", WRONG, str(error), "its journals and artifacts are untouched")
        return
    for found in findings[:20]:
        yield Finding("database", WRONG, found, f"restore a copy of {path}, or export what can be read")
    if not findings:
        taken = size(path.stat().st_size)
        how = "" if writable else "; it may only be read from here"
        yield Finding("database", OK, f"{path} is sound, its schema is the newest{how}; {taken}")


def _journals(place: Place) -> Finding:
    folder = place.location.journal
    files = sorted(folder.glob("*.atj")) if folder.is_dir() else []
    if not files:
        return Finding("journals", OK, "none waits")
    from autotrack.core.addresses import MARK, destination, marks
    from autotrack.core.journal.lease import is_alive
    from autotrack.core.journal.reader import read_header

    alive, unreadable, others = 0, [], set()
    ours = marks(place.uri, folder)
    for file in files:
        try:
            header = read_header(file)
            alive += is_alive(file, header)
            if header.meta.get(MARK) not in ours:
                others.add(destination(header.meta[MARK], folder))
        except AutotrackError:
            unreadable.append(file.name)
        except FileNotFoundError:  # delivered meanwhile
            continue
    taken = size(sum(file.stat().st_size for file in files if file.exists()))
    said = f"{plural(len(files), 'journal')} ({taken}), {alive} of them of processes that are running"
    if unreadable:
        return Finding("journals", WARNING, f"{said}; cannot be read: {', '.join(unreadable[:5])}", "move them away")
    if others:
        names = ", ".join(sorted(others))
        advice = "`autotrack --store STORE sync` with this folder delivers them there"
        return Finding("journals", OK, f"{said}; some are for other stores ({names})", advice)
    if len(files) > alive:
        return Finding("journals", OK, said, "`autotrack sync` delivers them; reading commands do so by themselves")
    return Finding("journals", OK, said)


def _plugin(plugin: Plugin) -> Finding:
    name = f"plugin {plugin.name}"
    where = f"{plugin.distribution} {plugin.version}".strip() or plugin.module
    if plugin.status == "failed":
        return Finding(
            name, WRONG, f"{where}: {plugin.why}", "mend or uninstall it, or block it: AUTOTRACK_PLUGINS_BLOCK"
        )
    return Finding(name, OK, f"{where}, {plugin.status}" + (f": {plugin.why}" if plugin.why else ""))
