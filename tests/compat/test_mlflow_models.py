"""Model folders travel: stock MLflow loads ours, we load those that it wrote.

MLflow comes from PyPI into a folder that is kept between runs; it is put on the path of a process of its own, beside
the scikit-learn, pandas and skops that are installed here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from autotrack_sklearn.flavor import SKLEARN
from fitting import FITS
from mlflow_environment import VERSION, mlflow_skinny
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from autotrack.core.errors import UntrustedModelError
from autotrack.models import load_model, load_pyfunc, open_model, save_model
from autotrack.models.example import read_example
from autotrack.models.python_source import PYTHON
from autotrack.models.signature import signature_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TABLE, Y = load_iris(return_X_y=True, as_frame=True)
X = TABLE.to_numpy()
MIXED = pd.DataFrame({"n": [1.0, None, 3.0] * 10, "c": ["a", "b", "a"] * 10})
FLAVORS = [SKLEARN, PYTHON]


@pytest.fixture(scope="module")
def mlflow() -> Path:
    """A folder that holds MLflow. Where pip cannot get it, this fails, unless AUTOTRACK_TEST_OFFLINE says why."""
    return mlflow_skinny()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The models that a program left with autotrack on: name to run, folder and predictions."""
    place = tmp_path_factory.mktemp("fitted")
    env = {key: value for key, value in os.environ.items() if not key.startswith("AUTOTRACK_")}
    env |= {"AUTOTRACK_TRACKING_URI": str(place / ".autotrack"), "AUTOTRACK_OVERHEAD_SHARE": "1000"}
    script = Path(__file__).with_name("fitting.py")
    done = subprocess.run([sys.executable, str(script)], env=env, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr[-3000:]
    found = {entry["name"]: entry for entry in map(json.loads, done.stdout.splitlines())}
    assert len(found) >= 10
    return {name: entry | {"folder": Path(entry["uri"]) / "model"} for name, entry in found.items()}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, fitted: dict[str, dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
    """Folders of ours by name, and what their models predict."""
    place = tmp_path_factory.mktemp("ours")
    for name, entry in fitted.items():
        shutil.copytree(entry["folder"], place / f"fit-{name}")
    code = tmp_path_factory.mktemp("code")
    (code / "own_words.py").write_text("def double(x):\n    return x * 2\n")
    (code / "add.txt").write_text("0.5")
    (code / "mine.py").write_text(
        "import own_words\n"
        "class Mine:\n"
        "    def load(self, artifacts):\n"
        "        self.add = float(artifacts['add'].read_text())\n"
        "    def predict(self, data, params=None):\n"
        "        return own_words.double(data['a'].to_numpy()) + self.add + (params or {}).get('t', 0.0)\n"
    )
    step = FunctionTransformer(lambda data: data * 2)
    columns = make_column_transformer((OneHotEncoder(), ["c"]), (SimpleImputer(), ["n"]))
    models: dict[str, tuple[Any, Any, Any]] = {
        "table": (LogisticRegression(max_iter=1000).fit(TABLE, Y), TABLE, TABLE),
        "array": (DecisionTreeClassifier(random_state=0).fit(X, Y), X, X),
        "sparse": (Ridge().fit(sp.csr_matrix(X), Y), sp.csr_matrix(X), X),
        "pickled": (make_pipeline(step, Ridge()).fit(TABLE, Y), TABLE, TABLE),
        "mixed": (make_pipeline(columns, Ridge()).fit(MIXED, range(30)), MIXED, MIXED[:2]),
        "bare": (Ridge().fit(X, Y), None, X),
    }
    expected: dict[str, Any] = {}
    for name, (model, example, data) in models.items():
        save_model(model, place / name, example=example, flavors=FLAVORS)
        expected[name] = np.asarray(model.predict(data)).tolist()
    save_model(StandardScaler().fit(X), place / "scaler", example=X, flavors=FLAVORS)
    save_model(
        f"{code}/mine.py",
        place / "code",
        code=[code / "own_words.py"],
        artifacts={"add": code / "add.txt"},
        example=pd.DataFrame({"a": [1.0, 2.0]}),
        params={"t": 0.25},
    )
    expected["code"] = [2.75, 4.75]
    expected |= {f"fit-{name}": entry["predictions"] for name, entry in fitted.items()}
    return place, expected


@pytest.fixture(scope="module")
def told(mlflow: Path, ours: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What MLflow said of ours, and where it wrote its own."""
    theirs = tmp_path_factory.mktemp("theirs")
    script = Path(__file__).with_name("mlflow_side.py")
    env = {**os.environ, "PYTHONPATH": str(mlflow), "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    done = subprocess.run(
        [sys.executable, str(script), str(ours[0]), str(theirs)], env=env, cwd=theirs, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["version"] == VERSION
    return {**found, "place": theirs}


def test_mlflow_loads_ours(told: dict[str, Any], ours: tuple[Path, dict[str, Any]]) -> None:
    place, expected = ours
    assert set(told["ours"]) == {*expected, "scaler"}
    assert told["ours"]["scaler"] == {"sklearn": "StandardScaler"}
    for name, predictions in expected.items():
        found = told["ours"][name]
        assert name == "code" or _as_near_as_sums_are(found["native"], predictions), name
        if name == "fit-texts":
            continue
        assert _as_near_as_sums_are(found["predictions"], predictions), name
        opened = open_model(place / name, trust=True, flavors=FLAVORS)
        assert found["uuid"] == opened.description.uuid
        assert opened.sealed, "MLflow's loading leaves the folder as it was, bytecode aside"
        assert opened.replay.verdict == ("none" if name == "bare" else "equal")
        if name != "bare":
            assert found["signature"] == dict(opened.description.signature)
            assert len(found["served"]) in (5, 2), name
    assert told["ours"]["fit-search"]["sklearn"] == "DecisionTreeClassifier"
    assert len(told["ours"]) >= 20
    assert told["ours"]["table"]["inferred"] == told["ours"]["table"]["signature"]["inputs"]
    kinds = {name: found.get("example") for name, found in told["ours"].items()}
    assert kinds["table"] == kinds["mixed"] == kinds["code"] == "DataFrame"
    assert kinds["array"] == "ndarray" and kinds["sparse"] in ("csr_matrix", "csr_array")


def _as_near_as_sums_are(found: list[Any], expected: Any) -> bool:
    """Equal; numbers but for the last bits: arrays of another process lie elsewhere, and BLAS sums in another order."""
    one, other = np.asarray(found), np.asarray(expected)
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return np.array_equal(one, other)
    return bool(np.allclose(one, other, rtol=1e-12, atol=1e-12))


def test_we_load_what_a_program_left(fitted: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same folders through our two doors, by path and without any trust but for the one that is a pickle."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(next(iter(fitted.values()))["folder"].parents[3] / "elsewhere"))
    for name, (_, data, _) in FITS.items():
        folder, expected = fitted[name]["folder"], fitted[name]["predictions"]
        pickled = name == "lambda"
        if pickled:
            with pytest.raises(UntrustedModelError, match=r"model\.pkl"):
                load_model(folder, trust=False, flavors=FLAVORS)
        native = load_model(folder, trust=pickled, flavors=FLAVORS)
        function = load_pyfunc(folder, trust=pickled, flavors=FLAVORS)
        assert np.array_equal(native.predict(data), expected), name
        assert np.array_equal(function.predict(data), expected), name
        assert function.replay.verdict == "equal" and function.signature.inputs is not None, name


def test_we_load_theirs(told: dict[str, Any]) -> None:
    place, expected = told["place"], told["theirs"]
    for name in ("table", "sparse"):
        assert load_model(place / name, trust=False, flavors=FLAVORS).predict(X_of(name)).tolist() == expected[name]
    with pytest.raises(UntrustedModelError, match=r"model\.pkl"):
        load_model(place / "pickled", flavors=FLAVORS)
    for name in ("pickled", "forest"):
        assert load_model(place / name, trust=True, flavors=FLAVORS).predict(X).tolist() == expected[name]
    function = load_pyfunc(place / "table", flavors=FLAVORS)
    assert function.predict(TABLE[TABLE.columns[::-1]]).tolist() == expected["table"]
    assert function.signature.params[0].name == "t"
    with pytest.raises(ValueError, match="column 'sepal length"):
        function.predict(TABLE.astype({"sepal length (cm)": str}))


def X_of(name: str) -> Any:
    return TABLE if name == "table" else X


def test_their_examples_are_read(told: dict[str, Any]) -> None:
    for name, shape in (("table", (5, 4)), ("sparse", (5, 4)), ("forest", (5, 4))):
        description = open_model(told["place"] / name, trust=True, flavors=FLAVORS).description
        assert description.example is not None and description.signature is not None
        content = (told["place"] / name / str(description.example["artifact_path"])).read_bytes()
        example, params = read_example(content, description.example, signature_of(description.signature))
        assert example.shape == shape and params == {}
