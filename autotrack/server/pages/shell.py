"""The shell: the HTML that every page's address is answered with. What it shows comes from the API."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from autotrack.core.errors import AutotrackError, NotFoundError
from autotrack.core.version import __version__
from autotrack.store.store import Store

from ..answers import Answer
from ..calls import Call
from ..routing import PUBLIC, Table
from .assets import FIRST, assets, bare_names, joined, version

ROUTES = Table()


def _page(path: str) -> Callable[[Any], Any]:
    return ROUTES.get(path, PUBLIC, answers_with_bytes="text/html; charset=utf-8")


@_page("/")
def home(call: Call) -> Answer:
    """The page of all experiments."""
    return shell(call, "Experiments", "home")


@_page("/login")
def login(call: Call) -> Answer:
    """The page to log in at."""
    return shell(call, "Log in", "login")


@_page("/e/{experiment:path}")
def experiment(call: Call) -> Answer:
    """The page of an experiment: its runs, as a table and as charts."""
    name = call.path["experiment"]
    return _about(call, name, "experiment", lambda store: _experiment(store, name))


@_page("/r/{run}")
def run(call: Call) -> Answer:
    """The page of a run."""
    return _run(call)


@_page("/r/{run}/{rest:path}")
def run_part(call: Call) -> Answer:
    """A part of a run's page: its charts, artifacts, code, ..."""
    return _run(call)


@_page("/compare")
def compare(call: Call) -> Answer:
    """The page that compares runs."""
    return shell(call, "Compare", "compare")


@_page("/models")
def models(call: Call) -> Answer:
    """The page of registered models."""
    return shell(call, "Models", "models")


@_page("/models/{rest:path}")
def model(call: Call) -> Answer:
    """The page of a registered model or of one of its versions."""
    return shell(call, call.path["rest"].partition("/")[0], "models")


@_page("/projects")
def projects(call: Call) -> Answer:
    """The page of projects."""
    return shell(call, "Projects", "projects")


@_page("/projects/{rest:path}")
def project(call: Call) -> Answer:
    """The page of a project."""
    return shell(call, call.path["rest"], "projects")


def _run(call: Call) -> Answer:
    name = call.path["run"]
    return _about(call, name, "run", lambda store: store.run(name).name)


def _experiment(store: Store, named: str) -> str:
    """The name of an experiment that is named by its id, its name or the beginning of its id, in this order."""
    found = store.experiments("all")
    for fits in (lambda one: one.id == named, lambda one: one.name == named, lambda one: one.id.startswith(named)):
        for one in filter(fits, found):
            return one.name
    raise NotFoundError(f"there is no experiment {named!r}")


def _about(call: Call, name: str, screen: str, title: Callable[[Store], str]) -> Answer:
    """The shell with the name of what it is about; 404 where there is no such thing.

    Where users have to log in, the shell tells nobody what there is.
    """
    if call.services.access is not None:
        return shell(call, "autotrack", screen)
    try:
        return shell(call, title(call.services.store) or name, screen)
    except NotFoundError:
        return shell(call, "Not found", screen, status=404)
    except AutotrackError:  # the store is away: the page itself says so, and shows what comes back
        return shell(call, name, screen)


def shell(call: Call, title: str, screen: str, status: int = 200) -> Answer:
    """The HTML with a title. ``screen``: the module in ``ui/screens`` that will be drawn, fetched along with the first.

    ``boot`` is what the scripts know before they ask anything.
    """
    boot = {"version": __version__, "auth": call.services.settings.auth, "status": status}
    first, rest = _parts(screen)
    body = (
        f"{first}<title>{html.escape(title)} · autotrack</title>{rest}{_safe(json.dumps(boot))}</script></body></html>"
    )
    headers = {"Content-Security-Policy": _policy(), "Cache-Control": "no-cache"}
    return Answer(body.encode(), status, "text/html; charset=utf-8", headers)


@cache
def _parts(screen: str) -> tuple[str, str]:
    base = f"/ui/{version()}/"
    main, _ = joined().places[FIRST]
    preloaded = dict.fromkeys((main, *bare_names().values(), *joined().needed(f"screens/{screen}.js")))
    preloads = "".join(f'<link rel="modulepreload" href="{base}{path}">' for path in preloaded)
    sheets = ["theme.css", *(path for path in assets() if path.startswith("styles/"))]
    styles = "".join(f'<link rel="stylesheet" href="{base}{path}">' for path in sheets)
    first = '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    rest = (
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<script src="{base}early.js"></script>'  # sets the theme before anything is drawn
        f"{styles}"
        f'<link rel="icon" href="{base}icon.svg" type="image/svg+xml">'
        f'<script type="importmap">{_import_map()}</script>{preloads}'
        f'<script type="module" src="{base}{main}"></script></head>'
        '<body><div id="app"></div><noscript>autotrack\'s pages need JavaScript; the command line does not.</noscript>'
        '<script type="application/json" id="boot">'
    )
    return first, rest


@cache
def _import_map() -> str:
    base = f"/ui/{version()}/"
    return json.dumps({"imports": {name: base + path for name, path in bare_names().items()}})


@cache
def _policy() -> str:
    """Scripts come from here alone, but for the import map, which is known by its digest."""
    digest = base64.b64encode(hashlib.sha256(_import_map().encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self' blob:",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _safe(text: str) -> str:
    """JSON that cannot end the element that it stands in."""
    return text.replace("<", "\\u003c")
