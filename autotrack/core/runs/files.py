"""Files of a run: artifacts, documents, pictures, tables, data sets and models."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import keys
from ..errors import ArtifactError
from . import attachments
from .writing import RunWriting

if TYPE_CHECKING:
    from ..entities import ArtifactRecord, ModelRecord

#: Columns of training data up to which they are remembered for the profile of a model.
MOST_COLUMNS = 2_000


class RunFiles(RunWriting):
    """The artifacts of ``Run``."""

    def log_artifact(self, source: str | Path, path: str | None = None) -> None:
        """Keeps a copy of a file or a folder. ``path`` is its name in the run (its folder, if it ends with ``/``)."""
        with self.refusing("artifacts", "log_artifact"):
            source = Path(source)
            name = source.name if path is None else f"{path}{source.name}" if path.endswith("/") else path
            if source.is_dir():
                for file in sorted(file for file in source.rglob("*") if file.is_file()):
                    self._put(f"{name}/{file.relative_to(source).as_posix()}", file)
            elif source.exists():
                self._put(name, source)
            else:
                raise ArtifactError(f"there is no file {str(source)!r} to keep as an artifact")

    def log_artifacts(self, folder: str | Path, path: str | None = None) -> None:
        """Keeps a copy of all files of a folder, under ``path`` (by default at the top)."""
        with self.refusing("artifacts", "log_artifacts"):
            folder = Path(folder)
            if not folder.is_dir():
                raise ArtifactError(f"there is no folder {str(folder)!r} to keep as artifacts")
            prefix = f"{path.rstrip('/')}/" if path else ""
            for file in sorted(file for file in folder.rglob("*") if file.is_file()):
                self._put(f"{prefix}{file.relative_to(folder).as_posix()}", file)

    def log_text(self, text: str, path: str) -> None:
        """Keeps a text as a file."""
        with self.refusing("artifacts", "log_text"):
            self._put(path, text.encode("utf-8"))

    def log_dict(self, content: Any, path: str) -> None:
        """Keeps a dict or list as JSON (or as YAML, where the name ends so)."""
        with self.refusing("artifacts", "log_dict"):
            self._put(path, attachments.document(content, path))

    def log_chart(self, document: Mapping[str, Any], path: str) -> None:
        """Keeps a chart as the numbers that it is drawn from when someone looks (docs/charts.md).

        ``path`` is without an ending: the file is ``<path>.json``.
        """
        with self.refusing("artifacts", "log_chart"):
            # Several come with every fit, and each can be computed again: not worth a wait for the disk.
            self.put(f"{path}.json", attachments.chart(document), durable=False)

    def log_figure(self, figure: Any, path: str) -> None:
        """Keeps a matplotlib figure (png, svg, pdf by the name) or a plotly figure (html, json)."""
        with self.refusing("artifacts", "log_figure"):
            self._put(path, attachments.figure(figure, path))

    def log_image(self, image: Any, path: str) -> None:
        """Keeps a picture: a PIL image, or an array of shape (h, w), (h, w, 1|3|4), uint8 or floats from 0 to 1."""
        with self.refusing("artifacts", "log_image"):
            self._put(path, attachments.image(image, path))

    def log_table(self, table: Any, path: str) -> None:
        """Keeps a table as CSV or JSON by the name: a data frame, a dict of columns or a list of rows (dicts)."""
        with self.refusing("artifacts", "log_table"):
            self._put(path, attachments.table(table, path))

    def log_dataset(
        self,
        data: Any,
        name: str | None = None,
        context: str = "train",
        source: str | None = None,
        *,
        seconds: float | None = None,
    ) -> None:
        """Writes down which data were used: a fingerprint of all rows and columns, which ``autotrack diff`` compares.

        With ``seconds`` the fingerprint ends after that time and is marked as partial. ``data`` may be what was
        described before (``core.fingerprint.describe``).
        """
        with self.refusing("artifacts", "log_dataset"):
            from ..fingerprint import Described, describe
            from ..session.masking import mask

            described = data if isinstance(data, Described) else describe(data, seconds=seconds)
            found = described.fingerprint
            if context == "train" and len(found.columns) <= MOST_COLUMNS:
                slim = {column.name: replace(column, chunks=()) for column in found.columns}
                self.training_print = (found.rows, slim)
            given = {"name": name or found.kind, "context": context or "", "source": source}
            texts = {field: mask(keys.param_text(text, field)) for field, text in given.items() if text is not None}
            self._write(
                {
                    "k": "dataset",
                    "source": None,
                    **texts,
                    **found.summary(),
                    "bytes": found.bytes,
                    "partial": found.partial,
                    "mlflow_digest": described.mlflow_digest,
                    "fingerprint": self._keep_document(found.document(), "the fingerprint of a data set"),
                }
            )

    def _keep_document(self, document: Mapping[str, Any], what: str) -> str | None:
        """The digest of a document that was put among the objects; None, and a note, where the disk takes nothing."""
        content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
        try:
            return self._tracker_of().recorder.objects.put(content)
        except OSError as error:
            self.note(f"{what} could not be kept: {error.strerror or error}")
            return None

    def log_model(self, model: Any, path: str = "model", *, example: Any = None, register: str | None = None) -> None:
        """Saves a trained model as a folder that ``autotrack.load_model("runs:/<id>/<path>")`` loads.

        With an ``example`` (data that it takes) the folder has a signature and predictions to check it by later. With
        ``register`` it becomes the next version of the registered model of that name, in the background: training does
        not wait for the store.
        """
        with self.refusing("artifacts", "log_model"):
            self.put_model(model, path, example=example)
            if register is not None:
                from .registering import register_later, version_of

                digest = self._model_digests.get(path)
                version = version_of(self.id, self._artifact_uri or "", path, digest, register)
                register_later(self._tracker_of(), version)

    def put_model(
        self,
        model: Any,
        path: str = "model",
        *,
        example: Any = None,
        predictor: Callable[[Any], Any] | None = None,
        golden: Any = None,
        seconds: float | None = None,
        answers: Any = None,
    ) -> None:
        """Saves a trained model; raises where it cannot (probes and ``log_model`` guard that).

        ``golden`` are the model's answers to the first rows of ``example``, where they are at hand; else the model is
        asked for them, through ``predictor`` where one is given, and for no further ones once ``seconds`` are over.
        ``answers`` are those to all rows of the example, where they are at hand.
        """
        from ..plugins.registry import plugins

        details = {"example": example, "predictor": predictor, "golden": golden, "seconds": seconds, "answers": answers}
        if not plugins().choose("log_model", run=self, model=model, path=path, **details):
            raise ArtifactError(f"no plugin can save a {type(model).__module__}.{type(model).__qualname__}")

    def add_model(self, record: ModelRecord) -> None:
        """Writes down a model folder whose files are kept already."""
        fields = {"path": record.path, "flavor": record.flavor, "class_name": record.class_name, "size": record.size}
        digest = {} if record.digest is None else {"digest": record.digest}
        self._model_digests[record.path] = record.digest
        self._write({"k": "model"} | fields | digest)
        self._notify(
            "model_saved", path=record.path, flavor=record.flavor, folder=Path(self.artifact_uri) / record.path
        )

    def put(self, path: str, content: bytes | Path, *, durable: bool = True) -> ArtifactRecord:
        """Keeps one file under an artifact path; raises where it cannot (plugins and ``log_*`` guard that)."""
        from ..plugins.registry import artifacts

        folder, _, name = self.artifact_uri.rpartition("/")
        storage = artifacts(folder)
        put = storage.put_bytes if isinstance(content, bytes) else storage.put_file
        record: ArtifactRecord = put(name, path, content, durable=durable)
        self._write({"k": "artifact", "path": record.path, "size": record.size, "sha256": record.sha256})
        self._notify("artifact_logged", path=record.path, size=record.size)
        return record

    def prune(self, path: str, keep: Collection[str]) -> None:
        """Removes the files of a folder of the run that are not in ``keep`` (paths relative to the run)."""
        from ..plugins.registry import artifacts

        folder, _, name = self.artifact_uri.rpartition("/")
        storage = artifacts(folder)
        for entry in storage.list(name, path):
            if entry.is_folder:
                self.prune(entry.path, keep)
            elif entry.path not in keep:
                storage.delete(name, entry.path)

    def _put(self, path: str, content: bytes | Path) -> None:
        self.put(path, content)
