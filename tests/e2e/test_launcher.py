"""`autotrack run` against plain `python`, each in a real process: nothing that a script can see differs."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

TRACKED = ["-m", "autotrack", "run"]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Bench:
    """A folder with a script in it, run plainly and tracked with the same environment."""

    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def environment(self, extra: Mapping[str, str | None] | None = None) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOTRACK", "PYTHON", "COV"))}
        kept["AUTOTRACK_TRACKING_URI"] = str(self.folder / "store")
        for key, value in (extra or {}).items():
            if value is not None:
                kept[key] = value
        return kept

    def go(
        self,
        arguments: Sequence[str],
        *,
        tracked: bool,
        options: Sequence[str] = (),
        ours: Sequence[str] = (),
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
    ) -> Outcome:
        command = [sys.executable, *options, *([*TRACKED, *ours] if tracked else []), *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def same(
        self,
        arguments: Sequence[str],
        *,
        options: Sequence[str] = (),
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
    ) -> Outcome:
        """Runs both ways, asserts that they cannot be told apart, and answers what both did."""
        plain = self.go(arguments, tracked=False, options=options, env=env, stdin=stdin)
        tracked = self.go(arguments, tracked=True, options=options, env=env, stdin=stdin)
        assert tracked == plain
        return plain


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


ENDINGS = {
    "returns": ("print('done')", 0),
    "sys.exit(3)": ("import sys; sys.exit(3)", 3),
    "sys.exit(text)": ("import sys; sys.exit('no data')", 1),
    "os._exit": ("import os; os._exit(7)", 7),
    "exception": ("def f(x):\n    return 1 / x\n\n\nf(0)\n", 1),
    "chained": ("try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e\n", 1),
    "syntax error": ("def f(:\n    pass\n", 1),
    "interrupt": ("raise KeyboardInterrupt", -signal.SIGINT),
    "recursion": ("def f():\n    f()\n\n\nf()\n", 1),
    "excepthook": ("import sys\nsys.excepthook = lambda *a: print('mine', a[1])\nraise ValueError('x')\n", 1),
    "group": ("raise ExceptionGroup('many', [ValueError(1), TypeError(2)])", 1),
    "aborts": ("import os; os.abort()", -signal.SIGABRT),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_exit_code_output_and_traceback_are_pythons(bench: Bench, ending: str) -> None:
    text, code = ENDINGS[ending]
    bench.write("train.py", text)
    assert bench.same(["train.py"]).code == code


LOOK = """
import json, os, sys
import __main__

class Thing:
    pass

print(json.dumps({
    "argv": sys.argv, "path": sys.path, "name": __name__, "file": __file__, "main": __main__.Thing is Thing,
    "module": Thing.__module__, "flags": repr(sys.flags), "warnoptions": sys.warnoptions, "xoptions": sys._xoptions,
    "doc": __doc__, "package": __package__, "spec": repr(__spec__ and __spec__.name), "cached": repr(__cached__),
    "main names": sorted(vars(__main__)), "environment": dict(sorted(os.environ.items())),
    "sitecustomize": "sitecustomize" in sys.modules,
    "stdin": sys.stdin.read(), "tty": [s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)],
    "cwd": os.getcwd(), "executable": sys.executable, "hooks": [repr(h) for h in (sys.displayhook,)],
    "warnings": __import__("warnings").filters.__repr__(), "mp_main": "__mp_main__" in sys.modules,
    "original": sys.orig_argv[1:],
}))
"""


@pytest.mark.parametrize(
    "pythonpath", [None, "", "{folder}/lib", "{folder}/lib:{folder}/more", ":{folder}/lib", "a::b"]
)
def test_a_script_sees_the_same_process(bench: Bench, pythonpath: str | None) -> None:
    bench.write("src/train.py", LOOK)
    bench.write("lib/extra.py", "")
    value = None if pythonpath is None else pythonpath.format(folder=bench.folder)
    seen = json.loads(bench.same(["src/train.py", "--a", "b", "--", "-m", "x"], env={"PYTHONPATH": value}).out)
    assert seen["argv"] == ["src/train.py", "--a", "b", "--", "-m", "x"]
    assert seen["environment"].get("PYTHONPATH") == value
    assert not [key for key in seen["environment"] if key.startswith("AUTOTRACK_LAUNCH")]


@pytest.mark.parametrize(
    "options",
    [["-O"], ["-OO"], ["-W", "error"], ["-Werror::UserWarning"], ["-X", "utf8"], ["-bb", "-u"], ["-B", "-s"], ["-P"]],
    ids=" ".join,
)
def test_pythons_own_options_are_kept(bench: Bench, options: list[str]) -> None:
    bench.write("train.py", LOOK)
    # Everything but the options is compared above; -P takes the folder of our own `-m` off the path, which is right.
    assert bench.same(["train.py"], options=options).code == 0


def test_settings_in_the_environment_are_kept(bench: Bench) -> None:
    bench.write("train.py", LOOK)
    settings = {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "1", "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "7"}
    seen = json.loads(bench.same(["train.py"], env=settings).out)
    assert seen["warnoptions"] == ["error"]


def test_a_module_is_found_as_python_finds_it(bench: Bench) -> None:
    bench.write("package/__init__.py", "")
    bench.write("package/train.py", LOOK)
    seen = json.loads(bench.same(["-m", "package.train", "--experiment", "mine", "--", "-h"]).out)
    assert seen["argv"][1:] == ["--experiment", "mine", "--", "-h"]
    assert bench.same(["-m", "package.nothing"]).code == 1


def test_standard_input_reaches_the_script(bench: Bench) -> None:
    bench.write("train.py", LOOK)
    assert json.loads(bench.same(["train.py"], stdin="one\ntwo").out)["stdin"] == "one\ntwo"
    assert bench.same(["-"], stdin="print(__name__, 6 * 7)").out == "__main__ 42\n"


def test_a_terminal_stays_a_terminal(bench: Bench) -> None:
    bench.write("train.py", "import sys\nprint(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())\n")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, *TRACKED, "train.py"],
            cwd=bench.folder,
            env=bench.environment(),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        assert terminal.readline().strip() == b"True True True"
        assert process.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=lambda n: n.name)
def test_a_signal_ends_it_as_it_ends_python(bench: Bench, number: signal.Signals) -> None:
    bench.write("train.py", "import os, signal\nprint(os.getpid(), flush=True)\nsignal.pause()\n")
    seen = []
    for command in ([], TRACKED):
        process = subprocess.Popen(
            [sys.executable, *command, "train.py"],
            cwd=bench.folder,
            env=bench.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid  # the launcher became the script: no process between
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0.01)  # until it is in pause(), so that the traceback names the same line
        time.sleep(0.1)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        seen.append((process.returncode, err))
    assert seen[1] == seen[0]
    assert seen[0][0] == -number


def test_signal_handlers_are_untouched(bench: Bench) -> None:
    bench.write(
        "train.py",
        "import signal\nprint([(s.name, repr(signal.getsignal(s)).split(' at ')[0]) for s in signal.Signals])\n",
    )
    bench.same(["train.py"])


SPAWN = """
import multiprocessing, os, sys

class Answer:
    def __init__(self, value):
        self.value = value

def work(value):
    clean = not [key for key in os.environ if key.startswith(("AUTOTRACK_LAUNCH", "PYTHONPATH"))]
    return Answer((value * value, clean, "sitecustomize" in sys.modules, type(Answer).__module__))

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print([answer.value for answer in pool.map(work, [1, 2, 3])])
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_pool_returns_classes_of_main(bench: Bench, method: str) -> None:
    bench.write("train.py", SPAWN)
    assert "(9, True, False" in bench.same(["train.py", method]).out


def test_loky_workers_are_clean(bench: Bench) -> None:
    pytest.importorskip("joblib")
    bench.write(
        "train.py",
        "import os, sys\nfrom joblib import Parallel, delayed\n\n\ndef look(i):\n"
        "    return i, sorted(k for k in os.environ if 'AUTOTRACK_LAUNCH' in k or k == 'PYTHONPATH'),"
        " 'autotrack' in sys.modules\n\n\n"
        "if __name__ == '__main__':\n    print(Parallel(2)(delayed(look)(i) for i in range(2)))\n",
    )
    assert bench.same(["train.py"]).out == "[(0, [], False), (1, [], False)]\n"


def test_a_child_process_is_clean(bench: Bench) -> None:
    bench.write(
        "train.py",
        "import subprocess, sys\n"
        "look = 'import os, sys; print(dict(sorted(os.environ.items())), sys.path, \"autotrack\" in sys.modules)'\n"
        "subprocess.run([sys.executable, '-c', look], check=True)\n",
    )
    assert bench.same(["train.py"]).out.endswith("False\n")


def test_the_users_own_sitecustomize_runs_first(bench: Bench) -> None:
    bench.write("site/sitecustomize.py", "import builtins\nbuiltins.hello = 'theirs'\n")
    bench.write(
        "train.py", "import sitecustomize, sys\nprint(hello, sitecustomize.__file__, sys.modules['sitecustomize'])\n"
    )
    assert bench.same(["train.py"], env={"PYTHONPATH": str(bench.folder / "site")}).out.startswith("theirs ")


@pytest.mark.parametrize("fault", ["1 / 0", "import not_there", "def f(:"])
def test_a_broken_sitecustomize_is_reported_as_by_python(bench: Bench, fault: str) -> None:
    bench.write("site/sitecustomize.py", fault)
    bench.write("train.py", "import sys\nprint('runs', 'sitecustomize' in sys.modules)\n")
    path = {"PYTHONPATH": str(bench.folder / "site")}
    plain = bench.go(["train.py"], tracked=False, env=path)
    # `-m autotrack` would meet the broken one itself: start the launcher without it, as from another environment.
    code = (
        "import os, sys\n"
        f"os.environ['PYTHONPATH'] = {path['PYTHONPATH']!r}\n"
        "from autotrack.cli.main import main\n"
        "main(['run', 'train.py'])\n"
    )
    tracked = bench.go(["-c", code], tracked=False)
    assert tracked == plain


def test_modules_beside_the_script_still_hide_the_standard_ones(bench: Bench) -> None:
    bench.write("src/queue.py", "mine = True\n")
    bench.write("src/json.py", "mine = True\n")  # the launcher itself reads JSON
    bench.write("src/tomllib/__init__.py", "mine = True\n")
    bench.write("src/pathlib.txt", "")
    bench.write(
        "src/train.py",
        "import json, queue, tomllib, pathlib\nprint(json.mine, queue.mine, tomllib.mine, pathlib.Path.__name__)\n",
    )
    assert bench.same(["src/train.py"]).out == "True True True Path\n"


def test_a_failure_to_enable_is_one_line_and_the_script_runs(bench: Bench) -> None:
    bench.write("train.py", "print('trained')\n")
    done = bench.go(["train.py"], tracked=True, env={"AUTOTRACK_DELIVER_AFTER": "soon"})
    assert (done.code, done.out) == (0, "trained\n")
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("autotrack: enable() failed (UsageError: ")


def test_an_isolated_python_is_refused(bench: Bench) -> None:
    bench.write("train.py", "print('trained')\n")
    code = "from autotrack.cli.main import main; main(['run', 'train.py'])"
    for option in ("-I", "-E"):
        done = bench.go([option, "-c", code], tracked=False)
        assert done.code == 2
        assert "ignores PYTHONPATH" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.py"], "there is no such file"),
        (["."], "has no entry point 'main'; there are: train.py"),
        (["ext::sh.git"], "there is no such folder"),
        ([], "nothing to run"),
        (["-t", "novalue", "train.py"], "KEY=VALUE"),
        (["--nonsense", "train.py"], "--nonsense"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_code_2(bench: Bench, arguments: list[str], said: str) -> None:
    bench.write("train.py", "print('trained')\n")
    done = bench.go(arguments, tracked=True)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


FIT = """
import sys
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

print(LogisticRegression(C=0.5, max_iter=200).fit(*load_iris(return_X_y=True)).score(*load_iris(return_X_y=True)))
sys.exit(3)
"""


def test_fits_are_tracked_with_what_the_options_say(bench: Bench) -> None:
    pytest.importorskip("sklearn")
    bench.write("train.py", FIT)
    plain = bench.go(["train.py"], tracked=False)
    options = ["--experiment", "flowers", "--name", "first", "--tag", "team=risk", "-t", "a=b=c", "--no-models"]
    tracked = bench.go(["train.py"], tracked=True, ours=options)
    assert tracked == plain
    listed = subprocess.run(
        [sys.executable, "-m", "autotrack", "runs", "list", "--json"],
        env=bench.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (run,) = json.loads(listed.stdout)
    assert (run["experiment"], run["name"]) == ("flowers", "first")
    assert run["tags"]["team"] == "risk"
    assert run["tags"]["a"] == "b=c"
    assert run["params"]["C"] == "0.5"
    assert run["status"] == "FINISHED"
    assert run["models"] == []
