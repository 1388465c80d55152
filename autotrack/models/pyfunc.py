"""One face for every flavor: data in, predictions out, both held against the model's signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from autotrack.core.errors import SchemaError
from autotrack.core.guard import attempt, warn

from .signature import Signature, signature_of

if TYPE_CHECKING:
    from .golden import Replay
    from .loading import Opened
    from .mlmodel import ModelDescription
    from .profile import ModelProfile


class PyFunc:
    """A loaded model as MLflow's ``python_function`` would have it."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._predictor = opened.flavor.predictor(opened.model)
        if self._predictor is None:
            kind = type(opened.model)
            raise SchemaError(
                f"a {kind.__module__}.{kind.__qualname__} does not predict; load it without as_pyfunc, and use it so"
            )
        entry = opened.description.signature
        self.signature: Signature | None = None if entry is None else signature_of(entry)
        self._takes_params = _takes_params(self._predictor)
        #: Predictions for one array of numbers, the columns in the signature's order: those that a table of them gets,
        #: by nothing but the library's own code. None where only a table will do.
        self.ask_array: Callable[[Any], Any] | None = self._by_array()
        self._told: set[str] = set()

    @property
    def metadata(self) -> ModelDescription:
        """What the folder's MLmodel says."""
        return self._opened.description

    @property
    def digest(self) -> str:
        """The digest of the model's folder."""
        return self._opened.digest

    @property
    def sealed(self) -> bool:
        """True where the folder has a manifest, as ours have; False for folders of other tools."""
        return self._opened.sealed

    @property
    def replay(self) -> Replay:
        """How the golden predictions were replayed when the model was loaded."""
        return self._opened.replay

    @property
    def takes_params(self) -> bool:
        """True where ``predict`` has params to pass on."""
        return self._takes_params

    def example(self) -> Any:
        """The rows that the model was asked about when it was saved; None where they are not kept or not readable."""
        from .golden import example_of

        content = self._opened.golden
        return None if content is None else attempt(example_of, content)[0]

    def profile(self) -> ModelProfile | None:
        """What its training data and its answers to them look like; None where that is not kept or not readable."""
        from .profile_file import read_profile

        content = self._opened.profile
        return None if content is None else attempt(read_profile, content)[0]

    def unwrap(self) -> Any:
        """The model itself, as its library has it."""
        return self._opened.model

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for a table, arrays, a dict, a list or a value.

        SchemaError, which names column and type, where the data do not fit the signature; without a signature the data
        go to the model as they are. Columns and params that the model does not know are left out with one warning.
        """
        return self.ask(self.enforced(data), self.enforced_params(params))

    def enforced(self, data: Any) -> Any:
        """The data as the signature wants them (SchemaError); as they are where it has nothing to say."""
        if self.signature is None or self.signature.inputs is None:
            return data
        from .enforcement import enforce

        return enforce(data, self.signature.inputs, self._note)

    def enforced_params(self, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """The params of one prediction, defaults included (SchemaError); empty where the model takes none."""
        if not self._takes_params:
            if params:
                self._note(f"params are left out: this model takes none ({', '.join(sorted(map(str, params)))})")
            return {}
        if self.signature is None:
            return dict(params or {})
        from .enforcement import enforce_params

        return enforce_params(params, self.signature.params, self._note)

    def ask(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predictions for data and params that are as the signature wants them already: nothing is looked at."""
        assert self._predictor is not None
        return self._predictor(data, params=params or {}) if self._takes_params else self._predictor(data)

    def _by_array(self) -> Callable[[Any], Any] | None:
        inputs = None if self.signature is None else self.signature.inputs
        if self._takes_params or inputs is None:
            return None
        names = [column.name for column in inputs.columns if isinstance(column.name, str)]
        if len(names) < len(inputs.columns):
            return None
        return attempt(self._opened.flavor.array_predictor, self._opened.model, names or None)[0]

    def _note(self, message: str) -> None:
        """Once each: a server predicts a thousand times a second."""
        if message not in self._told and len(self._told) < 100:
            self._told.add(message)
            warn(f"{self._opened.description.artifact_path or 'model'}: {message}")

    def __repr__(self) -> str:
        kind = type(self._opened.model)
        return f"<PyFunc {self._opened.flavor.name}: {kind.__module__}.{kind.__qualname__}>"


def _takes_params(predictor: Any) -> bool:
    found, _ = attempt(inspect.signature, predictor)
    if found is None:
        return False
    params = found.parameters.get("params")
    # Of a `**params`, as a Pipeline has them, it is the names that are meant.
    return params is not None and params.kind in (params.POSITIONAL_OR_KEYWORD, params.KEYWORD_ONLY)
