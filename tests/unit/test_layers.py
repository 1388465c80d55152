"""The house rules that a machine can check, each with a planted offender that shows the check can fail.

A rule is a function from one module to the list of what is wrong with it; ``RULES`` names them all. Every rule looks
at the syntax tree, so that comments, strings and formatting do not matter.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: From the bottom up: a layer may import itself and what stands before it.
LAYERS = (
    "core",
    "environments",
    "answers",
    "store",
    "figures",
    "models",
    "client",
    "rebuilding",
    "server",
    "cli",
)
#: The core never imports these: the training process loads no SQL, no web, no command line of ours.
NEVER_IN_CORE = frozenset(
    re.findall(
        r"\w+", "scipy sklearn sqlalchemy sqlite3 fsspec click rich requests httpx starlette fastapi uvicorn asyncio"
    )
)
#: These only inside a function that was handed one of their objects, or is asked for one (``to_pandas``).
ON_DEMAND_IN_CORE = frozenset({"numpy", "pandas", "yaml", "matplotlib", "PIL"})
#: The only module that may turn bytes of unknown origin into objects.
UNPICKLING = frozenset({"autotrack/core/pickled.py"})
UNPICKLERS = re.compile(
    r"(pickle|cloudpickle|dill|joblib|marshal|shelve|torch|_pickle)\.(load|loads|Unpickler|open)$|numpy\.load$"
)
FORBIDDEN_CALLS = {
    "os.system": "runs a shell",
    "os.popen": "runs a shell",
    "subprocess.getoutput": "runs a shell",
    "subprocess.getstatusoutput": "runs a shell",
    "yaml.load": "builds objects; use yaml.safe_load",
    "yaml.load_all": "builds objects; use yaml.safe_load_all",
    "yaml.full_load": "builds objects; use yaml.safe_load",
    "yaml.unsafe_load": "builds objects; use yaml.safe_load",
    "tempfile.mktemp": "is a race; use mkstemp",
    "eval": "runs text",
    "exec": "runs text",
}
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|PRAGMA|VACUUM|ATTACH|WITH)\s")
SQL_TAKERS = frozenset({"execute", "executemany", "executescript", "exec_driver_sql", "text"})
VAGUE_NAMES = re.compile(r"_?(utils?|helpers?|common|misc)$")
LONGEST = 400


@dataclass(frozen=True)
class Module:
    """One source file: where it stands (relative to the root, forward slashes) and what it says."""

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def dotted(self) -> str:
        parts = list(PurePosixPath(self.path).with_suffix("").parts)
        if parts[0] in ("plugins", "contrib"):
            parts = parts[2:]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def plugin(self) -> str | None:
        """The plugin package that the module belongs to, or None."""
        top = self.dotted.split(".")[0]
        return top if top.startswith("autotrack_") else None

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and absolute name of everything imported."""
        return ((node.lineno, name) for node, name in self.import_nodes())

    def import_nodes(self, *, typing: bool = True) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
        """What imports, and the absolute name of what it imports, at any depth, by statement or import_module("...").

        ``typing=False`` leaves out what stands under ``if TYPE_CHECKING``.
        """
        skipped: set[ast.AST] = set()
        for node in ast.walk(self.tree):
            if not typing and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                skipped.update(inner for statement in node.body for inner in ast.walk(statement))
            if node in skipped:
                continue
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield from ((node, f"{base}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Call) and _last(node.func) in ("import_module", "__import__") and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield node, name.value

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.dotted.split(".")
        drop = node.level - (1 if self.path.endswith("__init__.py") else 0)
        return ".".join([*package[: len(package) - drop], *([node.module] if node.module else [])])

    @cached_property
    def names(self) -> dict[str, str]:
        """What each imported name stands for: {"loads": "pickle.loads", "p": "pickle"}."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update({a.asname: a.name for a in node.names if a.asname})
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
        return found

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the full dotted name of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                head, dot, rest = ast.unparse(node.func).partition(".")
                yield node, self.names.get(head, head) + dot + rest


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _layer(name: str) -> str | None:
    """The layer of an absolute name, "plugin" for the plugin author's door, None for the public face or strangers."""
    parts = name.split(".")
    if parts[0] != "autotrack" or len(parts) < 2:
        return None
    return parts[1] if parts[1] in (*LAYERS, "plugin") else None


def layers_point_down(module: Module) -> list[str]:
    own = _layer(module.dotted)
    if module.plugin or own is None:
        return []  # plugins have a rule of their own; the public face may name everything
    wrong = []
    # The plugins' face may say of what type is what it brings when it is asked for.
    for node, name in module.import_nodes(typing=own != "plugin"):
        line, other = node.lineno, _layer(name)
        if other is None:
            if name.split(".")[0] == "autotrack" and name not in ("autotrack.__version__",) and own != "cli":
                wrong.append(f"{module.path}:{line}: {own} imports the public face ({name})")
        elif other == "plugin":
            if own == "core":
                wrong.append(f"{module.path}:{line}: core imports {name}")
        elif LAYERS.index(other) > LAYERS.index("environments" if own == "plugin" else own):
            wrong.append(f"{module.path}:{line}: {own} imports {name}, which lies above it")
    return wrong


def the_core_stays_light(module: Module) -> list[str]:
    if _layer(module.dotted) not in ("core", "plugin") and module.dotted != "autotrack":
        return []
    inner = {
        id(node)
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    wrong = []
    for node, name in module.import_nodes(typing=False):
        top = name.split(".")[0]
        if top in NEVER_IN_CORE or (top in ON_DEMAND_IN_CORE and id(node) not in inner):
            wrong.append(f"{module.path}:{node.lineno}: the core imports {name}")
    return wrong


def nobody_imports_a_plugin(module: Module) -> list[str]:
    tops = ((line, name, name.split(".")[0]) for line, name in module.imports())
    return [
        f"{module.path}:{line}: imports the plugin {name}"
        for line, name, top in tops
        if top.startswith("autotrack_") and top != module.plugin
    ]


def plugins_use_the_one_door(module: Module) -> list[str]:
    if module.plugin is None:
        return []
    return [
        f"{module.path}:{line}: a plugin imports {name}; autotrack.plugin is the only door"
        for line, name in module.imports()
        if name.split(".")[0] == "autotrack" and not f"{name}.".startswith("autotrack.plugin.")
    ]


def broad_excepts_only_in_the_guard(module: Module) -> list[str]:
    """``except BaseException`` is fine where the handler raises the same object again: nothing is swallowed."""
    if module.path == "autotrack/core/guard.py":
        return []
    wrong = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            broad = node.type is None or re.search(r"\b(Base)?Exception\b", caught)
            last = node.body[-1]
            again = isinstance(last, ast.Raise) and last.exc is None and "Base" in caught
            if broad and not again:
                wrong.append(f"{module.path}:{node.lineno}: except {caught or '(bare)'} outside core/guard.py")
    for call, name in module.calls():
        if name.endswith("suppress") and any(re.search(r"\b(Base)?Exception$", ast.unparse(a)) for a in call.args):
            wrong.append(f"{module.path}:{call.lineno}: suppress(Exception) outside core/guard.py")
    return wrong


def nothing_dangerous_is_called(module: Module) -> list[str]:
    wrong = []
    for call, name in module.calls():
        reason = FORBIDDEN_CALLS.get(name)
        if reason is None and name.endswith(".extractall"):
            reason = "unpacks wherever the archive says"
        if reason is None and any(k.arg == "shell" and not _is_false(k.value) for k in call.keywords):
            reason = "runs a shell"
        if reason is None and UNPICKLERS.match(name) and module.path not in UNPICKLING:
            reason = f"builds objects from bytes outside {', '.join(UNPICKLING)}"
        if reason:
            wrong.append(f"{module.path}:{call.lineno}: {name}(...) {reason}")
    return wrong


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def sql_is_never_put_together_from_text(module: Module) -> list[str]:
    """Values are bound.

    What cannot be bound may stand in the text where it can be seen to be harmless: an integer written with ``:d``, one
    of two constants (PRAGMA), a name that was quoted and is called so (``quoted``, ``quote(name)``).
    """
    wrong = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.JoinedStr) and SQL.match(_first_text(node)) and not _nothing_foreign(node):
            wrong.append(f"{module.path}:{node.lineno}: SQL in an f-string")
        elif isinstance(node, ast.Call) and _last(node.func) in SQL_TAKERS and node.args:
            made = node.args[0]
            pasted = isinstance(made, ast.Call) and _last(made.func) == "format"
            if isinstance(made, ast.BinOp):
                pasted = isinstance(made.op, ast.Mod) or not all(_harmless(part) for part in _operands(made))
            if pasted or (isinstance(made, ast.JoinedStr) and not _nothing_foreign(made)):
                wrong.append(f"{module.path}:{node.lineno}: SQL put together from text")
    return wrong


def _operands(node: ast.expr) -> list[ast.expr]:
    return [*_operands(node.left), *_operands(node.right)] if isinstance(node, ast.BinOp) else [node]


def _harmless(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return _harmless(node.body) and _harmless(node.orelse)
    called = node.func if isinstance(node, ast.Call) else node
    return isinstance(node, ast.Constant) or bool(re.match(r"(\w+\.)*_?quoted?$", ast.unparse(called)))


def _first_text(node: ast.JoinedStr) -> str:
    first = node.values[0] if node.values else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _nothing_foreign(node: ast.JoinedStr) -> bool:
    values = [part for part in node.values if isinstance(part, ast.FormattedValue)]
    return all(
        _harmless(value.value) or (value.format_spec is not None and ast.unparse(value.format_spec) in ("f'd'", 'f"d"'))
        for value in values
    )


def print_only_in_the_command_line(module: Module) -> list[str]:
    if module.path.startswith("autotrack/cli/"):
        return []
    return [f"{module.path}:{call.lineno}: print() outside cli/" for call, name in module.calls() if name == "print"]


def modules_are_short(module: Module) -> list[str]:
    lines = module.source.count("\n")
    return [f"{module.path}: {lines} lines, more than {LONGEST}"] if lines > LONGEST else []


def names_say_something(module: Module) -> list[str]:
    parts = PurePosixPath(module.path).with_suffix("").parts
    return [f"{module.path}: {part!r} says nothing" for part in parts if VAGUE_NAMES.match(part)]


def plugin_folders_are_no_packages(module: Module) -> list[str]:
    """plugins/sklearn/__init__.py would let pytest import our folder as ``sklearn``."""
    parts = PurePosixPath(module.path).parts
    bad = len(parts) == 3 and parts[0] in ("plugins", "contrib") and parts[2] == "__init__.py"
    return [f"{module.path}: shadows the library it is named after"] if bad else []


RULES: tuple[Callable[[Module], list[str]], ...] = (
    layers_point_down,
    the_core_stays_light,
    nobody_imports_a_plugin,
    plugins_use_the_one_door,
    broad_excepts_only_in_the_guard,
    nothing_dangerous_is_called,
    sql_is_never_put_together_from_text,
    print_only_in_the_command_line,
    modules_are_short,
    names_say_something,
    plugin_folders_are_no_packages,
)


@pytest.fixture(scope="module")
def shipped() -> list[Module]:
    """Everything that is installed on somebody's machine, and what stands beside it in a plugin's folder."""
    files = sorted(
        {*ROOT.glob("autotrack/**/*.py"), *ROOT.glob("plugins/*/*.py"), *ROOT.glob("*/*/autotrack_*/**/*.py")}
    )
    modules = [Module(f.relative_to(ROOT).as_posix(), f.read_text("utf-8")) for f in files if ".venv" not in f.parts]
    assert len(modules) > 10, "the sources were not found"
    return modules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Callable[[Module], list[str]], shipped: list[Module]) -> None:
    wrong = [finding for module in shipped for finding in rule(module)]
    assert not wrong, "\n" + "\n".join(wrong)


def test_import_linter_has_the_same_layers() -> None:
    """`make lint` checks the layers by import-linter: the two must not drift apart."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["name"] == "layers point down only")
    there = [f"autotrack.{layer}" for layer in reversed(LAYERS) if (ROOT / "autotrack" / layer).is_dir()]
    assert layers == there


BAD: list[tuple[Callable[[Module], list[str]], str, str]] = [
    (layers_point_down, "autotrack/core/runs/run.py", "from autotrack.store import schema"),
    (layers_point_down, "autotrack/core/journal/writer.py", "from ...store.schema import runs"),
    (layers_point_down, "autotrack/core/__init__.py", "from ..cli import main"),
    (layers_point_down, "autotrack/core/runs/run.py", "def f():\n    from autotrack import start_run"),
    (layers_point_down, "autotrack/core/runs/run.py", "import autotrack.plugin"),
    (layers_point_down, "autotrack/core/runs/run.py", "importlib.import_module('autotrack.client.http')"),
    (layers_point_down, "autotrack/plugin.py", "from autotrack.models import load"),
    (layers_point_down, "autotrack/store/search/queries.py", "import autotrack.client"),
    (layers_point_down, "autotrack/answers/diff.py", "from autotrack.store.store import Store"),
    (layers_point_down, "autotrack/models/load.py", "if TYPE_CHECKING:\n    from autotrack.cli.main import main"),
    (the_core_stays_light, "autotrack/core/runs/run.py", "def f():\n    import sqlite3"),
    (the_core_stays_light, "autotrack/core/runs/run.py", "try:\n    import numpy as np\nexcept ImportError:\n    pass"),
    (the_core_stays_light, "autotrack/__init__.py", "from sqlalchemy.engine import Engine"),
    (nobody_imports_a_plugin, "autotrack/cli/main.py", "import autotrack_sklearn"),
    (nobody_imports_a_plugin, "plugins/torch/autotrack_torch/a.py", "from autotrack_sklearn.metrics import f1"),
    (
        plugins_use_the_one_door,
        "plugins/sklearn/autotrack_sklearn/__init__.py",
        "from autotrack.core.runs.run import Run",
    ),
    (plugins_use_the_one_door, "plugins/sklearn/autotrack_sklearn/__init__.py", "import autotrack"),
    (plugins_use_the_one_door, "contrib/x/autotrack_x/__init__.py", "from autotrack import start_run"),
    (plugins_use_the_one_door, "plugins/a/autotrack_a/a.py", "import autotrack.pluginlike"),
    (broad_excepts_only_in_the_guard, "autotrack/core/runs/run.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (broad_excepts_only_in_the_guard, "autotrack/core/runs/run.py", "try:\n    f()\nexcept:\n    pass"),
    (
        broad_excepts_only_in_the_guard,
        "autotrack/core/runs/run.py",
        "try:\n    f()\nexcept (OSError, Exception) as e:\n    g()",
    ),
    (broad_excepts_only_in_the_guard, "autotrack/core/runs/run.py", "try:\n    f()\nexcept BaseException:\n    g()"),
    (broad_excepts_only_in_the_guard, "autotrack/store/a.py", "with contextlib.suppress(Exception):\n    f()"),
    (nothing_dangerous_is_called, "autotrack/cli/run.py", "subprocess.run(command, shell=True)"),
    (nothing_dangerous_is_called, "autotrack/cli/run.py", "subprocess.Popen(command, shell=flag)"),
    (nothing_dangerous_is_called, "autotrack/cli/run.py", "from os import system as s\ns('ls')"),
    (nothing_dangerous_is_called, "autotrack/models/folder.py", "yaml.load(text, Loader=yaml.SafeLoader)"),
    (nothing_dangerous_is_called, "autotrack/models/load.py", "import pickle as p\np.load(f)"),
    (nothing_dangerous_is_called, "plugins/a/autotrack_a/a.py", "from cloudpickle import loads\nloads(b)"),
    (nothing_dangerous_is_called, "autotrack/models/load.py", "tar.extractall(folder)"),
    (nothing_dangerous_is_called, "autotrack/store/filters/sql.py", "eval(text)"),
    (nothing_dangerous_is_called, "autotrack/store/files/local.py", "import tempfile\ntempfile.mktemp()"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "q = f'SELECT * FROM runs WHERE id = {run_id}'"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute('DELETE FROM runs WHERE id = %s' % i)"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute(text('... {}'.format(i)))"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.exec_driver_sql(f'{verb} runs')"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute(f'PRAGMA user_version = {n}')"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute('SELECT 1 FROM ' + name + quoted)"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute(f'PRAGMA x={a if b else 1}')"),
    (print_only_in_the_command_line, "autotrack/core/runs/run.py", "print('hello')"),
    (modules_are_short, "autotrack/core/runs/run.py", "x = 1\n" * (LONGEST + 1)),
    (names_say_something, "autotrack/core/utils.py", ""),
    (names_say_something, "plugins/sklearn/autotrack_sklearn/_helpers.py", ""),
    (names_say_something, "autotrack/common/run.py", ""),
    (plugin_folders_are_no_packages, "plugins/sklearn/__init__.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "source"), BAD)
def test_each_rule_sees_its_offender(rule: Callable[[Module], list[str]], path: str, source: str) -> None:
    assert len(rule(Module(path, source))) >= 1


GOOD: list[tuple[Callable[[Module], list[str]], str, str]] = [
    (layers_point_down, "autotrack/cli/main.py", "import autotrack\nfrom autotrack.store.search import queries"),
    (layers_point_down, "autotrack/__init__.py", "from autotrack.client import api"),
    (layers_point_down, "autotrack/store/plugin.py", "from autotrack.plugin import hookimpl\nfrom ..core import sink"),
    (layers_point_down, "autotrack/core/journal/writer.py", "from ..errors import JournalError\nfrom . import layout"),
    (layers_point_down, "autotrack/core/journal/__init__.py", "from .writer import JournalWriter"),
    (the_core_stays_light, "autotrack/core/sink.py", "if TYPE_CHECKING:\n    import numpy"),
    (the_core_stays_light, "autotrack/core/history.py", "def to_pandas():\n    import pandas"),
    (the_core_stays_light, "autotrack/store/series/points.py", "import numpy"),
    (nobody_imports_a_plugin, "plugins/sklearn/autotrack_sklearn/a.py", "from autotrack_sklearn.metrics import f1"),
    (plugins_use_the_one_door, "plugins/sklearn/autotrack_sklearn/a.py", "from autotrack.plugin import Patch"),
    (broad_excepts_only_in_the_guard, "autotrack/core/guard.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (
        broad_excepts_only_in_the_guard,
        "autotrack/core/a.py",
        "try:\n    f()\nexcept BaseException:\n    g()\n    raise",
    ),
    (broad_excepts_only_in_the_guard, "autotrack/core/a.py", "try:\n    f()\nexcept JournalError:\n    g()"),
    (nothing_dangerous_is_called, "autotrack/core/pickled.py", "import pickle\npickle.load(f)"),
    (
        nothing_dangerous_is_called,
        "autotrack/core/a.py",
        "json.loads(text)\nre.compile(p)\nself.eval(x)\nmodel.load(x)",
    ),
    (nothing_dangerous_is_called, "autotrack/cli/a.py", "subprocess.run(argv, shell=False)"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute(f'PRAGMA user_version = {n:d}')"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute(text('SELECT 1 WHERE id = :id'), {})"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "raise E(f'Update autotrack to {version}')"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute('SELECT count(*) FROM ' + quote(name))"),
    (sql_is_never_put_together_from_text, "autotrack/store/a.py", "c.execute(f'PRAGMA sync={1 if wal else 2}')"),
    (print_only_in_the_command_line, "autotrack/cli/runs.py", "print('hello')"),
    (names_say_something, "autotrack/store/lifecycle.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "source"), GOOD)
def test_no_rule_cries_wolf(rule: Callable[[Module], list[str]], path: str, source: str) -> None:
    assert rule(Module(path, source)) == []
