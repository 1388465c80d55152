"""What is kept of a trained model: the final weights, checkpoints, the flavor, and what it refuses to load."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autotrack_torch.flavor import TORCH

import autotrack
from autotrack.client.client import Client
from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.models.loading import load_model
from autotrack.models.saving import save_model
from tests.conftest import Script
from tests.plugins.torch.nets import all_runs

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional
X = torch.linspace(-1, 1, 256).reshape(64, 4)
Y = X.sum(1, keepdim=True)


class Tied(nn.Module):
    """Shared weights, a buffer, settings of several kinds, a function as an attribute."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(4, width)
        self.second = nn.Linear(4, width)
        self.second.weight = self.first.weight
        self.again = self.first
        self.last = nn.Linear(width, 1)
        self.register_buffer("scale", torch.tensor([1.5, 2.5]))
        self.register_buffer("passing", torch.tensor(0.5), persistent=False)
        self.sizes, self.limit, self.kinds, self.activation = (4, width), float("inf"), {"a": [1, None]}, F.relu
        self.last.bias.requires_grad = False

    def forward(self, x: Any) -> Any:
        inner = self.activation(self.first(x) + self.second(x) + self.again(x))
        return self.last(inner) * self.scale[0] + self.passing


class Odd(nn.Module):
    """Holds something that is no plain data."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.table = np.ones(3)

    def forward(self, x: Any) -> Any:
        return self.layer(x)


STOCK = {
    "mlp": lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 2)),
    "named": lambda: nn.Sequential(OrderedDict(one=nn.Linear(4, 4), two=nn.LayerNorm(4), three=nn.PReLU())),
    "convolutions": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)),
        nn.Conv2d(1, 3, 3, padding="same", padding_mode="circular"),
        nn.GroupNorm(3, 3),
        nn.Flatten(),
    ),
    "lstm": lambda: nn.LSTM(4, 3, num_layers=2, bidirectional=True, batch_first=True),
    "gru": lambda: nn.GRU(4, 3),
    "transformer": lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation="gelu"), 2, enable_nested_tensor=False
    ),
    "bilinear": lambda: nn.Sequential(nn.Linear(4, 2, dtype=torch.float32), nn.Softmax(dim=1)),
    "half": lambda: nn.Linear(4, 4).to(torch.bfloat16),
    "lists": lambda: nn.ModuleList([nn.Linear(4, 2), nn.ModuleDict({"a": nn.Linear(4, 3)})]),
    "parameters": lambda: nn.ParameterList([nn.Parameter(torch.ones(3))]),
}


def answer(model: Any) -> Any:
    model.eval()
    torch.manual_seed(0)
    dtype = next(model.parameters()).dtype
    if isinstance(model, (nn.ModuleList, nn.ParameterList)):
        return [tensor.detach() for tensor in model.state_dict().values()]
    found = model(X[:6].to(dtype) if not isinstance(model, (nn.LSTM, nn.GRU)) else X[:6].reshape(2, 3, 4))
    return found[0] if isinstance(found, tuple) else found


def same(a: Any, b: Any) -> bool:
    if isinstance(a, list):
        return len(a) == len(b) and all(map(torch.equal, a, b))
    return bool(torch.equal(a, b))


@pytest.mark.parametrize("name", STOCK)
def test_stock_layers_go_and_come_without_a_pickle_or_trust(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = STOCK[name]()
    save_model(model, tmp_path / "m")
    files = [file for file in (tmp_path / "m").rglob("*") if file.is_file()]
    assert not [file for file in files if file.suffix in (".pkl", ".pt", ".pth")]
    back = load_model(tmp_path / "m", trust=False)
    assert type(back) is type(model) and same(answer(back), answer(model))
    assert list(back.state_dict()) == list(model.state_dict())
    assert back.training is False or model.training is not back.training


def test_a_class_of_the_users_comes_back_whole_with_trust(tmp_path: Path) -> None:
    model = Tied(5)
    save_model(model, tmp_path / "m")
    with pytest.raises(UntrustedModelError, match=r"test_torch_models:Tied.*trust=True"):
        load_model(tmp_path / "m", trust=False)
    back = load_model(tmp_path / "m", trust=True)
    assert same(answer(back), answer(model))
    assert back.second.weight is back.first.weight and back.again is back.first
    assert back.sizes == (4, 5) and back.limit == float("inf") and back.kinds == {"a": [1, None]}
    assert back.activation is F.relu
    assert not back.last.bias.requires_grad and back.last.weight.requires_grad
    assert list(back.state_dict()) == list(model.state_dict())  # the passing buffer is in neither


def test_a_module_that_is_no_plain_data_is_a_pickle_and_says_so(tmp_path: Path) -> None:
    model = Odd()
    save_model(model, tmp_path / "m")
    assert "pickled_because" in (tmp_path / "m" / "MLmodel").read_text()
    with pytest.raises(UntrustedModelError, match="is a pickle"):
        load_model(tmp_path / "m", trust=False)
    assert same(answer(load_model(tmp_path / "m", trust=True)), answer(model))


def test_signature_and_golden_predictions_are_made_of_an_example(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5))
    before = torch.random.get_rng_state()
    save_model(model, tmp_path / "m", example=X.numpy())
    assert torch.equal(torch.random.get_rng_state(), before) and model.training and model[1].training
    assert "signature" in (tmp_path / "m" / "MLmodel").read_text()
    assert (tmp_path / "m" / "golden.json").is_file()
    model.eval()
    found = load_model(tmp_path / "m", trust=False, as_pyfunc=True).predict(X.numpy())
    assert np.array_equal(found, model(X).detach().numpy())


def rewritten(folder: Path, change: Any) -> Path:
    """The folder with another description, as somebody would craft it."""
    path = folder / "module.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    (folder / "manifest.json").unlink()
    return folder


CANARY = "os:system"
HOSTILE = {
    "a function of os": lambda d: d["module"].update({"class": "os:system"}),
    "a class that is no module": lambda d: d["module"].update({"class": "subprocess:Popen"}),
    "torch's own, but no module": lambda d: d["module"].update({"class": "torch.nn.modules.module:OrderedDict"}),
    "a name with dots": lambda d: d["module"].update({"class": "torch.nn.modules.module:torch.load"}),
    "a function that loads": lambda d: d["module"]["attributes"].update({"forward": {"$function": "torch:load"}}),
    "a hidden function": lambda d: d["module"]["attributes"].update({"f": {"$function": "torch:_import_dotted_name"}}),
    "a function of elsewhere": lambda d: d["module"]["attributes"].update({"f": {"$function": "os:system"}}),
    "torch's own slots": lambda d: d["module"]["attributes"].update({"_forward_hooks": {"$dict": []}}),
    "a dunder": lambda d: d["module"]["attributes"].update({"__class__": "x"}),
    "a tensor that is not there": lambda d: d["module"]["parameters"].update({"weight": "nowhere"}),
    "a module before the first": lambda d: d["module"].update({"modules": {"a": -1}}),
    "a module that is not there": lambda d: d["module"].update({"modules": {"a": 99}}),
    "no nodes": lambda d: d.update({"module": [1]}),
    "another format": lambda d: d.update({"format": 99}),
    "no parameters": lambda d: d["module"].pop("parameters"),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_crafted_descriptions_run_nothing(attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(os, "system", called.append)
    save_model(nn.Linear(4, 1), tmp_path / "m")
    folder = rewritten(tmp_path / "m", HOSTILE[attack])
    with pytest.raises((UntrustedModelError, ArtifactError)):
        load_model(folder, trust=False)
    assert not called


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    save_model(nn.Linear(4, 1), tmp_path / "m")
    path = tmp_path / "m" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    (tmp_path / "m" / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match="safetensors"):
        load_model(tmp_path / "m", trust=False)


def mlflow_folder(folder: Path, model: Any) -> Path:
    """A folder as ``mlflow.pytorch.save_model`` writes it."""
    (folder / "data").mkdir(parents=True)
    torch.save(model, folder / "data" / "model.pth")
    (folder / "data" / "pickle_module_info.txt").write_text("mlflow.pytorch.pickle_module")
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function:\n    data: data\n    loader_module: mlflow.pytorch\n    python_version: 3.11.7\n"
        "  pytorch:\n    code: null\n    model_data: data\n    pytorch_version: 2.13.0\n"
    )
    return folder


def test_mlflow_models_load_with_trust_only(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.ReLU())
    folder = mlflow_folder(tmp_path / "m", model)
    with pytest.raises(UntrustedModelError, match=r"model\.pth"):
        load_model(folder, trust=False)
    assert same(answer(load_model(folder, trust=True)), answer(model))


# Models of runs.


@pytest.fixture
def enabled(store: Path) -> Iterator[Path]:
    torch.manual_seed(0)
    autotrack.enable()
    yield store
    autotrack.disable()


def train(model: Any, optimizer: Any, steps: int = 3) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(model(X), Y).backward()
        optimizer.step()


def loaded(run: Any, path: str = "model") -> Any:
    return autotrack.load_model(f"runs:/{run.id}/{path}")


def test_the_final_model_is_saved_where_it_lives_on(enabled: Path) -> None:
    model = Tied(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train(model, optimizer)
    (run,) = all_runs()
    assert same(answer(loaded(run)), answer(model))


def test_the_final_model_is_saved_where_it_went_with_its_function(enabled: Path) -> None:
    expected = []

    def training() -> None:
        model = Tied(3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        train(model, optimizer)
        expected.append(answer(model))

    training()
    (run,) = all_runs()
    assert same(answer(loaded(run)), expected[0])


def test_what_happens_to_a_model_after_its_training_does_not_matter(enabled: Path) -> None:
    def training() -> Any:
        model = Tied(3)
        train(model, torch.optim.SGD(model.parameters(), lr=0.1))
        return model

    model = training()
    expected = answer(model).clone()  # nothing is collected meanwhile: the optimizer went with its function
    with torch.no_grad():
        model.first.weight.zero_()
    (run,) = all_runs()
    assert same(answer(loaded(run)), expected)


def test_a_module_of_odd_things_that_is_gone_leaves_a_note(enabled: Path) -> None:
    model = Odd()
    train(model, torch.optim.SGD(model.parameters(), lr=0.1))
    del model
    (run,) = all_runs()
    assert not run.models and any("model left out" in note for note in run.health["notes"])


def test_checkpoints_are_kept_and_other_files_are_not(enabled: Path, tmp_path: Path) -> None:
    model = Tied(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.save(model.state_dict(), tmp_path / "before.pt")
    train(model, optimizer)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    torch.save({"epoch": 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "all.pt")
    torch.save({"x": X, "y": Y}, tmp_path / "data.pt")
    with (tmp_path / "stream.pt").open("wb") as stream:
        torch.save(model.state_dict(), stream)
    (run,) = all_runs()
    kept = sorted(record.path for record in run.artifacts if record.path.startswith("checkpoints/"))
    assert kept == ["checkpoints/all.pt", "checkpoints/weights.pt"]


def test_a_checkpoint_is_a_file_that_the_program_wrote(store: Path, tmp_path: Path, script: Script) -> None:
    """``torch.save`` opens files by itself; and that we copy a checkpoint does not make it one that was read."""
    done = script(
        """
        import autotrack
        autotrack.enable()
        import torch
        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            model(torch.ones(4, 2)).sum().backward()
            optimizer.step()
            torch.save(model.state_dict(), "weights.pt")
        torch.save({"x": torch.ones(2)}, "other.pt")
        """
    )
    assert done.returncode == 0, done.stderr
    client = Client()
    (run,) = client.search_runs()
    assert "checkpoints/weights.pt" in [record.path for record in run.artifacts]
    assert run.session
    found = {(Path(file.path).name, file.role) for file in client.sink.files(sessions=[run.session])}
    assert found == {("weights.pt", "written"), ("other.pt", "written")}


def test_models_are_left_out_where_the_user_says_so(store: Path) -> None:
    autotrack.enable(models=False)
    model = Tied(3)
    train(model, torch.optim.SGD(model.parameters(), lr=0.1))
    (run,) = all_runs()
    assert not run.models


def hooked() -> nn.Module:
    model = nn.Linear(4, 2)
    model.register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    ("model", "draws"),
    [
        (nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5), nn.ReLU()), False),
        (nn.TransformerEncoderLayer(4, 2, activation=F.gelu), False),
        (nn.TransformerEncoderLayer(4, 2, activation=F.dropout), True),
        (nn.TransformerEncoderLayer(4, 2, activation=lambda x: x), True),
        (nn.Sequential(nn.FractionalMaxPool2d(2, 2)), True),
        (hooked(), True),
        (Odd(), True),
    ],
)
def test_what_may_draw(model: nn.Module, draws: bool) -> None:
    assert TORCH.draws(model) == draws


def test_what_another_thread_draws_meanwhile_is_not_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []
    forward = nn.Linear.forward

    def asked(self: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        thread = threading.Thread(target=lambda: drawn.append(float(torch.rand(()))))
        thread.start()
        thread.join()
        return forward(self, x)

    model = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5))
    monkeypatch.setattr(nn.Linear, "forward", asked)
    torch.manual_seed(3)
    save_model(model, tmp_path / "m", example=X.numpy())
    load_model(tmp_path / "m", trust=False, as_pyfunc=True).predict(X.numpy())
    torch.manual_seed(3)
    assert len(drawn) >= 3 and drawn == [float(torch.rand(())) for _ in drawn]
