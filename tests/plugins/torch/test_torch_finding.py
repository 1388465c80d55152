"""The model of an optimizer is found wherever the program has it, at a cost that does not grow with its objects."""

from __future__ import annotations

import copy
import gc
import io
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from autotrack_torch.heap import objects_of

import autotrack
from tests.plugins.torch.nets import Critic, Net, all_runs

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("watched")
nn = torch.nn
F = torch.nn.functional
X = torch.linspace(-1, 1, 32).reshape(8, 4)
Y = X.sum(1, keepdim=True)


class Around(nn.Module):
    """Holds another module, and nothing else."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was searched among all objects."""
    made: list[Any] = []

    def counted(name: str) -> None:
        of = sys.modules["autotrack_torch.modules" if name == "objects_of" else "autotrack_torch.endings"]
        walk = getattr(of, name)
        monkeypatch.setattr(of, name, lambda *args: [made.append(args), walk(*args)][1])

    counted("objects_of")
    counted("holders_of")
    monkeypatch.setattr(sys.modules["autotrack_torch.loops"].loops, "_walks", 0)
    monkeypatch.setattr(sys.modules["autotrack_torch.heap"], "A_BLOCK", 1e-9)  # however much other tests have left
    return made


def train(net: Any, optimizer: Any, steps: int = 2) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(net(X), Y).backward()
        optimizer.step()


def sgd(*nets: Any) -> Any:
    return torch.optim.SGD([tensor for net in nets for tensor in net.parameters()], lr=0.1)


class Trainer:
    def __init__(self, model: Any) -> None:
        self.model = model
        self.optimizer = sgd(model)

    def fit(self) -> None:
        train(self.model, self.optimizer)


def in_closure() -> None:
    net = Net()
    optimizer = sgd(net)

    def step() -> None:
        train(net, optimizer, 1)

    step()
    step()


def in_list() -> None:
    nets = [Net()]
    train(nets[0], sgd(*nets))


def in_groups() -> None:
    net = Net()
    groups = [{"params": [tensor]} for name, tensor in net.named_parameters()]
    train(net, torch.optim.SGD(groups, lr=0.1))


def copied() -> None:
    net = copy.deepcopy(Net())
    train(net, sgd(net))


def unpickled() -> None:
    file = io.BytesIO()
    torch.save(Net(), file)
    file.seek(0)
    net = torch.load(file, weights_only=False)
    train(net, sgd(net))


def assigned() -> None:
    net = Net()
    net.load_state_dict({name: tensor.clone() for name, tensor in net.state_dict().items()}, assign=True)
    train(net, sgd(net))


def assigned_after_a_training() -> None:
    net = Net()
    train(net, sgd(net))
    gc.collect()
    for layer in (net.inner, net.outer):
        layer.weight, layer.bias = (nn.Parameter(tensor.detach().clone()) for tensor in (layer.weight, layer.bias))
    train(net, sgd(net))


PATTERNS = [in_closure, in_list, in_groups, copied, unpickled, assigned, assigned_after_a_training]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_model_is_found_without_a_search_among_all_objects(pattern: Callable[[], None], walks: list[Any]) -> None:
    pattern()
    runs = all_runs()
    assert len(runs) == 1 + (pattern is assigned_after_a_training)
    for run in runs:
        assert run.name == run.params["model"] == "Net" and run.params["model.parameters"] == "49"
    assert not walks


def test_attributes_and_what_is_around_a_model_are_found(walks: list[Any]) -> None:
    Trainer(Net()).fit()
    trainer = Trainer(Critic())
    around = Around(trainer.model)
    trainer.fit()
    found = sorted(run.params["model"] for run in all_runs())
    assert found == ["Around", "Net"] and around.net is trainer.model
    assert all(len(args) == 2 for args in walks)  # for what ended the loop, not for models


def test_both_models_of_a_gan_are_found(walks: list[Any]) -> None:
    generator, critic = Net(), Critic()
    optimizers = sgd(generator), sgd(critic)
    for _ in range(2):
        for net, optimizer in zip((generator, critic), optimizers, strict=True):
            train(net, optimizer, 1)
    del optimizers, optimizer
    (run,) = all_runs()
    assert {"Net.loss", "Critic.loss"} <= set(run.metrics) and not walks


def test_models_from_before_are_searched_once_and_are_known_then(walks: list[Any]) -> None:
    autotrack.disable()
    pairs = [(net, sgd(net)) for net in (Net(), Critic(), Net())]
    autotrack.enable(models=False)
    for net, optimizer in pairs:
        train(net, optimizer)
    assert [args[0] for args in walks if len(args) == 1] == [nn.Module]
    assert [run.params["model"] for run in all_runs()] == ["Net", "Critic", "Net"]


def test_parameters_in_no_module_are_not_searched_again_and_again(walks: list[Any]) -> None:
    for _ in range(5):
        weight = torch.zeros(4, 1, requires_grad=True)
        train(lambda x, weight=weight: x @ weight, torch.optim.SGD([weight], lr=0.1))
    assert len([args for args in walks if len(args) == 1]) <= 2
    assert len(all_runs()) == 5


def test_what_is_gone_is_not_kept() -> None:
    from autotrack_torch.registered import MOST, Holders

    holders = Holders()
    kept = Net()
    for module in kept.modules():
        holders.note(module)
    assert holders.around([id(kept.inner.weight)]) == [kept.inner, kept]
    for _ in range(MOST // 2):
        layer = nn.Linear(1, 1)
        holders.note(layer)
        assert holders.around([id(layer.bias)]) == [layer]
    assert len(holders._of) <= MOST and not holders._fresh and len(holders._known) <= 4
    assert holders.around([id(kept.inner.weight)]) == [kept.inner, kept]


def seconds_of_trainings(kept: list[Any] | None = None) -> float:
    """Processor time of this thread for some short trainings, whose optimizers are ``kept`` or not."""
    began = time.thread_time()
    for _ in range(25):
        net = Net()
        optimizer = sgd(net)
        train(net, optimizer)
        if kept is not None:
            kept.append((net, optimizer))
    return time.thread_time() - began


@pytest.mark.parametrize("lives_on", [False, True])
def test_many_objects_do_not_make_trainings_slower(lives_on: bool) -> None:
    seconds_of_trainings()
    data = [{"row": number, "values": [number]} for number in range(1_000_000)]
    gc.disable()
    try:
        began = time.thread_time()
        objects_of(nn.Module)
        walk = time.thread_time() - began
        many = seconds_of_trainings([] if lives_on else None)
    finally:
        gc.enable()
    assert many < 25 * walk * (1.0 if lives_on else 0.5), (walk, many)  # a walk for each would take more
    assert len(data) == 1_000_000 and len(all_runs()) == 50


def test_a_mode_of_the_users_sees_no_more_than_without() -> None:
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    class Operations(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    class Functions(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(getattr(function, "__name__", ""))
            return function(*args, **(kwargs or {}))

    def observed(mode: Any) -> list[str]:
        torch.manual_seed(0)
        net = Net()
        optimizer = sgd(net)
        train(net, optimizer)
        seen.clear()
        with mode:
            train(net, optimizer, 3)
        return list(seen)

    seen: list[str] = []
    found = observed(Operations()), observed(Functions())
    first, second = all_runs()
    assert first.metric_history("loss").values.tolist() == second.metric_history("loss").values.tolist()
    assert len(first.metric_history("loss").steps) == 5
    autotrack.disable()
    assert found == (observed(Operations()), observed(Functions()))


@pytest.mark.filterwarnings("ignore")
def test_modules_made_in_what_is_compiled_are_compiled() -> None:
    def function(x: Any) -> Any:
        return nn.Sequential(nn.ReLU(), nn.Softmax(0))(x) + 1

    assert torch.compile(function, backend="eager", fullgraph=True)(torch.ones(2)).tolist() == [1.5, 1.5]
