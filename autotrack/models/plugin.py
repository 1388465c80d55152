"""What this part of autotrack brings to the plugin manager: saving the model of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotrack.core.errors import ArtifactError
    from autotrack.core.run import Run


@hookimpl
def log_model(run: Run, model: Any, path: str) -> bool | ArtifactError | None:
    """Saves the model among the run's artifacts; None where no plugin's flavor handles its class.

    A model that refuses to be saved is the user's matter and no failure of ours: its ArtifactError is the answer.
    """
    from autotrack.core.entities import ModelRecord
    from autotrack.core.errors import ArtifactError

    from .flavors import flavor_of
    from .registered import registered_flavors
    from .saving import fill

    flavor = flavor_of(model, registered_flavors())
    if flavor is None:
        return None
    import tempfile

    with tempfile.TemporaryDirectory(prefix="autotrack-model-") as name:
        folder = Path(name)
        try:
            files = fill(model, flavor, folder, path=path, run_id=run.id)
        except ArtifactError as error:
            return error
        for file in sorted(files, key=lambda file: file == "MLmodel"):  # MLmodel last: with it the model is there
            run.put(f"{path}/{file}", folder / file, durable=False)
    kind = type(model)
    run.add_model(ModelRecord(path, flavor.name, f"{kind.__module__}.{kind.__qualname__}", sum(files.values())))
    return True
