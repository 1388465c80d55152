"""Models that are code: copied, listed, loaded only where somebody vouches for them, and hiding nothing."""

import importlib
import json
import multiprocessing
import pickle
import sys
import textwrap
import threading
import types
from pathlib import Path

import pandas as pd
import pytest

from autotrack.core.errors import ArtifactError, UntrustedModelError, UsageError
from autotrack.models import load_model, load_pyfunc, save_model
from autotrack.models.python_source import PYTHON, source_of

TABLE = pd.DataFrame({"a": [1.0, 2.0]})


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    monkeypatch.setenv("AUTOTRACK_TRUST_FILE", str(tmp_path / "trust.json"))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A class that imports a module of its own and a package, and reads a file."""
    place = tmp_path / "project"
    (place / "parts").mkdir(parents=True)
    (place / "parts" / "__init__.py").write_text("from .inner import ONE\n")
    (place / "parts" / "inner.py").write_text("ONE = 1.0\n")
    (place / "doubling_words.py").write_text("def double(x):\n    return x * 2\n")
    (place / "add.txt").write_text("0.5")
    (place / "mine.py").write_text(
        textwrap.dedent("""
        import dataclasses
        import doubling_words
        import parts

        @dataclasses.dataclass
        class Mine:
            add: float = 0.0

            def load(self, artifacts):
                self.file = artifacts["add"]
                self.add = float(self.file.read_text())

            def predict(self, data, params=None):
                again = float(self.file.read_text())
                return doubling_words.double(data["a"].to_numpy()) + again + parts.ONE + (params or {}).get("t", 0.0)

        class Other:
            pass
        """)
    )
    return place


def saved(code: Path, target: Path) -> Path:
    return save_model(
        f"{code}/mine.py:Mine",
        target,
        code=[code / "doubling_words.py", code / "parts"],
        artifacts={"add": code / "add.txt"},
        example=TABLE,
        params={"t": 0.25},
        flavors=[PYTHON],
    )


def test_a_round_trip(code: Path, tmp_path: Path) -> None:
    folder = saved(code, tmp_path / "model")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")} == {
        "code/mine.py", "code/doubling_words.py", "code/parts/__init__.py", "code/parts/inner.py", "mlflow_model.py",
    }  # fmt: skip
    assert not any(path.suffix in (".pkl", ".pyc") for path in folder.rglob("*"))
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    assert "code/parts/inner.py" in listed and "artifacts/0/add.txt" in listed
    with pytest.raises(UntrustedModelError, match="code of its own"):
        load_model(folder, flavors=[PYTHON])
    for path in code.rglob("*"):  # what is loaded is the copy
        if path.is_file():
            path.write_text("raise RuntimeError")
    before = set(sys.modules)
    path = list(sys.path)
    model = load_model(folder, trust=True, flavors=[PYTHON], strict_golden=True)
    assert model.predict(TABLE).tolist() == [3.5, 5.5]
    assert sys.path == path and not {"doubling_words", "parts"} & (set(sys.modules) - before)
    function = load_pyfunc(folder, trust=True, flavors=[PYTHON])
    assert function.predict({"a": [1.0]}).tolist() == [3.75], "the default of the param"
    assert function.predict({"a": [1.0]}, params={"t": 1}).tolist() == [4.5]
    assert function.unwrap().add == 0.5 and "Mine" in repr(function)


def test_the_copy_lives_as_long_as_the_model(code: Path, tmp_path: Path) -> None:
    model = load_model(saved(code, tmp_path / "model"), trust=True, flavors=[PYTHON])
    place = model.file
    assert place.exists()
    del model
    assert not place.exists()


def test_two_models_have_modules_of_the_same_name(code: Path, tmp_path: Path) -> None:
    one = load_model(saved(code, tmp_path / "one"), trust=True, flavors=[PYTHON])
    (code / "doubling_words.py").write_text("def double(x):\n    return x * 20\n")
    two = load_model(saved(code, tmp_path / "two"), trust=True, flavors=[PYTHON])
    assert one.predict(TABLE).tolist() == [3.5, 5.5] and two.predict(TABLE).tolist() == [21.5, 41.5]


def test_the_programs_own_modules_stay(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "program"))
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "doubling_words.py").write_text("MINE = True\n")
    import doubling_words  # type: ignore[import-not-found]

    model = load_model(saved(code, tmp_path / "model"), trust=True, flavors=[PYTHON])
    assert model.predict(TABLE).tolist() == [3.5, 5.5]
    assert sys.modules["doubling_words"] is doubling_words and doubling_words.MINE
    del sys.modules["doubling_words"]


LAZY = """
import threading

class Lazy:
    def predict(self, data):
        import lazily
        import lazily.inner
        import lazily.inner as renamed
        import threading, lazily as whole
        from lazily import FACTOR
        from lazily.inner import OTHER as other
        from lazily.loose import near
        assert whole is lazily and renamed is lazily.inner and near() is lazily.inner
        return [row * FACTOR + other for row in data]
"""


@pytest.fixture
def lazy(tmp_path: Path) -> Path:
    """A model that imports what it brings when it is asked, in every way there is."""
    place = tmp_path / "lazy_project"
    (place / "lazily").mkdir(parents=True)
    (place / "lazily" / "__init__.py").write_text("FACTOR = 10\n")
    (place / "lazily" / "inner.py").write_text("from lazily import FACTOR\nOTHER = FACTOR - 9\n")
    (place / "lazily" / "loose.py").write_text("def near():\n    from . import inner\n    return inner\n")
    (place / "lazy_model.py").write_text(LAZY)
    return save_model(place / "lazy_model.py", tmp_path / "lazy", code=[place / "lazily"], example=[1, 2])


@pytest.mark.parametrize("own", [False, True])
def test_what_a_model_imports_later(lazy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool) -> None:
    """It is the model's, whether or not the program has one of that name, and has imported it."""
    if own:
        monkeypatch.syspath_prepend(str(tmp_path / "program"))
        (tmp_path / "program").mkdir()
        (tmp_path / "program" / "lazily.py").write_text("FACTOR = 999\n")
        import lazily  # type: ignore[import-not-found]
    path, flag = list(sys.path), sys.dont_write_bytecode
    model = load_model(lazy, trust=True, strict_golden=True)
    assert (lazy / "golden.json").exists() and model.predict([1, 2]) == [11, 21]
    assert sys.path == path and sys.dont_write_bytecode == flag
    assert pickle.loads(pickle.dumps(model)).predict([3]) == [31]
    if own:
        assert sys.modules.pop("lazily") is lazily
    else:
        assert "lazily" not in sys.modules
    assert not list(lazy.rglob("*.pyc"))


def test_a_forked_child_imports_later(lazy: Path) -> None:
    model = load_model(lazy, trust=True)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(model.predict, ([1],)) == [11]


def test_models_are_loaded_while_another_is_being_imported(
    lazy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module of the program that loads a model as it is imported, and a model that imports that module."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "slow_program.py").write_text(
        f"import waiting_room\nwaiting_room.wait()\nfrom autotrack.models import load_model\n"
        f"model = load_model({str(lazy)!r}, trust=True)\n"
    )
    begun, go_on = threading.Event(), threading.Event()
    room = types.ModuleType("waiting_room")
    vars(room)["wait"] = lambda: (begun.set(), go_on.wait(60))
    monkeypatch.setitem(sys.modules, "waiting_room", room)
    monkeypatch.delitem(sys.modules, "slow_program", raising=False)
    (tmp_path / "project").mkdir(exist_ok=True)
    file = tmp_path / "project" / "waiting.py"
    file.write_text("import waiting_room\nwaiting_room.here()\nimport slow_program\n" + LAZY)
    vars(room)["here"] = go_on.set
    waiting = save_model(file, tmp_path / "waiting")  # which runs it once
    del sys.modules["slow_program"]
    begun.clear()
    go_on.clear()
    first = threading.Thread(target=importlib.import_module, args=("slow_program",), daemon=True)
    second = threading.Thread(target=load_model, args=(waiting, True), daemon=True)
    first.start()
    assert begun.wait(60)
    second.start()
    for thread in (first, second):
        thread.join(60)
        assert not thread.is_alive()


def test_nothing_installed_is_hidden(code: Path, tmp_path: Path) -> None:
    (code / "json.py").write_text("def loads(x): raise RuntimeError")
    (code / "sklearn.py").write_text("")
    for name in ("json.py", "sklearn.py"):
        with pytest.raises(UsageError, match="would hide"):
            save_model(f"{code}/mine.py:Mine", tmp_path / "model", code=[code / name], flavors=[PYTHON])
    folder = saved(code, tmp_path / "model")
    (folder / "code" / "sklearn.py").write_text("")
    (folder / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match="brings sklearn, which would hide"):
        load_model(folder, trust=True, flavors=[PYTHON])


def test_which_class_is_meant(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text("class A:\n    def predict(self, x): return x\nclass B: pass\n")
    assert source_of(file).class_name == "A" == source_of(f"{file}:A").class_name
    for bad in (f"{file}:B", f"{file}:C", tmp_path / "none.py", "hello"):
        with pytest.raises(UsageError):
            source_of(bad)
    file.write_text("class A:\n    def predict(self, x): return x\nclass B:\n    def predict(self, x): return x\n")
    with pytest.raises(UsageError, match="found: A, B"):
        source_of(file)
    file.write_text("raise RuntimeError('it is not run')\nclass A(Base): pass\n")
    assert source_of(file).class_name == "A"
    file.write_text("class A(:")
    with pytest.raises(UsageError, match="not Python"):
        source_of(file)
    with pytest.raises(UsageError, match="no 'gone'"):
        source_of(f"{code_of(tmp_path)}:A", code=["gone"])
    with pytest.raises(UsageError, match="Python code"):
        save_model(3, tmp_path / "m", code=["x"])


def code_of(tmp_path: Path) -> Path:
    file = tmp_path / "fine.py"
    file.write_text("class A:\n    def predict(self, x): return x\n")
    return file


def test_code_that_fails(tmp_path: Path) -> None:
    file = code_of(tmp_path)
    file.write_text("class A:\n    def predict(self, x): return x\n1 / 0\n")
    folder = save_model(file, tmp_path / "model")
    before = set(sys.modules)
    with pytest.raises(ArtifactError, match="cannot be run: ZeroDivisionError"):
        load_model(folder, trust=True)
    assert not {name for name in set(sys.modules) - before if name.startswith("autotrack_model_")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('file: "fine.py"', 'file: "../../evil.py"'),
        ('file: "fine.py"', 'file: "/etc/passwd"'),
        ('class: "A"', "class: 3"),
        ('class: "A"', 'class: "Z"'),
        ("artifacts: {}", 'artifacts: {"x": "../../evil.py"}'),
    ],
)
def test_entries_stay_inside(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')\nclass A: pass\n")
    folder = save_model(code_of(tmp_path), tmp_path / "deep" / "model")
    (folder / "manifest.json").unlink()
    text = (folder / "MLmodel").read_text()
    assert old in text
    (folder / "MLmodel").write_text(text.replace(old, new))
    with pytest.raises(ArtifactError):
        load_model(folder, trust=True)
    assert not (tmp_path / "pwned").exists()
