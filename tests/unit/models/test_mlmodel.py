"""The MLmodel file: what MLflow reads, written by hand; and what no honest tool writes, refused."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.core.errors import ArtifactError, NotFoundError, PluginError, UntrustedModelError, UsageError
from autotrack.core.plugins.flavor import Flavor, file_inside
from autotrack.models import environment, load_model, save_model
from autotrack.models.flavors import flavor_of, named_flavor
from autotrack.models.mlmodel import describe, read


def save_text(model: object, folder: Path) -> dict[str, object]:
    (folder / "model.txt").write_text(str(model))
    return {"data": "model.txt", "modules": ["yaml.nodes"]}


NOTE = Flavor(
    name="note",
    handles=("builtins:str",),
    save=save_text,
    load=lambda folder, entry, trust: file_inside(folder, entry["data"]).read_text(),
    predictor=lambda model: str(model).upper,
    packages=("pluggy",),
    mlflow_loader="mlflow.note",
)


def test_a_folder_is_complete_and_mlflows(tmp_path: Path) -> None:
    folder = save_model("hello", tmp_path / "deep" / "model", flavors=[NOTE])
    assert {path.name for path in folder.iterdir()} == {
        "MLmodel", "conda.yaml", "manifest.json", "model.txt", "python_env.yaml", "requirements.txt",
    }  # fmt: skip
    content = yaml.safe_load((folder / "MLmodel").read_text())
    assert content["flavors"]["python_function"]["loader_module"] == "mlflow.note"
    assert content["flavors"]["python_function"]["model_path"] == "model.txt"
    assert content["model_size_bytes"] == 5 and len(content["model_uuid"]) == 32
    lines = (folder / "requirements.txt").read_text().split()
    assert [line.partition("==")[0] for line in lines] == ["pluggy", "PyYAML"]
    assert yaml.safe_load((folder / "conda.yaml").read_text())["dependencies"][-1] == {"pip": lines}
    assert yaml.safe_load((folder / "python_env.yaml").read_text())["dependencies"] == ["-r requirements.txt"]
    assert load_model(folder, flavors=[NOTE]) == "hello"
    assert load_model(f"file://{folder}/MLmodel", flavors=[NOTE]) == "hello"
    with pytest.raises(UsageError, match="exists already"):
        save_model("other", folder, flavors=[NOTE])


def test_a_failed_save_leaves_nothing(tmp_path: Path) -> None:
    def fail(model: object, folder: Path) -> dict[str, object]:
        (folder / "half").write_text("x")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        save_model("hello", tmp_path / "model", flavors=[Flavor("bad", ("builtins:str",), fail, NOTE.load)])
    assert list(tmp_path.iterdir()) == []


TEXT = (
    st.text(max_size=20) | st.none() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
)
ENTRIES = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), TEXT | st.lists(TEXT, max_size=3), max_size=5)


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.none() | st.text(min_size=1, max_size=10))
def test_what_is_written_is_read(entry: dict[str, object], path: str | None) -> None:
    content = yaml.safe_load(describe(NOTE, entry, size=3, path=path, run_id="r", function={}))
    assert content["flavors"]["note"] == entry
    assert content.get("artifact_path") == path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- a\n",
        b"flavors: 3\n",
        b"flavors: {a: 1}\n",
        b"a: !!python/object/apply:os.system [touch pwned]\nflavors: {}\n",
        b"a: &a [x]\nb: [*a, *a]\nflavors: {}\n",
        b"x" * ((1 << 20) + 1),
        b"\xff\xfe\x00",
        b"[" * 5000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "MLmodel").write_bytes(content)
    with pytest.raises(ArtifactError):
        read(tmp_path)


def test_files_of_2018_are_read(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        "time_created: 2018-05-25T17:28:53.35\nflavors:\n  python_function: {env: conda.yaml, loader_module: x}\n"
    )
    assert read(tmp_path).created is not None and read(tmp_path).run_id is None
    with pytest.raises(ArtifactError, match="python_function"):
        load_model(tmp_path, flavors=[NOTE])


def test_code_needs_trust(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("hello")
    (tmp_path / "MLmodel").write_text("flavors:\n  python_function: {code: code}\n  note: {data: model.txt}\n")
    with pytest.raises(UntrustedModelError, match="code of its own"):
        load_model(tmp_path, flavors=[NOTE])
    assert load_model(tmp_path, trust=True, flavors=[NOTE]) == "hello"


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "inner").mkdir()
    (folder / "plain").write_text("p")
    assert file_inside(folder, "inner/../plain") == folder / "plain"
    for name in ("link", "../secret", str(tmp_path / "secret"), ".", "", None, "a\0b", "inner", "gone"):
        with pytest.raises(ArtifactError):
            file_inside(folder, name)


def test_the_nearest_class_decides() -> None:
    general = Flavor("general", ("builtins:object",), save_text, NOTE.load)
    assert flavor_of("x", [general, NOTE]) is NOTE
    assert flavor_of(3, [general, NOTE]) is general
    assert flavor_of(3, [NOTE]) is None
    with pytest.raises(PluginError, match="general, note"):
        named_flavor("other", [NOTE, general])
    with pytest.raises(UsageError, match="no plugin can save"):
        save_model(3, "nowhere", flavors=[NOTE])


def test_where_models_are_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_model(tmp_path / "none", flavors=[NOTE])
    with pytest.raises(UsageError, match="runs:/"):
        load_model("gopher://x", flavors=[NOTE])
    with pytest.raises(UsageError, match="runs:/<run id>"):
        load_model("runs:/abc", flavors=[NOTE])
    folder = save_model("hello", tmp_path / "model", flavors=[NOTE])
    assert load_model("runs:/abc/model", resolve=lambda uri: folder, flavors=[NOTE]) == "hello"


def test_distributions() -> None:
    assert environment.distribution_of("sklearn") == "scikit-learn"
    assert environment.distribution_of("json") is None
    assert environment.version_of("no-such-distribution") is None
