"""A version of a registered model from what a run has just saved, made off the training thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import AutotrackError, ConflictError
from ..guard import warn
from ..registered import ModelVersion, check_model_name
from ..session import user_name

if TYPE_CHECKING:
    from ..sink import Sink
    from .tracker import Tracker


def version_of(run: str, place: str, path: str, digest: str | None, name: str) -> ModelVersion:
    """The version, without a number, that a run's model is to be (UsageError for a name that cannot be).

    ``place`` is the run's folder among the store's artifacts, ``artifacts/<experiment>/<run>``.
    """
    folder = f"{place.removeprefix('artifacts/')}/{path}"
    return ModelVersion(
        check_model_name(name), 0, f"runs:/{run}/{path}", artifact_uri=folder, run=run, digest=digest, user=user_name()
    )


def register_later(tracker: Tracker, version: ModelVersion) -> None:
    """Has the store make the version, soon, and before the program ends if the store answers; a warning says what to
    do where it does not."""
    tracker.later("registering a model", lambda: _register(tracker.sink, version, silent=tracker.settings.silent))


def _register(sink: Callable[[], Sink], version: ModelVersion, *, silent: bool) -> None:
    try:
        store = sink()
        assert version.run is not None
        store.run(version.run)  # delivered first: nobody finds a version of a run that is not there
        with suppress(ConflictError):  # most often the name is there
            store.registry.create(version.name, user=version.user)
        store.registry.create_version(replace(version, tags={}))
    except (AutotrackError, OSError) as error:
        warn(
            f"the model was not registered as {version.name!r} ({error}); "
            f"`autotrack models register {version.source} {version.name}` does it",
            silent=silent,
        )
