"""Arguments are known as typed and as the program's own parser understood them, and the program does not notice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.core.session import arguments
from autotrack.core.session.arguments import flat

Script = Callable[..., "subprocess.CompletedProcess[str]"]
TELL = """
import json
from autotrack.core.session.arguments import collect_arguments
def tell():
    document, gaps = collect_arguments()
    print(json.dumps([document["parsed"], document["argv"], [gap.what for gap in gaps]]))
"""


def _told(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0 and not done.stderr, done.stderr
    answer: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


PARSERS = {
    "plain": "args = parser.parse_args()",
    "explicit": "import sys; args = parser.parse_args(sys.argv[1:])",
    "known": "args, rest = parser.parse_known_args()",
    "intermixed": "args = parser.parse_intermixed_args()",
    "twice": "parser.parse_args(); parser.set_defaults(run=1); parser.parse_args(); parser.parse_args(['y'])",
    "namespace": "args = parser.parse_args(namespace=argparse.Namespace())",
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
@pytest.mark.parametrize("late", [True, False])
def test_argparse(store: Path, script: Script, parse: str, late: bool) -> None:
    done = script(
        f"""
import autotrack
{"import argparse" if late else ""}
autotrack.enable()
import argparse
{TELL}
class Parser(argparse.ArgumentParser):
    pass
parser = Parser()
parser.add_argument("data"); parser.add_argument("--lr", type=float, default=0.1); parser.add_argument("--api-key")
parser.add_argument("--layers", nargs="*", type=int, default=[1, 2]); parser.set_defaults(run=tell)
{parse}
assert len(autotrack.search_runs()) == 0
tell()
""",
        *("x.csv", "--lr", "0.5", "--api-key", "swordfish-9"),
    )
    parsed, argv, gaps = _told(done)
    assert parsed == {"data": "x.csv", "lr": "0.5", "api_key": "***", "layers": "[1, 2]", "run": "__main__.tell"}
    assert argv[-5:] == ["x.csv", "--lr", "0.5", "--api-key", "***"] and argv[-6].endswith("script.py") and gaps == []


def test_subparsers_and_a_second_parser_of_what_is_left(store: Path, script: Script) -> None:
    done = script(
        f"""
import autotrack, argparse
autotrack.enable()
{TELL}
first = argparse.ArgumentParser(add_help=False); first.add_argument("--config")
args, rest = first.parse_known_args()
second = argparse.ArgumentParser(); commands = second.add_subparsers(dest="command")
train = commands.add_parser("train"); train.add_argument("--lr", type=float)
second.parse_args(rest)
argparse.ArgumentParser().parse_args([])
tell()
""",
        *("--config", "a.yaml", "train", "--lr", "3"),
    )
    assert _told(done)[0] == {"config": "a.yaml", "command": "train", "lr": "3.0"}


@pytest.mark.parametrize("arguments", [["--help"], ["--lr", "x"], ["--no-such"], []])
def test_what_argparse_prints_and_raises_is_the_same(store: Path, script: Script, arguments: list[str]) -> None:
    source = """
import argparse, pickle, copy, inspect, sys
parser = argparse.ArgumentParser(prog="p"); parser.add_argument("--lr", type=float, required=True)
print(inspect.signature(parser.parse_known_args), parser.parse_known_args.__doc__)
print(pickle.dumps(argparse.ArgumentParser.parse_known_args), parser.parse_known_args == parser.parse_known_args)
assert callable(copy.copy(argparse.ArgumentParser.parse_known_args)) and inspect.ismethod(parser.parse_known_args)
class Mine(argparse.ArgumentParser):
    def error(self, message):
        raise KeyError(message)
    def parse_known_args(self, args=None, namespace=None):
        print("mine"); return super().parse_known_args(args, namespace)
try:
    Mine(parents=[parser], add_help=False).parse_args()
except KeyError as error:
    print(error)
parser.parse_args()
"""
    plain, watched = script(source, *arguments), script(f"import autotrack; autotrack.enable()\n{source}", *arguments)
    assert (plain.returncode, plain.stdout, plain.stderr) == (watched.returncode, watched.stdout, watched.stderr)
    assert plain.returncode in (0, 2)


CLICK = f"""
import autotrack
autotrack.enable(models=False)
import click
from sklearn.linear_model import Ridge
{TELL}
def early(context, parameter, value):
    if value:
        Ridge().fit([[0], [1]], [0, 1])
    return value
@click.group()
@click.option("--seed", default=1)
def main(seed): pass
@main.command()
@click.argument("data", nargs=-1)
@click.option("--lr", type=float)
@click.option("--user-pin", hide_input=True)
@click.option("--seed", default=9)
@click.option("--early", is_flag=True, callback=early)
def train(data, lr, user_pin, seed, early):
    Ridge().fit([[0], [1]], [0, 1])
    print(len(autotrack.search_runs()))
    tell()
main()
"""


def test_click_and_its_subcommands(store: Path, script: Script) -> None:
    done = script(CLICK, "--seed", "4", "train", "a", "b", "--lr", "2", "--user-pin", "12", options=("-W", "error"))
    parsed, argv, _ = _told(done)
    expected = {"seed": "4", "data": "['a', 'b']", "lr": "2.0", "user_pin": "***", "train.seed": "9", "early": "False"}
    assert parsed == expected
    assert argv[-2:] == ["--user-pin", "***"]


@pytest.mark.parametrize(("flag", "runs"), [((), "1"), (("--early",), "2")])
def test_a_fit_in_a_click_command_or_callback_makes_its_own_run(
    store: Path, script: Script, flag: tuple[str, ...], runs: str
) -> None:
    assert script(CLICK, "train", *flag).stdout.splitlines()[0] == runs


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["train", "--lr", "x"], ["nothing"], []])
def test_what_click_prints_and_raises_is_the_same(store: Path, script: Script, arguments: list[str]) -> None:
    plain = script(CLICK.replace("autotrack.enable(models=False)", ""), *arguments)
    watched = script(CLICK, *arguments)
    assert (plain.returncode, plain.stdout, plain.stderr) == (watched.returncode, watched.stdout, watched.stderr)


def test_a_click_command_of_somebody_elses_arguments_does_not_count(store: Path, script: Script) -> None:
    done = script(
        f"""
import autotrack, click
autotrack.enable()
{TELL}
from click.testing import CliRunner
@click.command()
@click.option("--lr")
def command(lr): pass
assert CliRunner().invoke(command, ["--lr", "3"]).exit_code == 0
tell()
""",
        "mine",
    )
    assert _told(done)[0] == {}


def test_parsers_that_are_not_watched_are_a_gap(store: Path, script: Script) -> None:
    done = script(f"import sys, types; sys.modules['fire.core'] = types.ModuleType('f')\n{TELL}\ntell()", "--lr", "3")
    assert _told(done)[2] == ["the arguments are kept as typed, not as fire understood them"]


def test_what_a_kernel_is_started_by_was_typed_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "_understood", arguments.Understood())
    monkeypatch.setattr(sys, "argv", ["launcher.py", "-f", "x.json"])
    for module, gaps in (("ipykernel_launcher", 0), ("somebody_elses", 1)):
        monkeypatch.setattr(sys, "orig_argv", ["python", "-m", module, "-f", "x.json"])
        assert len(arguments.collect_arguments()[1]) == gaps


def test_values_are_text_and_nothing_of_the_users_is_asked() -> None:
    from argparse import Namespace
    from enum import Enum

    class Kind(Enum):
        A = 1

    class Touchy:
        def __str__(self) -> str:
            raise AssertionError("asked")

        __repr__ = __str__

    values = {
        "a": Namespace(b=1, c={"d": None, "password": "x"}),
        "touchy": Touchy(),
        "path": Path("/x"),
        "kind": Kind.A,
        "many": (1.5, "two", [Touchy]),
        "set": {3, 1},
        "bad": "\udcff\x00",
        "empty": {},
    }
    assert dict(flat(values)) == {
        "a.b": "1",
        "a.c.d": "None",
        "a.c.password": "***",
        "touchy": f"<{__name__}.{Touchy.__qualname__}>",
        "path": "/x",
        "kind": "Kind.A",
        "many": f"[1.5, 'two', [{__name__}.{Touchy.__qualname__}]]",
        "set": "[1, 3]",
        "bad": "\\udcff\\x00",
        "empty": "{}",
    }
    loop: dict[str, Any] = {}
    loop["again"] = loop
    assert len(flat(loop)) == 1
