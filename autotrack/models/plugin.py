"""What this part of autotrack brings to the plugin manager: saving the model of a run, and models that are code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.core.errors import ArtifactError
from autotrack.core.guard import attempt
from autotrack.core.plugins.hookspecs import hookimpl
from autotrack.core.private import TEMPORARY

if TYPE_CHECKING:
    from autotrack.core.plugins.flavor import Flavor
    from autotrack.core.runs.run import Run


@hookimpl
def register_flavors() -> Sequence[Flavor]:
    """Models that are Python code."""
    from .python_source import PYTHON

    return [PYTHON]


def _folder() -> AbstractContextManager[str]:
    import tempfile

    return tempfile.TemporaryDirectory(prefix=TEMPORARY)


@hookimpl
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
    """Saves the model among the run's artifacts; None where no plugin's flavor handles its class."""
    from autotrack.core.entities import ModelRecord

    from .flavors import chosen_flavor, flavor_of, named_flavor, registered_flavors
    from .manifest import FILE as MANIFEST
    from .manifest import FileDigest, write_manifest
    from .mlmodel import NAME
    from .profile import Known
    from .saving import Details, class_name, digest_of_bytes, fill

    if isinstance(model, (str, Path)):
        from .python_source import source_of

        model = source_of(model)
    chosen, flavors = chosen_flavor(model), registered_flavors()
    flavor = named_flavor(chosen, flavors) if chosen is not None else flavor_of(model, flavors)
    if flavor is None:
        return None
    known = run.training_print
    details = Details(
        example,
        predictor,
        golden,
        seconds=seconds,
        answers=answers,
        known=None if known is None else Known(known[0], known[1]),
    )
    with nullcontext("") if flavor.dump is not None else _folder() as name:
        filled, error = attempt(fill, model, flavor, Path(name), details, path=path, run_id=run.id)
        if filled is None:  # what a model is made of may refuse to be saved: that says nothing against the next one
            raise ArtifactError(
                f"a {type(model).__qualname__} was not saved as {flavor.name}: {error!r:.500}"
            ) from error
        description = filled.files.pop(NAME)
        assert isinstance(description, bytes)
        digests = {NAME: digest_of_bytes(description)}
        for file, content in filled.files.items():
            kept = run.put(f"{path}/{file}", content, durable=False)
            digests[file] = FileDigest(kept.sha256, kept.size)
    manifest, digest = write_manifest(digests)
    run.put(f"{path}/{MANIFEST}", manifest, durable=False)
    # A model that is saved again may have other files than before, and a file too many would speak against it.
    run.prune(path, {f"{path}/{file}" for file in (*digests, MANIFEST)})
    run.put(f"{path}/{NAME}", description, durable=False)  # last: with it the model is there
    for note in filled.notes:
        run.note(f"{path}: {note}")
    size = sum(filled.sizes.values()) + len(manifest)
    run.add_model(ModelRecord(path, flavor.name, class_name(model), size, digest))
    return True
