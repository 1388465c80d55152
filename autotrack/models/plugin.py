"""What this part of autotrack brings to the plugin manager: saving the model of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.core.errors import ArtifactError
from autotrack.core.guard import attempt
from autotrack.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotrack.core.run import Run


@hookimpl
def log_model(run: Run, model: Any, path: str) -> bool | None:
    """Saves the model among the run's artifacts; None where no plugin's flavor handles its class."""
    from autotrack.core.entities import ModelRecord

    from .flavors import flavor_of, named_flavor
    from .registered import chosen_flavor, registered_flavors
    from .saving import fill

    chosen, flavors = chosen_flavor(model), registered_flavors()
    flavor = named_flavor(chosen, flavors) if chosen is not None else flavor_of(model, flavors)
    if flavor is None:
        return None
    import tempfile

    with tempfile.TemporaryDirectory(prefix="autotrack-model-") as name:
        folder = Path(name)
        files, error = attempt(fill, model, flavor, folder, path=path, run_id=run.id)
        if files is None:  # what a model is made of may refuse to be saved: that says nothing against the next one
            raise ArtifactError(
                f"a {type(model).__qualname__} was not saved as {flavor.name}: {error!r:.500}"
            ) from error
        for file in sorted(files, key=lambda file: file == "MLmodel"):  # MLmodel last: with it the model is there
            run.put(f"{path}/{file}", folder / file, durable=False)
    kind = type(model)
    run.add_model(ModelRecord(path, flavor.name, f"{kind.__module__}.{kind.__qualname__}", sum(files.values())))
    return True
