"""What each step of a plain torch loop costs more, and that nothing is fetched from a device for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import process_time

import autotrack

from .harness import Place, Row, median

#: Steps between two looks at the clock; plain and tracked stretches take turns.
STRETCH = 150
#: Steps before each: putting wrappers in place and out again has Python specialise its bytecode anew.
WARM = 30


def rows(place: Place) -> Iterator[Row]:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = _loop()
    autotrack.enable(models=False)
    steps(2 * STRETCH)
    plain: list[float] = []
    added: list[float] = []
    for _ in range(place.scaled(20, 2)):
        autotrack.disable()
        steps(WARM)
        alone = steps(STRETCH)
        autotrack.enable(models=False)
        steps(WARM)
        added.append(steps(STRETCH) - alone)
        plain.append(alone)
    (run,) = autotrack.search_runs()
    if len(run.metric_history("loss").steps) < place.scaled(20, 2) * STRETCH:
        raise RuntimeError("the loop was not tracked: nothing was measured")
    yield Row("torch loop, CPU added to a step", median(added), "s", 15e-6, median(plain), "a plain step")


def _loop() -> Callable[[int], float]:
    """A small network on the CPU; the function makes steps and answers the seconds of one."""
    import torch
    from torch import nn

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x = torch.randn(32, 16)
    y = x.sum(1, keepdim=True)

    def steps(number: int) -> float:
        began = process_time()
        for _ in range(number):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            optimizer.step()
        return (process_time() - began) / number

    return steps
