"""What of Lightning is watched, in both of its packages."""

from __future__ import annotations

from typing import Any

from autotrack.plugin import Family, Patch

from .probes import checkpoint_saved, heard, launched, logged_nowhere, predicted, staged, tested, told, trained, tuned

VERSIONS = ">=2.5,<3"
#: By package, the top of the names of the trainer, of Fabric (whose loggers the trainer's derive from), and the
#: distribution. They are two sets of classes.
PACKAGES = {
    "lightning": ("lightning.pytorch", "lightning.fabric", "lightning"),
    "pytorch_lightning": ("pytorch_lightning", "lightning_fabric", "pytorch-lightning"),
}
_CONNECTOR = "trainer.connectors.logger_connector.logger_connector:_LoggerConnector.log_metrics"


def declarations(package: str) -> list[Patch | Family]:
    """Patches and families for one of the two packages."""
    top, fabric, distribution = PACKAGES[package]
    about: dict[str, Any] = {"versions": VERSIONS, "distribution": distribution}
    inside: dict[str, Any] = about | {"nested": "join", "optional": True}
    trainer = f"{top}.trainer.trainer:Trainer"
    loggers = f"{fabric}.loggers.logger:Logger"
    return [
        Patch(f"{trainer}.fit", trained, **about),
        Patch(f"{trainer}.validate", tested, **about),
        Patch(f"{trainer}.test", tested, **about),
        Patch(f"{trainer}.predict", predicted, **about),
        Patch(f"{trainer}._run_stage", staged, **inside),
        Patch(f"{trainer}.save_checkpoint", checkpoint_saved, **inside),
        Patch(f"{top}.{_CONNECTOR}", logged_nowhere, **inside),
        Patch(f"{top}.strategies.launchers.multiprocessing:_MultiProcessingLauncher.launch", launched, **inside),
        Family(loggers, ("log_metrics",), heard, nested="join", **about),
        Family(loggers, ("log_hyperparams",), told, nested="join", **about),
        Patch(f"{top}.tuner.tuning:Tuner.lr_find", tuned, **inside),
        Patch(f"{top}.tuner.tuning:Tuner.scale_batch_size", tuned, **inside),
        Patch(f"{top}.callbacks.lr_finder:LearningRateFinder.lr_find", tuned, **inside),
        Patch(f"{top}.callbacks.batch_size_finder:BatchSizeFinder.scale_batch_size", tuned, **inside),
    ]
