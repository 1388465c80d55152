"""Models that are code: copied, listed, loaded only where somebody vouches for them, and hiding nothing."""

import json
import sys
import textwrap
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
