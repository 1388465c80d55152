"""Programs that train with Lightning, with and without autotrack: the same bytes; several processes are one run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import autotrack
from tests.plugins.lightning.nets import points

ROOT = Path(__file__).parents[3]
SETTING = f"""
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {str(ROOT)!r})
from tests.plugins.lightning.nets import lightning, loaders, net, trainer
"""
TO_THE_BIT = """
import hashlib, random
import numpy, torch
pl = lightning("lightning.pytorch")
pl.seed_everything(5, verbose=False)
module = net(pl)
rows = loaders()
losses = []

class Watching(pl.Callback):
    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        losses.append(float(outputs["loss"]).hex())

saving = pl.callbacks.ModelCheckpoint("kept", monitor="val_loss", save_last=True)
fitting = trainer(pl, ".", callbacks=[Watching(), saving], max_epochs=3)
fitting.fit(module, *rows)
print(fitting.test(module, rows[1], verbose=False), fitting.callback_metrics)
print(losses)
for name, tensor in module.state_dict().items():
    print(name, hashlib.sha256(tensor.numpy().tobytes()).hexdigest())
print(fitting.optimizers[0].state_dict()["param_groups"])
print(hashlib.sha256(open("kept/last.ckpt", "rb").read()).hexdigest())
print([type(callback).__name__ for callback in fitting.callbacks])
print(hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest())
print(torch.rand(1), random.random(), numpy.random.rand())
print(sorted(vars(module)), sorted(vars(fitting)), warnings.filters)
"""
DISTRIBUTED = """
import autotrack
autotrack.enable()
if __name__ == "__main__":
    pl = lightning("lightning.pytorch")
    fitting = trainer(pl, ".", strategy=sys.argv[1], devices=2)
    fitting.fit(net(pl), *loaders())
    if fitting.global_rank == 0:
        print({key: value.item() for key, value in fitting.callback_metrics.items()})
"""


def test_weights_losses_checkpoints_and_random_states_to_the_bit(store: Path, script: Any) -> None:
    bare = script(SETTING + TO_THE_BIT, timeout=110)
    assert bare.returncode == 0, bare.stderr
    tracked = script(SETTING + "import autotrack; autotrack.enable()\n" + TO_THE_BIT, timeout=110)
    assert tracked.stdout == bare.stdout
    assert tracked.stderr == bare.stderr
    assert len(autotrack.search_runs()[0].metric_history("train_loss_step")) == 24


#: What a rank says that gloo's own threads abort as it exits, when training is long over (1 in some 40 here, on a rank
#: where nothing of ours runs).
ABORT = "terminate called without an active exception"


def distributed(script: Any, store: Path, source: str, *args: str) -> Any:
    """Runs a program of several ranks; once more, and from nothing, where gloo aborted at its exit."""
    done = script(source, *args, timeout=110)
    if done.returncode and ABORT in done.stderr:
        shutil.rmtree(store)
        done = script(source, *args, timeout=110)
    return done


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "ddp_fork"])
def test_two_processes_are_one_run(store: Path, script: Any, strategy: str) -> None:
    done = distributed(script, store, SETTING + DISTRIBUTED, strategy)
    assert done.returncode == 0, done.stderr
    runs = autotrack.search_runs()
    assert [run.status for run in runs] == ["FINISHED"]
    run = runs[0]
    assert [key for key, _, _ in points(run)].count("train_loss_step") == 8, "each step once"
    assert len(run.metric_history("val_loss")) == 2
    assert run.params["optimizer"] == "Adam" and run.params["trainer.num_devices"] == "2"
    assert run.params["train.rows"] == "64" and run.tags["lightning.checkpoints"]
    assert run.metrics["train_loss_epoch"] == eval(done.stdout.strip().splitlines()[-1])["train_loss_epoch"]
    assert not run.health.get("errors")


SPAWNED = """
import torch
import lightning.pytorch as pl

class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)
    def training_step(self, batch, index):
        loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.5)

import autotrack
autotrack.enable()
if __name__ == "__main__":
    fitting = trainer(pl, ".", strategy="ddp_spawn", devices=2)
    module = Net()
    before = module.layer.weight.clone()
    fitting.fit(module, loaders()[0])
    assert not torch.equal(before, module.layer.weight)
"""


@pytest.mark.slow
def test_spawned_processes_write_to_the_run_of_their_parent(store: Path, script: Any) -> None:
    done = distributed(script, store, SETTING + SPAWNED)
    assert done.returncode == 0, done.stderr
    (run,) = autotrack.search_runs()
    assert run.status == "FINISHED" and run.params["optimizer.lr"] == "0.5" and run.params["train.batches"] == "4"
    assert len(run.metric_history("train_loss")) == 8


def test_both_packages_in_one_program_in_either_order(store: Path, script: Any) -> None:
    source = """
    import autotrack
    autotrack.enable()
    for name in sys.argv[1:]:
        pl = lightning(name)
        trainer(pl, ".", max_epochs=1).fit(net(pl), *loaders())
    """
    import textwrap

    names = ("pytorch_lightning", "lightning.pytorch")
    done = script(SETTING + textwrap.dedent(source), *names, timeout=110)
    assert done.returncode == 0, done.stderr
    called = [run.tags["autotrack.call"].partition(".trainer")[0] for run in autotrack.search_runs()]
    assert sorted(called) == sorted(names)


def test_enabling_imports_no_lightning(script: Any, store: Path) -> None:
    done = script("""
        import sys
        import autotrack
        autotrack.enable()
        assert not {"torch", "lightning", "pytorch_lightning", "lightning_fabric"} & sys.modules.keys()
    """)
    assert done.returncode == 0, done.stderr
