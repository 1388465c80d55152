"""The hooks: everything that a plugin can declare, choose, observe or extend.

Names say the kind: ``register_*`` returns data, ``open_*`` and ``choose_*`` choose (the first that is not None wins),
a noun with a past participle observes. Observers are called one by one, each guarded: ``run_started`` and
``run_ended`` on the thread that starts or ends the run, all others on autotrack's own thread, in the order of what they
tell of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from ..probes.patching import Declaration
    from ..runs.run import Run
    from ..sink import Sink
    from .flavor import Flavor
    from .pages import Panel, ServerRoute

PROJECT = "autotrack"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# Declarations: called once when the plugin is loaded, also for plugins that are loaded later.


@hookspec(historic=True)
def register_patches() -> Sequence[Declaration]:  # type: ignore[empty-body]
    """What to watch: the library calls that this plugin's probes bracket."""


@hookspec(historic=True)
def register_flavors() -> Sequence[Flavor]:  # type: ignore[empty-body]
    """Model formats that this plugin can save and load."""


@hookspec(historic=True)
def register_settings() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Settings of this plugin with their defaults, by name; ``autotrack.plugin.settings(plugin)`` has them in force."""


@hookspec(historic=True)
def register_hookspecs() -> Sequence[object]:  # type: ignore[empty-body]
    """Modules with hook specs of the plugin's own, which other plugins may then implement."""


@hookspec(historic=True)
def run_tags() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Tags for every run that starts in this process (cluster job id, ticket number, ...)."""


# Choices: the first plugin that answers something else than None decides.


@hookspec(firstresult=True)
def open_sink(uri: str) -> Sink | None:
    """The place that runs are delivered to and read from, for a tracking URI that the plugin understands."""


@hookspec(firstresult=True)
def open_artifacts(uri: str) -> Any | None:
    """The artifact storage under a URI that the plugin understands."""


@hookspec(firstresult=True)
def find_model(uri: str) -> Path | None:
    """The local folder of a model at a URI of a scheme that the plugin understands, where autotrack itself does not.

    Its files count as somebody's: they run no code before somebody vouches for them. The folder stays the plugin's.
    """


@hookspec(firstresult=True)
def process_role() -> str | None:
    """``"main"``, ``"worker"`` or ``"rank"``, for launchers whose child processes autotrack does not recognise."""


@hookspec(firstresult=True)
def choose_flavor(model: Any) -> str | None:
    """The name of the flavor that saves this model, where the class path alone does not tell."""


@hookspec(firstresult=True)
def log_model(
    run: Run,
    model: Any,
    path: str,
    example: Any,
    predictor: Callable[[Any], Any] | None,
    golden: Any,
    seconds: float | None,
    answers: Any,
) -> bool | None:
    """Saves a model among the run's artifacts under ``path``; None where this plugin cannot.

    ``example`` are data that the model takes, ``golden`` its answers to the first rows of them, ``predictor`` answers
    them where the model itself should not be asked; each may be None. ``seconds`` is what asking may take, None where
    the user wants the model saved whatever it takes. ``answers`` are the model's to all rows of the example, where they
    are at hand.
    """


@hookspec(firstresult=True)
def run_project(uri: str, arguments: Mapping[str, Any]) -> Any | None:
    """Runs a project for ``autotrack.run_project``, which was given the ``arguments``; answers a submitted run."""


@hookspec(firstresult=True)
def spark_udf(spark: Any, uri: str, arguments: Mapping[str, Any]) -> Any | None:
    """A model as a function of columns for ``autotrack.spark_udf``, which was given the ``arguments``."""


@hookspec(firstresult=True)
def ask_on(platform: str, folder: str, example: Any, trust: bool) -> Any | None:
    """What the model in a folder answers to rows on a platform (``serve``, ``docker``, ``spark``), for
    ``autotrack models verify --on``; None for a platform of another plugin's."""


@hookspec(firstresult=True)
def run_target(target: str) -> click.Command | None:
    """The command for what ``autotrack run`` was given in place of a script; it is called with all of its words."""


# Observers: told after the fact (core/runs/observers.py says on which thread).


@hookspec
def run_started(run: Run) -> None:
    """A run has started."""


@hookspec
def run_ended(run: Run, status: str, error: BaseException | None) -> None:
    """A run has ended in this process; ``error`` is what ended it, if anything did."""


@hookspec
def params_logged(run: Run, params: Mapping[str, str]) -> None:
    """Parameters were written to the journal."""


@hookspec
def tags_set(run: Run, tags: Mapping[str, str]) -> None:
    """Tags were written to the journal."""


@hookspec
def metrics_logged(run: Run, points: Sequence[tuple[str, int, int, float]]) -> None:
    """A batch of metric points (key, step, nanoseconds, value), in the order of logging."""


@hookspec
def artifact_logged(run: Run, path: str, size: int) -> None:
    """An artifact of the run is in its storage."""


@hookspec
def model_saved(run: Run, path: str, flavor: str, folder: Path) -> None:
    """A model folder of the run is in its storage."""


# Extenders.


@hookspec
def register_commands(cli: click.Group) -> None:
    """Adds commands to the ``autotrack`` command line."""


@hookspec(historic=True)
def register_panels() -> Sequence[Panel]:  # type: ignore[empty-body]
    """Tabs on the pages of runs."""


@hookspec(historic=True)
def register_routes() -> Sequence[ServerRoute]:  # type: ignore[empty-body]
    """Routes of the server, below ``/api/v1/plugins/<plugin>/``."""
