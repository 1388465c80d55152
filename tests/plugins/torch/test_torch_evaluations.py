"""Losses of evaluation passes: which are recorded, under which names, at which steps. Real passes over small data."""

from __future__ import annotations

from typing import Any

import pytest

import autotrack
from autotrack.core.runs import trackers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("watched")
nn = torch.nn
F = torch.nn.functional
X = torch.linspace(-1, 1, 240).reshape(60, 4)
Y = X.sum(1, keepdim=True)
TensorDataset, DataLoader = torch.utils.data.TensorDataset, torch.utils.data.DataLoader


class Fit:
    """A training of a small network that stays open until the test is over."""

    def __init__(self) -> None:
        self.net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.01)

    def epoch(self, data: Any, criterion: Any = nn.MSELoss()) -> None:
        self.net.train()
        for x, y in DataLoader(data, batch_size=16):
            self.optimizer.zero_grad()
            criterion(self.net(x), y).backward()
            self.optimizer.step()

    def evaluate(self, batches: Any, criterion: Any = nn.MSELoss()) -> float:
        """The mean loss over all rows, as the user works it out."""
        self.net.eval()
        total, rows = 0.0, 0
        with torch.no_grad():
            for x, y in batches:
                total += criterion(self.net(x), y).item() * len(x)
                rows += len(x)
        return total / rows


def the_run() -> Any:
    trackers.close_all()
    (run,) = autotrack.search_runs()
    return run


def values(run: Any, key: str) -> list[float]:
    return run.metric_history(key).values.tolist() if key in run.metrics else []


TRAIN, HELD = TensorDataset(X[:32], Y[:32]), TensorDataset(X[32:], Y[32:])


@pytest.mark.parametrize(
    "criterion", [lambda x, y: F.mse_loss(x, y), nn.MSELoss(), nn.SmoothL1Loss()], ids=["function", "module", "l1"]
)
def test_an_evaluation_is_a_point_at_the_step_before_it(criterion: Any) -> None:
    fit = Fit()
    expected = []
    for _ in range(3):
        fit.epoch(TRAIN, criterion)
        expected.append(fit.evaluate(DataLoader(HELD, batch_size=10), criterion))  # 10, 10 and 8 rows
    run = the_run()
    assert run.metric_history("eval_loss").steps.tolist() == [1, 3, 5]
    assert values(run, "eval_loss") == pytest.approx(expected, rel=1e-6)
    assert values(run, "epoch") == [0, 1, 2]
    assert sorted((data.name, data.context, data.rows) for data in run.datasets) == [
        ("TensorDataset.0", "eval", 28),
        ("TensorDataset.0", "train", 32),
        ("TensorDataset.1", "eval", 28),
        ("TensorDataset.1", "train", 32),
    ]


def test_each_set_of_data_has_a_loss_of_its_own() -> None:
    fit = Fit()
    expected: dict[str, list[float]] = {"eval_loss": [], "eval_loss.2": [], "eval_loss.train": []}
    other = TensorDataset(X[40:], Y[40:])
    for _ in range(2):
        fit.epoch(TRAIN)
        for key, data in {"eval_loss": HELD, "eval_loss.train": TRAIN, "eval_loss.2": other}.items():
            expected[key].append(fit.evaluate(DataLoader(data, batch_size=16)))
    run = the_run()
    assert {key: values(run, key) for key in expected} == {
        key: pytest.approx(found, rel=1e-6) for key, found in expected.items()
    }


def test_data_made_anew_for_each_pass_have_one_name() -> None:
    fit = Fit()
    expected = []
    for _ in range(3):
        fit.epoch(TensorDataset(X[:32], Y[:32]))
        expected.append(fit.evaluate(DataLoader(TensorDataset(X[32:], Y[32:]), batch_size=10)))
    run = the_run()
    assert values(run, "eval_loss") == pytest.approx(expected, rel=1e-6)
    assert not [key for key in run.metrics if key.startswith("eval_loss.")]


def test_an_evaluation_without_a_loader_is_one_too() -> None:
    fit = Fit()
    fit.epoch(TRAIN)
    expected = [fit.evaluate([(X, Y)])]
    fit.epoch(TRAIN)
    expected += [fit.evaluate([(X, Y)])]
    assert values(the_run(), "eval_loss") == pytest.approx(expected, rel=1e-6)


def test_several_losses_of_one_pass_are_told_apart() -> None:
    fit = Fit()
    fit.epoch(TRAIN)
    fit.net.eval()
    with torch.no_grad():
        first, second = F.mse_loss(fit.net(X), Y).item(), F.l1_loss(fit.net(X), Y, reduction="sum").item()
    run = the_run()
    assert values(run, "eval_loss.mse_loss") == [pytest.approx(first)]
    assert values(run, "eval_loss.l1_loss") == [pytest.approx(second / len(X))]  # a sum: a row's share of it


def test_losses_of_training_steps_are_none_of_an_evaluation() -> None:
    fit = Fit()
    for _ in range(2):
        fit.net.eval()  # a frozen backbone, say
        fit.epoch(TRAIN)
        with torch.no_grad():
            F.mse_loss(fit.net(X), Y)  # to look at it: the model is in training
    run = the_run()
    assert not [key for key in run.metrics if key.startswith("eval")]
    assert len(values(run, "loss")) == 4


def test_a_step_of_a_model_that_stays_in_evaluation_is_a_training_step() -> None:
    fit = Fit()
    for _ in range(3):
        fit.net.eval()  # dropout is not wanted
        fit.optimizer.zero_grad()
        F.mse_loss(fit.net(X), Y).backward()
        fit.optimizer.step()
    run = the_run()
    assert not [key for key in run.metrics if key.startswith("eval")]
    assert len(values(run, "loss")) == 3


def test_an_evaluation_before_the_first_step_is_left_out_and_the_epochs_are_right() -> None:
    fit = Fit()
    fit.evaluate(DataLoader(HELD, batch_size=10))
    fit.epoch(TRAIN)
    fit.epoch(TRAIN)
    run = the_run()
    assert "eval_loss" not in run.metrics and values(run, "epoch") == [0, 1]
    assert run.params["batch_size"] == "16"


def test_losses_that_are_no_number_are_left_out() -> None:
    fit = Fit()
    fit.epoch(TRAIN)
    fit.net.eval()
    with torch.no_grad():
        F.mse_loss(fit.net(X), Y, reduction="none")
        torch.vmap(F.mse_loss)(fit.net(X), Y)
        F.mse_loss(X[:0], X[:0])
    assert not [key for key in the_run().metrics if key.startswith("eval")]


def test_threads_evaluate_each_their_own() -> None:
    import threading

    def work(number: int) -> None:
        fit = Fit()
        fit.epoch(TRAIN)
        barrier.wait()
        expected[number] = fit.evaluate(DataLoader(HELD, batch_size=10))
        kept.append(fit)

    expected: dict[int, float] = {}
    kept: list[Fit] = []
    barrier = threading.Barrier(4, timeout=60)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trackers.close_all()
    found = [run.metrics["eval_loss"] for run in autotrack.search_runs()]
    assert sorted(found) == pytest.approx(sorted(expected.values()), rel=1e-6)


def test_nobody_listens_while_nothing_is_evaluated() -> None:
    from autotrack_torch.evaluations import EAR

    fit = Fit()
    fit.epoch(TRAIN)
    assert not EAR.open
    fit.evaluate(DataLoader(HELD, batch_size=10))
    assert EAR.open
    fit.epoch(TRAIN)
    assert not EAR.open
    fit.evaluate(DataLoader(HELD, batch_size=10))
    trackers.close_all()
    assert not EAR.open


@pytest.mark.filterwarnings("ignore")
def test_loss_functions_compile_script_export_and_trace_as_before() -> None:
    import pickle

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.criterion = nn.Linear(4, 1), nn.MSELoss()

        def forward(self, x: Any, y: Any) -> Any:
            return F.mse_loss(self.layer(x), y) + self.criterion(self.layer(x), y)

    fit, net = Fit(), Net()
    fit.epoch(TRAIN)
    fit.net.eval()  # from here on somebody listens
    expected = net(X, Y).item()
    assert torch.compile(net, backend="eager", fullgraph=True)(X, Y).item() == expected
    assert torch.export.export(net, (X, Y)).module()(X, Y).item() == expected
    assert torch.fx.symbolic_trace(net)(X, Y).item() == expected
    assert pickle.loads(pickle.dumps(F.mse_loss)) is F.mse_loss
    autotrack.disable()
    assert type(F.mse_loss).__name__ == "function"
