"""A run: what one training was given and what came out, written as it happens and read back from the store.

``log_*`` returns when the record is in the journal, from where it survives ``kill -9``; it never raises into training
(unless ``strict`` is set) and never waits for a store.
"""

from __future__ import annotations

import itertools
import struct
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import attachments, keys
from .active import active
from .entities import ArtifactRecord, ModelRecord, RunRecord, Status
from .errors import ArtifactError, JournalError, UsageError
from .exits import ending_of
from .guard import Failure, Handing, guard, warn
from .names import experiment_id, run_name
from .runview import RunView

if TYPE_CHECKING:
    from .journal.writer import JournalWriter
    from .sink import Sink
    from .tracker import Tracker

_UNFIT = (struct.error, JournalError, OSError, TypeError, OverflowError)


class Run(RunView):
    """One training. Made by ``start_run``, by a watched call, or read from a store."""

    def __init__(
        self,
        run_id: str,
        *,
        tracker: Callable[[], Tracker],
        sink: Callable[[], Sink],
        record: RunRecord | None = None,
    ) -> None:
        super().__init__(run_id, tracker=tracker, sink=sink, record=record)
        #: True for a run of ``start_run``: it is active until it ends, and watched calls join it.
        self.is_manual = False
        #: Done just before the run ends.
        self.at_end: Callable[[], None] | None = None
        self._series: dict[str, tuple[int, Callable[[], int]]] = {}
        self._wide: dict[str, int] = {}
        self._journal: JournalWriter = _NO_JOURNAL
        self._previous: Run | None = None
        self._warned: set[str] = set()
        self._started = self._clock = 0
        self._health: dict[str, Any] = {}

    # Metrics.

    def log_metric(self, key: str, value: float, step: int | None = None) -> None:
        """Keeps one point. ``step`` counts 0, 1, 2, ... by itself where it is not given.

        Takes any one real number (numpy and torch scalars too), NaN and infinities included.
        """
        series = self._series.get(key)
        if series is not None and value.__class__ is float:
            if step is None:
                step = series[1]()
            try:
                self._journal.point(series[0], step, value)
                return
            except _UNFIT:
                pass  # sorted out below, where it costs no one else anything
        self._log_metric(key, value, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Keeps one point of each metric at the same step."""
        for key, value in metrics.items():
            self.log_metric(key, value, step)

    def _log_metric(self, key: str, value: Any, step: Any) -> None:
        """The same, for first points, unusual numbers, bad arguments and full disks."""
        try:
            dtype, exact = keys.number(value)
            when = None if step is None else keys.check_step(step)
            keys.check_key(key, "metric's key")
        except UsageError as error:
            self._refuse("metrics", f"metric {key!r:.80}: {error}")
            return
        try:
            tracker = self._tracker_of()
            journal = tracker.journal()
            series = self._series.get(key)
            if series is None:
                number = journal.series(self.id, key, "f8")
                tracker.uses_series(self)
                series = self._series[key] = (number, itertools.count().__next__)
                self._journal = journal
            if when is None:
                when = series[1]()
            if dtype == "f8":
                journal.point(series[0], when, float(exact))
                return
            if key not in self._wide:
                self._wide[key] = journal.series(self.id, key, "i8")
            journal.point_i8(self._wide[key], when, int(exact))
        except (JournalError, OSError) as error:
            self._count("lost_points")
            self._tracker_of().disk_trouble(error)

    # Params, tags, notes.

    def log_param(self, key: str, value: Any) -> Any:
        """Keeps one parameter, as text in full; answers the value. A mapping is flattened to dotted keys."""
        self.log_params({key: value})
        return value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keeps parameters, as text in full. Nested mappings are flattened to dotted keys."""
        self._log_texts("params", "params", "params_logged", params)

    def set_tag(self, key: str, value: Any) -> None:
        """Sets one tag; a later value replaces it."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets tags; later values replace earlier ones."""
        self._log_texts("tags", "tags", "tags_set", tags)

    def delete_tag(self, key: str) -> None:
        """Takes a tag away."""
        self._write({"k": "untag", "keys": [key]})

    def rename(self, name: str) -> None:
        """Gives the run another name."""
        try:
            self._write({"k": "rename", "name": keys.check_name(name, "run's name")})
        except UsageError as error:
            self._refuse("names", str(error))

    def _log_texts(self, kind: str, field: str, observer: str, values: Mapping[str, Any]) -> None:
        texts: dict[str, str] = {}
        for key, value in keys.flatten(values):
            # str() of a user's object may raise anything: that one value is refused, the others are kept.
            with guard.handing(lambda error, key=key: self._refuse(kind, f"{key!r:.80}: {error}", error)):  # type: ignore[misc]
                texts[keys.check_key(key, f"{kind[:-1]}'s key")] = keys.param_text(value, key)
        if texts:
            self._write({"k": kind, field: texts})
            self._notify(observer, **{kind: texts})

    def add_children(self, runs: list[dict[str, Any]]) -> None:
        """Writes down finished child runs in one record (a search's candidates)."""
        self._write({"k": "children", "runs": runs})

    def note(self, message: str) -> None:
        """Writes down something about the recording itself (what was left out, and why)."""
        self._write({"k": "health", "health": {"notes": [message]}})

    def note_failure(self, failure: Failure) -> None:
        """Writes down a failure of autotrack's own."""
        self._write({"k": "health", "health": {"errors": [f"{failure.site}: {failure.error}"]}})

    # Files.

    def log_artifact(self, source: str | Path, path: str | None = None) -> None:
        """Keeps a copy of a file or a folder. ``path`` is its name in the run (its folder, if it ends with ``/``)."""
        with self._files("log_artifact"):
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
        with self._files("log_artifacts"):
            folder = Path(folder)
            if not folder.is_dir():
                raise ArtifactError(f"there is no folder {str(folder)!r} to keep as artifacts")
            prefix = f"{path.rstrip('/')}/" if path else ""
            for file in sorted(file for file in folder.rglob("*") if file.is_file()):
                self._put(f"{prefix}{file.relative_to(folder).as_posix()}", file)

    def log_text(self, text: str, path: str) -> None:
        """Keeps a text as a file."""
        with self._files("log_text"):
            self._put(path, text.encode("utf-8"))

    def log_dict(self, content: Any, path: str) -> None:
        """Keeps a dict or list as JSON (or as YAML, where the name ends so)."""
        with self._files("log_dict"):
            self._put(path, attachments.document(content, path))

    def log_figure(self, figure: Any, path: str) -> None:
        """Keeps a matplotlib figure (png, svg, pdf by the name) or a plotly figure (html, json)."""
        with self._files("log_figure"):
            self._put(path, attachments.figure(figure, path))

    def log_image(self, image: Any, path: str) -> None:
        """Keeps a picture: a PIL image, or an array of shape (h, w), (h, w, 1|3|4), uint8 or floats from 0 to 1."""
        with self._files("log_image"):
            self._put(path, attachments.image(image, path))

    def log_table(self, table: Any, path: str) -> None:
        """Keeps a table as CSV or JSON by the name: a data frame, a dict of columns or a list of rows (dicts)."""
        with self._files("log_table"):
            self._put(path, attachments.table(table, path))

    def log_dataset(
        self, data: Any, name: str | None = None, context: str = "train", source: str | None = None
    ) -> None:
        """Writes down which data were used: name, digest of all rows and columns, sizes, column types."""
        with self._files("log_dataset"):
            from .fingerprint import describe

            described = describe(data)
            self._write(
                {"k": "dataset", "name": name or described["kind"], "context": context, "source": source} | described
            )

    def log_model(self, model: Any, path: str = "model") -> None:
        """Saves a trained model as a folder that ``autotrack.load_model("runs:/<id>/<path>")`` loads."""
        with self._files("log_model"):
            from .plugins import plugins

            if not plugins().choose("log_model", run=self, model=model, path=path):
                raise ArtifactError(f"no plugin can save a {type(model).__module__}.{type(model).__qualname__}")

    def add_model(self, record: ModelRecord) -> None:
        """Writes down a model folder whose files are kept already."""
        fields = {"path": record.path, "flavor": record.flavor, "class_name": record.class_name, "size": record.size}
        self._write({"k": "model"} | fields)
        self._notify(
            "model_saved", path=record.path, flavor=record.flavor, folder=Path(self.artifact_uri) / record.path
        )

    def put(self, path: str, content: bytes | Path, *, durable: bool = True) -> ArtifactRecord:
        """Keeps one file under an artifact path; raises where it cannot (plugins and ``log_*`` guard that)."""
        from .plugins import artifacts

        folder, _, name = self.artifact_uri.rpartition("/")
        storage = artifacts(folder)
        put = storage.put_bytes if isinstance(content, bytes) else storage.put_file
        record: ArtifactRecord = put(name, path, content, durable=durable)
        self._write({"k": "artifact", "path": record.path, "size": record.size, "sha256": record.sha256})
        self._notify("artifact_logged", path=record.path, size=record.size)
        return record

    def _put(self, path: str, content: bytes | Path) -> None:
        self.put(path, content)

    def _files(self, what: str) -> Handing:
        """A bad path or a full disk costs a warning and is counted; only ``strict`` raises."""
        return guard.handing(lambda error: self._refuse("artifacts", f"{what}: {error}", error))

    # Beginning and end.

    def begin(
        self,
        *,
        name: str | None,
        experiment: str | None,
        tags: Mapping[str, Any] | None,
        parent: Run | str | None,
        started: int | None = None,
    ) -> Run:
        """Writes the start of the run (for ``start_run`` and probes)."""
        tracker = self._tracker_of()
        experiment = experiment or tracker.settings.experiment
        self._artifact_uri = f"artifacts/{experiment_id(experiment)}/{self.id}"
        self._open = True
        now = time.time_ns()
        started = started or now
        self._started, self._clock = started, _boot_clock() - (now - started)
        from .plugins import run_tags

        given = {**run_tags(), **(tags or {})}
        texts = {str(key): keys.param_text(value, str(key)) for key, value in given.items()}
        tracker.journal()
        tracker.event(
            {
                "k": "run_start",
                "t": started,
                "r": self.id,
                "name": name or tracker.settings.run_name or run_name(self.id),
                "experiment": experiment,
                "parent": parent.id if isinstance(parent, Run) else parent,
                "session": tracker.session,
                "user": _user(),
                "artifact_uri": self._artifact_uri,
                "tags": texts,
            }
        )
        tracker.opened(self)
        self._notify("run_started")
        return self

    def finish(self, status: str | None = None) -> None:
        """Ends the run: FINISHED unless another status is given. A second call does nothing."""
        status = str(status or Status.FINISHED).upper()
        if status not in Status.__members__:
            self._refuse("names", f"{status!r} is no status; there are {', '.join(Status.__members__)}")
            status = str(Status.FINISHED)
        self.end(status, None, None)

    def end(self, status: str, error: BaseException | None, exit_code: int | None) -> None:
        """Ends the run with what ended it. Idempotent."""
        if not self._open:
            return
        if self.at_end is not None:
            last, self.at_end = self.at_end, None
            guard.call("the end of a run", last)
        if self._health:
            self._write({"k": "health", "health": dict(self._health)})
        self._open = False
        self._record = None
        text = _describe(error) if error is not None else None
        ended = self._started + max(0, _boot_clock() - self._clock)  # a clock that is set meanwhile changes nothing
        self._write({"k": "run_end", "status": status, "ended": ended, "error": text, "exit_code": exit_code})
        self._tracker_of().ended(self)
        if active.get() is self:
            active.set(self._previous)
        self._notify("run_ended", status=status, error=error)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ending = ending_of(error)
        self.end(ending.status, ending.error, ending.exit_code)

    def forget_series(self) -> None:
        """After a fork: series numbers belong to the parent's journal."""
        self._series = {}
        self._wide = {}
        self._journal = _NO_JOURNAL

    # Writing.

    def _write(self, record: dict[str, Any]) -> None:
        record.setdefault("t", time.time_ns())
        record["r"] = self.id
        self._record = None
        self._tracker_of().event(record)

    def _notify(self, observer: str, **details: Any) -> None:
        self._tracker_of().observers.tell(observer, self, details)

    def _count(self, what: str) -> None:
        self._health[what] = self._health.get(what, 0) + 1

    def _refuse(self, kind: str, message: str, error: BaseException | None = None) -> None:
        """A value that cannot be kept: raised under ``strict``, else counted, and said once a kind and run."""
        settings = self._tracker_of().settings
        if settings.strict:
            raise UsageError(message) from error
        self._count(f"refused_{kind}")
        if kind not in self._warned:
            self._warned.add(kind)
            warn(f"not kept: {message}", silent=settings.silent)
            self._health.setdefault("refusals", []).append(message[:500])


def _boot_clock() -> int:
    """Nanoseconds of a clock that nobody sets and that also runs while the machine sleeps, where there is one."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns()


class _NoJournal:
    """Stands where a run has no journal of this process yet: no series is known then, so no point gets here."""

    def point(self, series: int, step: int, value: float) -> None:
        raise JournalError("no series yet")


_NO_JOURNAL: Any = _NoJournal()


def _user() -> str | None:
    from .session import user_name

    return user_name()


def _describe(error: BaseException) -> str:
    """The traceback as text; an exception whose own text fails is named by its type."""
    text = guard.call("traceback", lambda: "".join(traceback.format_exception(error)))
    return (text or type(error).__name__)[-16_000:]
