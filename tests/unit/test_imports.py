"""`import autotrack` costs next to nothing, and no plugin needs the library that it watches in order to load."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What `import autotrack` must never load, by top-level name.
HEAVY = frozenset(
    re.findall(
        r"\w+",
        """numpy pandas scipy sklearn skops joblib sqlalchemy sqlite3 wrapt click rich yaml fsspec cloudpickle torch
        xgboost tensorflow lightning starlette fastapi uvicorn httpx requests aiohttp urllib3 http asyncio
        multiprocessing""",
    )
)
#: What is out of reach while a plugin is imported: every library that a plugin might watch, and the store's engine.
BLOCKED = (HEAVY - {"wrapt", "http", "asyncio", "multiprocessing"}) | {"keras", "lightgbm", "catboost", "statsmodels"}

PLUGINS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["autotrack"]


def _run(code: str, *argv: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, cwd="/", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _loaded(code: str) -> set[str]:
    """Top-level names of the modules that the code loads beyond what the interpreter has at start-up."""
    report = _run(
        f"import sys; before = set(sys.modules)\n{code}\nimport json; print(json.dumps([*set(sys.modules) - before]))"
    )
    return {name.split(".")[0] for name in json.loads(report)}


def test_import_loads_nothing_heavy() -> None:
    assert not _loaded("import autotrack") & HEAVY


def test_the_check_above_sees_a_heavy_import() -> None:
    assert {"sqlite3", "asyncio"} <= _loaded("import autotrack, sqlite3, asyncio") & HEAVY


def test_import_leaves_the_process_as_it_was() -> None:
    """No thread, no handler, no hook, no environment variable: importing is not enabling."""
    probe = (
        "import sys, os, threading, signal, atexit, json\n"
        "def look():\n"
        "    return [threading.active_count(), repr(sys.excepthook), sys.path[:], sorted(os.environ.items()),\n"
        "            [str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],\n"
        "            len(sys.meta_path), atexit._ncallbacks()]\n"
        "before = look(); import autotrack; after = look()\n"
        "print(json.dumps([before, after]))"
    )
    before, after = json.loads(_run(probe))
    assert before == after


def _cpu(code: str) -> float:
    """CPU seconds of a fresh interpreter that runs the code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_import_adds_little_to_bare_python() -> None:
    """A ratio, so that it holds on any machine. (The promise itself is measured by `make bench`.)"""
    bare, ours = zip(*[(_cpu("pass"), _cpu("import autotrack")) for _ in range(5)], strict=True)
    assert min(ours) < 4 * min(bare)


@pytest.mark.parametrize("module", PLUGINS.values(), ids=PLUGINS.keys())
def test_plugin_imports_with_its_library_blocked(module: str) -> None:
    code = (
        "import sys, importlib\n"
        "blocked = set(sys.argv[2].split())\n"
        "class Wall:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in blocked:\n"
        "            raise ModuleNotFoundError(f'{name} is blocked', name=name)\n"
        "sys.meta_path.insert(0, Wall())\n"
        "try:\n"
        "    import numpy\n"
        "except ModuleNotFoundError:\n"
        "    pass\n"
        "else:\n"
        "    raise SystemExit('the wall does not stand')\n"
        "importlib.import_module(sys.argv[1])\n"
        "assert not blocked & {n.partition('.')[0] for n in sys.modules}\n"
    )
    _run(code, module, " ".join(sorted(BLOCKED)))
