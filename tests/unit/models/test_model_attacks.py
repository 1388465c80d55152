"""R38: folders that somebody else made. By default nothing in them runs, whatever they say of themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autotrack_sklearn.flavor import SKLEARN
from sklearn.linear_model import Ridge

from autotrack.core.errors import AutotrackError
from autotrack.models import load_model, load_pyfunc, save_model
from autotrack.models.python_source import PYTHON
from tests.attacks.runner import Canary, Payload, canary, cases

__all__ = ["canary"]

X = np.arange(12.0).reshape(6, 2)


@cases("models")
def test_a_folder_of_somebody_elses(payload: Payload, canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(canary.base / "elsewhere"))
    monkeypatch.setenv("AUTOTRACK_TRUST_FILE", str(canary.base / "trust.json"))
    folder = save_model(Ridge().fit(X, X[:, 0]), canary.root / "model", flavors=[SKLEARN])
    (folder / "manifest.json").unlink()
    for name, content in payload.input.items():
        lay(folder / name, content, canary.base)
    with canary.untouched():
        if payload.refused:
            for load in (load_model, load_pyfunc):
                with pytest.raises(AutotrackError) as refused:
                    load(folder, flavors=[SKLEARN, PYTHON])
                assert not canary.leaked(str(refused.value)) and len(str(refused.value)) < 2000
        else:
            assert load_model(folder, flavors=[SKLEARN, PYTHON]).predict(X).shape == (6,)


def lay(path: Path, content: Any, outside: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = content.replace("@OUTSIDE@", str(outside)).encode()
    path.write_bytes(content)


def test_the_payloads_would_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With trust the pickle runs: so the test above would see it."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / "elsewhere"))
    folder = save_model(Ridge().fit(X, X[:, 0]), tmp_path / "model", flavors=[SKLEARN])
    (folder / "manifest.json").unlink()
    lay(folder / "MLmodel", "flavors:\n  sklearn: {pickled_model: model.pkl}\n", tmp_path)
    lay(folder / "model.pkl", "cos\nsystem\n(S'touch @OUTSIDE@/pwned'\ntR.", tmp_path)
    assert load_model(folder, trust=True, flavors=[SKLEARN]) == 0
    assert (tmp_path / "pwned").exists()
