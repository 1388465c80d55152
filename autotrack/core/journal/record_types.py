"""The kinds of journal records that make sense, as ``records.checked`` builds them. Times in nanoseconds (UTC)."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Stream = Literal["stdout", "stderr", "autotrack"]


class RunStart(TypedDict):
    """A run begins, or goes on in another process. ``artifact_uri``: ``artifacts/<folder>/<run id>`` in its store."""

    k: Literal["run_start"]
    t: int
    r: str
    name: str
    experiment: str
    parent: str | None
    session: str | None
    user: str | None
    artifact_uri: str | None
    random_state: str | None
    tags: dict[str, str]


class Params(TypedDict):
    k: Literal["params"]
    t: int
    r: str
    params: dict[str, str]


class Tags(TypedDict):
    k: Literal["tags"]
    t: int
    r: str
    tags: dict[str, str]


class Untag(TypedDict):
    k: Literal["untag"]
    t: int
    r: str
    keys: list[str]


class Rename(TypedDict):
    k: Literal["rename"]
    t: int
    r: str
    name: str


class Series(TypedDict):
    """Points with this number are of this metric; ``i8``: their values are integers."""

    k: Literal["series"]
    t: int
    r: str
    id: int
    key: str
    dtype: Literal["f8", "i8"]


class Artifact(TypedDict):
    k: Literal["artifact"]
    t: int
    r: str
    path: str
    size: int
    sha256: str


class Dataset(TypedDict):
    k: Literal["dataset"]
    t: int
    r: str
    name: str
    context: str
    digest: str
    rows: int | None
    bytes: int | None
    columns: dict[str, str]
    source: str | None
    kind: str | None
    fingerprint: str | None
    mlflow_digest: str | None
    partial: str | None
    #: What an MLflow client said of it, as JSON: source_type, source, schema, profile and tags.
    mlflow: str | None


class Model(TypedDict):
    k: Literal["model"]
    t: int
    r: str
    path: str
    flavor: str
    class_name: str
    size: int
    digest: str | None


class Health(TypedDict):
    k: Literal["health"]
    t: int
    r: str
    health: dict[str, Any]


class RunEnd(TypedDict):
    k: Literal["run_end"]
    t: int
    r: str
    status: str
    ended: int
    error: str | None
    exit_code: int | None
    #: True where the program's exit code may say otherwise.
    guessed: NotRequired[bool]


class Child(TypedDict):
    """A finished run as one of many in its parent's record."""

    id: str
    name: str
    started: int
    ended: int
    status: str
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float | int]


class Children(TypedDict):
    k: Literal["children"]
    t: int
    r: str
    runs: list[Child]


class Part(TypedDict):
    """What one collector found out about a session."""

    k: Literal["part"]
    t: int
    session: str
    part: str
    data: dict[str, Any]


class File(TypedDict):
    path: str
    role: Literal["read", "written"]
    first: int
    size: int | None
    mtime: int | None
    sha256: str | None
    partial: str | None


class Files(TypedDict):
    k: Literal["files"]
    t: int
    session: str
    files: list[File]


class Console(TypedDict):
    """A piece of what was printed; ``at`` is where it begins, in characters."""

    k: Literal["console"]
    t: int
    session: str
    at: int
    #: "autotrack" says what was left out there.
    stream: Stream
    text: str
