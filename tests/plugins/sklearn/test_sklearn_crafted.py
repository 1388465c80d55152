"""Files that somebody crafted are refused by name, and nothing of them runs."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from autotrack_sklearn.flavor import SKLEARN
from crafting import MODELS, Crafted, Runs, X, crafted, saved, zipped

from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.models import load_model, save_model
from tests.attacks.runner import Payload, cases


def file_of(entry: dict, canary: Path) -> bytes:
    """The bytes of a payload's ``model.skops``."""
    if "model" in entry:
        text = json.dumps(entry["edits"]).replace("$CANARY", f"touch {canary}")
        return crafted(entry["model"], json.loads(text))
    bomb, honest = pickle.dumps(Runs(canary)), saved("scaler")
    taken = Crafted(honest)
    array = next(name for name in taken.files if name.endswith(".npy"))
    kind = entry["file"]
    if kind == "schema":
        return zipped({**taken.files, "schema.json": entry["text"].encode()})
    if kind == "protocol":
        taken.schema["protocol"] = entry["protocol"]
        return taken.content()
    if kind == "nested":
        node = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []}
        for _ in range(400):
            node = node | {"content": [node]}
        taken.schema = node | {"protocol": 2}
        return taken.content()
    if kind == "named":
        taken.files[entry["name"].replace("\0", "~")] = b"x"  # zipfile does not write such a name
        return taken.content().replace(b"~", b"\0")
    if kind == "bomb":
        files = {**taken.files, "schema.json": json.dumps(taken.schema).encode(), "zeros.npy": bytes(100 << 20)}
        return zipped(files, zipfile.ZIP_DEFLATED)
    if kind == "array":
        buffer = io.BytesIO()
        if "header" in entry:
            text = entry["header"].replace("$CANARY", f"touch {canary}").encode() + b"\n"
            buffer.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
        else:
            np.save(buffer, np.array([Runs(canary)], dtype=object), allow_pickle=True)
        taken.files[array] = buffer.getvalue()
        return taken.content()
    if kind == "joblib":
        buffer = io.BytesIO()
        joblib.dump(Runs(canary), buffer)
        return buffer.getvalue()
    if kind == "twice":
        with pytest.warns(UserWarning, match="Duplicate"):
            buffer = io.BytesIO(honest)
            with zipfile.ZipFile(buffer, "a") as archive:
                archive.writestr("schema.json", json.dumps(taken.schema))
        return buffer.getvalue()
    if kind == "comment":
        buffer = io.BytesIO(honest)
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.comment = bomb
        return buffer.getvalue()
    if kind == "encrypted":
        at = honest.rindex(b"PK\x01\x02")
        return honest[: at + 8] + b"\x01" + honest[at + 9 :]
    if kind == "flipped":
        at = honest.index(np.load(io.BytesIO(taken.files[array])).tobytes())
        return honest[:at] + bytes([honest[at] ^ 1]) + honest[at + 1 :]
    return {
        "pickle": bomb,
        "pickle-in-zip": zipped({"model.pkl": bomb}),
        "before": bomb + honest,
        "behind": honest + bomb,
        "empty": b"",
        "empty-zip": b"PK\x05\x06" + bytes(18),
        "cut": honest[:-30],
        "rename-schema": zipped({**taken.files, "Schema.json": json.dumps(taken.schema).encode()}),
    }[kind]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that looks like any other; tests put their own file in it."""
    folder = save_model(MODELS["scaler"](), tmp_path_factory.mktemp("hostile") / "model", flavors=[SKLEARN])
    (folder / "manifest.json").unlink()  # whoever changes a file can leave out the manifest, too
    return folder


@cases("skops")
def test_crafted_files(payload: Payload, folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    content = file_of(payload.input, canary)
    (folder / "model.skops").write_bytes(content)
    if payload.refused:
        with pytest.raises((UntrustedModelError, ArtifactError), match="sha256") as refused:
            load_model(folder, trust=False, flavors=[SKLEARN])
        assert "model.skops" in str(refused.value)
        assert payload.more["says"] in str(refused.value), "refused, but for another reason"
    else:
        load_model(folder, trust=False, flavors=[SKLEARN])
    assert not canary.exists()


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param(
            [{"path": ["tree_", "nodes"], "put": {side: {"0": 1 << 40} for side in ("left_child", "right_child")}}],
            id="child",
        ),
        pytest.param([{"path": ["tree_", "nodes"], "put": {"feature": {"0": 1 << 40}}}], id="feature"),
    ],
)
def test_what_is_refused_would_have_crashed(edits: list, tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(crafted("tree", edits))
    np.save(tmp_path / "data.npy", X[:, ::-1])
    program = f"""
import numpy as np, skops.io
model = skops.io.load("model.skops", trusted={skops.io.get_untrusted_types(data=saved("tree"))!r})
model.predict(np.load("data.npy"))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True)
    assert done.returncode < 0, "no signal: then the check is not needed any more"


def test_nothing_refused_is_tried_in_another_way(folder: Path, tmp_path: Path) -> None:
    """Trust is for the types in a skops file; it makes no pickle of one."""
    (folder / "model.skops").write_bytes(pickle.dumps(Runs(tmp_path / "canary")))
    with pytest.raises(UntrustedModelError, match="not loaded in any other way"):
        load_model(folder, trust=True, flavors=[SKLEARN])
    assert not (tmp_path / "canary").exists()
