"""Plain loops: which runs they make, what is in them, and how they end. Real trainings of small models."""

from __future__ import annotations

import contextvars
import gc
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import autotrack
from autotrack.core.runs import trackers
from tests.plugins.torch.nets import Critic, Net, all_runs

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("watched")
nn = torch.nn
F = torch.nn.functional
X = torch.linspace(-1, 1, 256).reshape(64, 4)
Y = X.sum(1, keepdim=True)


def loader(**options: Any) -> Any:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=16, **options)


def train(net: Any, optimizer: Any, steps: int = 4, raises: str | None = None) -> list[float]:
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(net(X), Y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if raises is not None and step == steps - 1:
            raise ValueError(raises)
    return losses


def ended_runs() -> Any:
    """All runs, once what is over has been ended."""
    gc.collect()
    trackers.tracker().kept.end_orphans()
    return sorted(autotrack.search_runs(), key=lambda run: run.started)


def test_a_loop_is_a_run_with_its_loss_at_each_step() -> None:
    net = Net()
    losses = train(net, torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9), 5)
    (run,) = ended_runs()
    assert run.name == "Net" and run.status.value == "FINISHED"
    history = run.metric_history("loss")
    assert history.steps.tolist() == [0, 1, 2, 3, 4] and history.values.tolist() == losses
    assert run.params["optimizer"] == "SGD" and run.params["optimizer.momentum"] == "0.9"
    assert run.params["model"] == "Net" and run.params["model.parameters"] == "49"
    assert run.tags["model_class"].endswith("nets.Net")
    assert run.tags["autotrack.plugin"] == "torch"


def test_epochs_batches_and_rates_are_counted() -> None:
    net = Net()
    optimizer = torch.optim.AdamW([{"params": net.inner.parameters(), "lr": 0.1}, {"params": net.outer.parameters()}])
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    batches = loader(shuffle=True, drop_last=True)
    for _ in range(3):
        for x, y in batches:
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()
            optimizer.step()
        scheduler.step()
    del optimizer, scheduler
    (run,) = ended_runs()
    epochs = run.metric_history("epoch")
    assert epochs.steps.tolist() == [0, 4, 8] and epochs.values.tolist() == [0, 1, 2]
    rates = run.metric_history("lr")
    assert rates.steps.tolist() == [0, 4, 8] and rates.values.tolist() == [0.1, 0.05, 0.025]
    assert run.metric_history("lr.group_1").values.tolist() == [0.001, 0.0005, 0.00025]
    assert run.params["batch_size"] == "16" and run.params["loader.shuffle"] == "True"
    assert run.params["dataset"] == "TensorDataset" and run.params["dataset.rows"] == "64"
    assert [(data.name, data.context, data.rows) for data in run.datasets] == [
        ("TensorDataset.0", "train", 64),
        ("TensorDataset.1", "train", 64),
    ]
    assert run.params["optimizer.groups"] == "2" and run.params["optimizer.group_1.lr"] == "0.001"
    assert run.params["scheduler"] == "StepLR" and run.params["scheduler.gamma"] == "0.5"


def test_forward_passes_loading_and_scoring_make_no_run() -> None:
    net = Net()
    net.eval()
    with torch.no_grad():
        for x, y in loader():
            F.mse_loss(net(x), y)
    F.mse_loss(net(X), Y).backward()  # a saliency map, say
    assert len(all_runs()) == 0


def test_two_trainings_in_a_row_are_two_runs() -> None:
    for seed in range(2):
        torch.manual_seed(seed)
        net = Net()
        train(net, torch.optim.SGD(net.parameters(), lr=0.1))
    runs = ended_runs()
    assert [run.status.value for run in runs] == ["FINISHED"] * 2
    assert all(len(run.metric_history("loss").steps) == 4 for run in runs)


def test_two_trainings_whose_optimizers_live_on_are_two_runs() -> None:
    kept = []
    for _ in range(2):
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        train(net, optimizer)
        kept.append((net, optimizer))
    assert [run.metrics["loss"] > 0 for run in all_runs()] == [True, True]


def test_models_made_together_and_trained_in_a_row_are_two_runs() -> None:
    pairs = [(net, torch.optim.SGD(net.parameters(), lr=0.1)) for net in (Net(), Net())]
    for net, optimizer in pairs:
        train(net, optimizer)
    assert len(all_runs()) == 2


def test_a_gan_is_one_run_with_two_losses() -> None:
    generator, critic = Net(), Critic()
    for_generator = torch.optim.Adam(generator.parameters(), lr=1e-3)
    for_critic = torch.optim.Adam(critic.parameters(), lr=2e-3)
    expected = []
    for _ in range(3):
        for_critic.zero_grad()
        real = critic(X).mean()
        real.backward()
        fake = critic(X * generator(X).detach()).mean()
        fake.backward()
        for_critic.step()
        expected.append(real.item() + fake.item())
        for_generator.zero_grad()
        critic(X * generator(X)).mean().backward()
        for_generator.step()
    (run,) = all_runs()
    assert run.metric_history("Critic.loss").values.tolist() == pytest.approx(expected)
    assert run.metric_history("Net.loss").steps.tolist() == [0, 1, 2]
    assert run.params["optimizer.lr"] == "0.002" and run.params["Net.optimizer.lr"] == "0.001"


def test_names_of_a_gan_do_not_wait_for_a_long_description(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large models take long to describe: the first points of the one that steps first have its name all the same."""
    monkeypatch.setattr(sys.modules["autotrack_torch.loops"], "TOGETHER_SECONDS", 0.02)
    generator, critic = Net(), nn.Sequential(Critic(), *[nn.Linear(1, 1) for _ in range(2000)])
    for_generator = torch.optim.SGD(generator.parameters(), lr=0.1)
    for_critic = torch.optim.SGD(critic.parameters(), lr=0.1)
    took = []
    for _ in range(2):
        for_critic.zero_grad()
        critic[0](X).mean().backward()
        began = time.perf_counter()
        for_critic.step()
        took.append(time.perf_counter() - began)
        for_generator.zero_grad()
        critic[0](X * generator(X)).mean().backward()
        for_generator.step()
    assert took[0] > 0.02, "it was described too quickly for this test to say anything"
    (run,) = all_runs()
    assert run.metric_history("Sequential.loss").steps.tolist() == [0, 1]
    assert not {"loss", "lr"} & set(run.metrics)


class OwnTraining(Net):
    """Has its optimizer with it, of which no description can be made: a failure of ours, and of nobody else."""

    def __init__(self) -> None:
        super().__init__()
        self.optimizer = torch.optim.SGD(self.parameters(), lr=0.1)

    def fit(self) -> None:
        for _ in range(2):
            self.optimizer.zero_grad()
            F.mse_loss(self(X), Y).backward()
            self.optimizer.step()


def test_an_exception_of_ours_ends_no_training(store: Path) -> None:
    autotrack.disable()
    autotrack.enable()
    gc.disable()  # what is left of the exception is garbage, and still there
    try:
        for layer in (OwnTraining(), OwnTraining()):
            layer.fit()
    finally:
        gc.enable()
    assert [run.status.value for run in all_runs()] == ["FINISHED", "FINISHED"]


def test_several_optimizers_in_a_list_are_one_run() -> None:
    nets = Net(), Critic()
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in nets]
    for _ in range(3):
        for net, optimizer in zip(nets, optimizers, strict=True):
            optimizer.zero_grad()
            F.mse_loss(net(X), Y).backward()
            optimizer.step()
    (run,) = all_runs()
    assert len(run.metric_history("Net.loss").steps) == len(run.metric_history("Critic.loss").steps) == 3


def test_gradient_accumulation_logs_the_sum_once_a_step() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    expected = []
    for _ in range(2):
        optimizer.zero_grad()
        parts = [F.mse_loss(net(x), y) / 4 for x, y in loader()]
        for part in parts:
            part.backward()
        optimizer.step()
        expected.append(sum(part.item() for part in parts))
    (run,) = all_runs()
    assert run.metric_history("loss").values.tolist() == pytest.approx(expected)


def test_lbfgs_logs_the_loss_that_its_step_returns() -> None:
    net = Net()
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=5)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = F.mse_loss(net(X), Y)
        loss.backward()
        return loss

    expected = [optimizer.step(closure).item() for _ in range(3)]
    (run,) = all_runs()
    assert run.metric_history("loss").values.tolist() == expected


def test_an_optimizer_made_anew_for_the_same_model_goes_on_with_its_run() -> None:
    net = Net()
    for rate in (0.1, 0.01, 0.001):
        optimizer = torch.optim.SGD(net.parameters(), lr=rate)
        train(net, optimizer, 3)
    del optimizer
    (run,) = ended_runs()
    assert run.status.value == "FINISHED"


def test_a_loop_inside_a_run_of_the_users_joins_it() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with autotrack.start_run("mine"):
        train(net, optimizer, 3)
    with autotrack.start_run("another"):
        train(net, optimizer, 2)
    train(net, optimizer, 4)
    runs = all_runs()
    assert [run.name for run in runs] == ["mine", "another", "Net"]
    assert [len(run.metric_history("loss").steps) for run in runs] == [3, 2, 4]
    assert all(run.params["optimizer"] == "SGD" for run in runs)


def left(catch: Callable[[Callable[[], Any]], Any]) -> Any:
    def training() -> None:
        net = Net()
        train(net, torch.optim.SGD(net.parameters(), lr=0.1), 3, "boom")

    catch(training)
    return ended_runs()


def test_a_loop_in_a_function_that_raises_is_failed() -> None:
    def catch(training: Callable[[], Any]) -> None:
        try:
            training()
        except ValueError:
            pass

    (run,) = left(catch)
    assert run.status.value == "FAILED" and len(run.metric_history("loss").steps) == 3


def test_a_loop_whose_exception_had_a_name_is_failed() -> None:
    def catch(training: Callable[[], Any]) -> None:
        try:
            training()
        except ValueError as error:
            print(error)

    (run,) = left(catch)
    assert run.status.value == "FAILED"


def test_a_loop_whose_exception_is_kept_is_failed_with_it() -> None:
    kept: list[BaseException] = []

    def catch(training: Callable[[], Any]) -> None:
        try:
            training()
        except ValueError as error:
            kept.append(error)

    left(catch)
    net = Net()
    train(net, torch.optim.SGD(net.parameters(), lr=0.1))
    failed, went_well = ended_runs()
    assert failed.status.value == "FAILED" and "boom" in failed.error
    assert went_well.status.value == "FINISHED"


def test_a_backward_pass_that_fails_and_ends_the_loop_is_failed() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with pytest.raises(RuntimeError, match="does not require grad"):
        for step in range(3):
            loss = F.mse_loss(net(X), Y)
            (loss.detach() if step == 2 else loss).backward()
            optimizer.step()
    (run,) = all_runs()
    assert run.status.value == "FAILED" and "does not require grad" in run.error


def test_a_batch_that_is_skipped_after_an_error_leaves_no_mark() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(4):
        loss = F.mse_loss(net(X), Y)
        try:
            (loss.detach() if step == 2 else loss).backward()
        except RuntimeError:
            continue
        optimizer.step()
    (run,) = all_runs()
    assert run.status.value == "FINISHED" and len(run.metric_history("loss").steps) == 3


def test_plain_tensors_are_trained_too() -> None:
    w = torch.zeros(4, 1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(X @ w, Y).backward()
        optimizer.step()
    (run,) = all_runs()
    assert run.name == "SGD" and run.params["model.trainable_parameters"] == "4"


def test_evaluations_are_no_epochs() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    train_batches, test_batches = loader(), loader()
    for _ in range(2):
        net.train()
        for x, y in train_batches:
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()
            optimizer.step()
        net.eval()
        for x, y in test_batches:
            with torch.no_grad():
                F.mse_loss(net(x), y)
    (run,) = all_runs()
    assert run.metric_history("epoch").values.tolist() == [0, 1]


def test_many_loops_from_one_line_fold() -> None:
    autotrack.disable()
    trackers.close_all()
    autotrack.enable(runs_per_site=3, models=False)
    for _ in range(6):
        net = Net()
        train(net, torch.optim.SGD(net.parameters(), lr=0.1), 3)
    runs = all_runs()
    assert len(runs) == 4
    (series,) = [run for run in runs if run.tags.get("autotrack.folded")]
    assert series.metric_history("loss").steps.tolist() == [0, 1, 2]


def test_nothing_of_the_users_is_held() -> None:
    import weakref

    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    batches = loader()
    for x, y in batches:
        loss = F.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
    held = [weakref.ref(each) for each in (net, optimizer, batches, x, loss, net.inner.weight)]
    del net, optimizer, batches, x, y, loss
    gc.collect()
    assert [reference() for reference in held] == [None] * 6


def test_points_are_readable_while_the_loop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait for others to be logged with are logged by the first step after some time."""
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    train(net, optimizer, 3)
    (run,) = autotrack.search_runs()
    assert len(run.metric_history("loss").steps) == 2
    monkeypatch.setattr(sys.modules["autotrack_torch.loops"], "TOGETHER_SECONDS", 0.0)
    train(net, optimizer, 1)
    assert len(run.metric_history("loss").steps) == 4 and run.status.value == "RUNNING"


def test_trainings_in_threads_are_runs_of_their_own() -> None:
    import threading

    nets = [Net() for _ in range(4)]
    threads = [
        threading.Thread(target=lambda net=net: train(net, torch.optim.SGD(net.parameters(), lr=0.1), 5))
        for net in nets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = all_runs()
    assert [len(run.metric_history("loss").steps) for run in runs] == [5] * 4


def test_trainings_in_tasks_are_runs_of_their_own() -> None:
    import asyncio

    async def training(number: int) -> list[float]:
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01 * number)
        losses = []
        for _ in range(5):
            losses += train(net, optimizer, 1)
            await asyncio.sleep(0)
        return losses

    async def together() -> list[list[float]]:
        first = await asyncio.gather(*(training(number) for number in range(1, 4)))
        second = await asyncio.gather(*(asyncio.to_thread(asyncio.run, training(number)) for number in range(1, 4)))
        return [*first, *second]

    before = Net()
    optimizer = torch.optim.SGD(before.parameters(), lr=0.1)
    train(before, optimizer, 2)  # its state is in the context that the tasks get copies of
    expected = asyncio.run(together())
    train(before, optimizer, 2)
    found = [run.metric_history("loss").values.tolist() for run in all_runs()]
    assert sorted(losses for losses in found if len(losses) == 5) == sorted(expected)
    assert len(found) == 7 and sorted(map(len, found))[0] == 4


def test_threads_with_copies_of_a_context_keep_their_losses_apart() -> None:
    """Both go backward before either steps, in contexts that were copied from one where a training is known."""
    before = Net()
    train(before, torch.optim.SGD(before.parameters(), lr=0.1), 2)
    both = threading.Barrier(2, timeout=60)

    def training(number: int) -> list[float]:
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01 * number)
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.mse_loss(net(X), Y)
            both.wait()
            loss.backward()
            both.wait()
            optimizer.step()
            losses.append(loss.item())
        return losses

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(contextvars.copy_context().run, training, number) for number in (1, 2)]
        expected = [call.result() for call in calls]
    found = [run.metric_history("loss").values.tolist() for run in all_runs()]
    assert sorted(losses for losses in found if len(losses) == 3) == sorted(expected)


def test_one_optimizer_of_several_models_saves_each_of_them() -> None:
    autotrack.disable()
    autotrack.enable()
    encoder, decoder, other = nn.Linear(4, 2), Net(), nn.Linear(8, 1)
    decoder.inner = nn.Linear(2, 8)
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters(), *other.parameters()], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        F.mse_loss(decoder(encoder(X)) + other(torch.cat([X, X], 1)), Y).backward()
        optimizer.step()
    (run,) = all_runs()
    assert run.params["model"] == "Net, Linear, Linear" and run.params["model.parameters"] == str(33 + 10 + 9)
    assert sorted(model.path for model in run.models) == ["Linear.model", "Linear_3.model", "Net.model"]
    assert run.name == "Net" and len(run.metric_history("loss").steps) == 2


def test_a_training_that_goes_on_from_a_checkpoint_says_so(tmp_path: Path) -> None:
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 4)  # warms up from 0
    train(net, optimizer, 3)
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    again = Net()
    resumed = torch.optim.Adam(again.parameters(), lr=0.1)
    state = torch.load(tmp_path / "state.pt")
    again.load_state_dict(state["model"])
    resumed.load_state_dict(state["optimizer"])
    train(again, resumed, 2)
    first, second = all_runs()
    assert "optimizer.steps_before" not in first.params and second.params["optimizer.steps_before"] == "3"
    assert first.params["optimizer.lr"] == second.params["optimizer.lr"] == "0.1"


@pytest.mark.filterwarnings("ignore")
def test_checkpoints_of_compiled_models_are_kept(tmp_path: Path) -> None:
    net = Net()
    model = torch.compile(net, backend="eager")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    train(model, optimizer, 2)
    torch.save(model.state_dict(), tmp_path / "compiled.pt")
    torch.save({"weights": torch.ones(3)}, tmp_path / "other.pt")
    (run,) = all_runs()
    assert [file.path for file in run.artifacts if "checkpoints" in file.path] == ["checkpoints/compiled.pt"]


def test_a_loader_that_the_loop_lets_go_of_is_described_and_counted() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        net.train()
        for x, y in loader():
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()
            optimizer.step()
        net.eval()
    (run,) = all_runs()
    assert run.params["batch_size"] == "16" and run.metric_history("epoch").steps.tolist() == [0, 4, 8]


def test_half_precision_logs_the_loss_and_not_its_multiple() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    expected = []
    for step in range(4):
        optimizer.zero_grad()
        loss = F.mse_loss(net(X), Y)
        expected.append(loss.item())
        scaler.scale(loss * (float("inf") if step == 2 else 1.0)).backward()
        scaler.step(optimizer)
        scaler.update()
    (run,) = all_runs()
    assert run.metric_history("loss").values.tolist() == [expected[0], expected[1], expected[3]]
    assert run.metric_history("amp_scale").values.tolist() == [1024.0, 2048.0, 1024.0]
    assert run.metric_history("amp_skipped_steps").values.tolist() == [1.0]


def test_the_norm_of_gradients_is_logged_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from autotrack.core.plugins import registry

    monkeypatch.setenv("AUTOTRACK_TORCH_GRAD_NORM", "true")
    registry.forget_plugins()
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    expected = []
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(net(X), Y).backward()
        expected.append(torch.cat([tensor.grad.flatten() for tensor in net.parameters()]).norm().item())
        optimizer.step()
    (run,) = all_runs()
    registry.forget_plugins()
    assert run.metric_history("grad_norm").values.tolist() == pytest.approx(expected)


def test_inside_another_watched_call_nothing_is_seen() -> None:
    """Who watches a whole training (a Trainer) records it: its steps are no loop of the user's."""
    from autotrack.core.probes.frames import sealed

    net = Net()
    with sealed():
        train(net, torch.optim.SGD(net.parameters(), lr=0.1))
    assert len(all_runs()) == 0


@pytest.mark.parametrize("what", ["model", "step"])
@pytest.mark.filterwarnings("ignore")
def test_compiled_models_and_steps_are_tracked(what: str) -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    model = torch.compile(net, backend="eager") if what == "model" else net

    def step() -> Any:
        optimizer.zero_grad()
        loss = F.mse_loss(model(X), Y)
        loss.backward()
        optimizer.step()
        return loss

    called = step if what == "model" else torch.compile(step, backend="eager")
    expected = [called().item() for _ in range(5)]
    (run,) = all_runs()
    assert run.name == "Net" and run.metric_history("loss").values.tolist() == expected


def test_rates_that_are_tensors_are_followed() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=torch.tensor(0.5))
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for _ in range(3):
        train(net, optimizer, 1)
        scheduler.step()
    (run,) = all_runs()
    assert run.metric_history("lr").values.tolist() == [0.5, 0.25, 0.125]


def test_values_that_are_elsewhere_are_logged_in_order_once_they_are_here() -> None:
    from autotrack_torch.transfers import Transfers

    logged: list[Any] = []

    def log(key: str, value: float, step: int) -> None:
        logged.append((key, value, step))

    transfers = Transfers()
    for step in range(3):
        transfers.add("loss", step, torch.tensor(step / 2))
    transfers.forward(log)
    assert bool(transfers) and logged == []  # few: it waits for more
    transfers.finish(log)
    assert logged == [("loss", 0.0, 0), ("loss", 0.5, 1), ("loss", 1.0, 2)] and not transfers


def test_backward_passes_from_before_are_no_part_of_the_loss() -> None:
    net = Net()
    F.mse_loss(net(X), Y).backward()
    assert (
        train(net, torch.optim.SGD(net.parameters(), lr=0.1), 2) == all_runs()[0].metric_history("loss").values.tolist()
    )


def test_a_model_that_has_no_length_is_found() -> None:
    class Empty(nn.ModuleList):
        """Its truth is that of a list without modules."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 1))

    net = Empty()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    F.mse_loss(X @ net.weight, Y).backward()
    optimizer.step()
    (run,) = all_runs()
    assert run.name == "Empty"


def test_another_version_is_left_alone_and_an_error_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    autotrack.disable()
    monkeypatch.setattr(torch, "__version__", "2.99.0")
    with pytest.raises(autotrack.AutotrackError, match=r"'torch' was tested with torch .*, and 2\.99\.0 is installed"):
        autotrack.enable("torch")
    autotrack.enable()
    net = Net()
    train(net, torch.optim.SGD(net.parameters(), lr=0.1), 3)
    assert len(all_runs()) == 0


def test_disabled_means_unwatched() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    train(net, optimizer, 3)
    autotrack.disable()
    train(net, optimizer, 3)
    (run,) = all_runs()
    assert len(run.metric_history("loss").steps) == 3
    assert not sys.modules["torch.optim.optimizer"]._global_optimizer_post_hooks
