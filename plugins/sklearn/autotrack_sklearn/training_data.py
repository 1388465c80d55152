"""The data of a fit as data sets of its run, each under the name that the caller's code has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .evaluated import describable

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

    from .training import Training


def log_training_data(call: Call, run: ProbeRun, training: Training) -> None:
    """Weights, y and X as three data sets, so that a label that was changed shows as a change of y alone.

    Their contexts are ``train``, ``train target`` and ``train weight``. To be called before the fit, which may change
    what it is given.
    """
    from autotrack.plugin import argument_name

    if run.folded:
        return
    # The largest is last, for it may take all the time there is.
    parts = (("sample_weight", 2, training.weight, "train weight"), ("y", 1, training.target, "train target"))
    for name, position, data, context in (*parts, ("X", 0, training.data, "train")):
        if data is None:
            continue
        if describable(data):
            run.log_dataset(data, argument_name(call, name, position) or name, context)
        else:
            run.note(f"{name} has no fingerprint: a {type(data).__name__} is no table, array or list")
