"""Settings, read once into a frozen value: call over environment over ``[tool.autotrack]`` over default."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from . import addresses
from .errors import UsageError
from .private import SPARE, Ours

FOLDER = ".autotrack"


@dataclass(frozen=True, slots=True)
class Settings:
    """How autotrack behaves in this process. Each field is also an environment variable ``AUTOTRACK_<FIELD>``."""

    #: Where runs go: a folder, sqlite:///..., or a server's URL. None: the nearest ``.autotrack`` folder.
    tracking_uri: str | None = field(default=None, repr=False)
    #: Where the files of runs go, for everybody who uses the store: a folder or a URI such as s3://bucket/prefix. None:
    #: as the store says, else its own folder.
    artifacts: str | None = None
    #: Experiment of runs that name none.
    experiment: str = "default"
    #: Name of the next run that names itself nothing.
    run_name: str | None = None
    #: False: records nothing, patches nothing.
    enabled: bool = True
    #: Save trained models.
    models: bool = True
    #: Record the data that training was given.
    datasets: bool = True
    #: Record the program's code: commit, uncommitted changes, sources.
    code: bool = True
    #: Record which files the program reads and writes.
    files: bool = True
    #: Keep what the program prints.
    console: bool = True
    #: Class or module paths whose calls are left alone.
    exclude: tuple[str, ...] = ()
    #: Plugins that are never loaded.
    plugins_block: tuple[str, ...] = ()
    #: Say nothing on stderr, not even once.
    silent: bool = False
    #: Raise on bad arguments to ``log_*`` where the default is a warning and a note on the run.
    strict: bool = False
    #: Seconds of process life after which the journal is delivered while training runs.
    deliver_after: float = 10.0
    #: Seconds that the end of the program waits at most.
    exit_timeout: float = 5.0
    #: Seconds without a sign of life after which a program on a machine that cannot be asked counts as dead (0: never).
    lost_after: float = 3600.0
    #: Share of the process's time that autotrack may take, past ``overhead_allowance`` seconds.
    overhead_share: float = 0.05
    overhead_allowance: float = 1.0
    #: Runs made from one line of code before further ones are folded into one series run.
    runs_per_site: int = 100
    #: Child runs that a search keeps at most (its best ones).
    max_children: int = 200


def load_settings(**given: Any) -> Settings:
    """The settings in force here. ``given`` (None means: not given) wins; an unknown name is a UsageError."""
    unknown = [name for name in given if name not in _kinds()]
    if unknown:
        raise UsageError(f"unknown setting {unknown[0]!r}; there are: {', '.join(_kinds())}")
    settings, problems = _read(given)
    if problems:
        raise problems[0]
    return settings


def usable_settings() -> tuple[Settings, list[UsageError]]:
    """The settings in force here, each that cannot be meant at its default, and what was wrong with those.

    For the training process, where an error of ours would end somebody's training.
    """
    return _read({})


def _read(given: Mapping[str, Any]) -> tuple[Settings, list[UsageError]]:
    settings, names = Settings(), _kinds()
    table, problem = usable_table()
    problems = [] if problem is None else [problem]
    written = {name: value for name, value in table.items() if name in names}
    said = {name: value for name, value in given.items() if value is not None}
    for source, values in (("[tool.autotrack]", written), ("environment", _environment(names)), ("argument", said)):
        for name, value in values.items():
            try:
                settings = replace(settings, **{name: convert(name, value, names[name], source)})
            except UsageError as error:
                problems.append(error)
    return settings, problems


def _kinds() -> dict[str, str]:
    """The names of the settings, each with its type."""
    return {each.name: str(each.type) for each in fields(Settings)}


def _environment(names: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in names:
        value = os.environ.get(f"AUTOTRACK_{name.upper()}")
        if value is not None and value != "":
            found[name] = value
    return found


def convert(name: str, value: Any, kind: str, source: str) -> Any:
    """A value from text or TOML as the field's type."""
    try:
        if kind == "bool":
            if isinstance(value, bool):
                return value
            return {
                "1": True,
                "true": True,
                "yes": True,
                "on": True,
                "0": False,
                "false": False,
                "no": False,
                "off": False,
            }[str(value).lower()]
        if kind.startswith("tuple"):
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(str(part).strip() for part in parts if str(part).strip())
        if kind in {"float", "int"}:
            return float(value) if kind == "float" else int(value)
        return str(value)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UsageError(f"setting {name} from {source} is {value!r}, which is not a {kind}") from None


def project_table() -> dict[str, Any]:
    """``[tool.autotrack]`` of the nearest pyproject.toml above the working directory; {} without one.

    A relative path in ``tracking_uri`` is one beside that file, wherever the program was started.
    """
    for folder in _upwards():
        path = folder / "pyproject.toml"
        try:
            with open(Ours(path), "rb") as file:
                content = file.read()
        except OSError:
            continue
        if b"[tool.autotrack" not in content:
            return {}
        import tomllib

        try:
            table = tomllib.loads(content.decode()).get("tool", {}).get("autotrack", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not valid TOML: {error}") from None
        if not isinstance(table, dict):
            return {}
        uri = table.get("tracking_uri")
        return {**table, "tracking_uri": _beside(folder, uri)} if isinstance(uri, str) and uri else table
    return {}


def usable_table() -> tuple[dict[str, Any], UsageError | None]:
    """The same, or {} and the error where the file cannot be read as TOML."""
    try:
        return project_table(), None
    except UsageError as error:
        return {}, error


def _beside(folder: Path, uri: str) -> str:
    """A path, or the path of a ``sqlite:///`` URI, as seen from a folder; any other URI as it is."""
    scheme = "sqlite:///" if uri.startswith("sqlite:///") else ""
    if "://" in uri and not scheme:
        return uri
    return f"{scheme}{folder / Path(uri.removeprefix(scheme)).expanduser()}"


def _upwards() -> list[Path]:
    try:
        here = Path.cwd()
    except OSError:  # the working directory was removed
        return []
    return [here, *here.parents]


@dataclass(frozen=True, slots=True)
class Location:
    """Where runs go (``uri``, which may hold a password: people get to see ``shown``), where this machine keeps its
    journals and files (``root``), and why there."""

    uri: str = field(repr=False)
    root: Path
    reason: str

    @property
    def shown(self) -> str:
        """The URI without user names, passwords and tokens."""
        return addresses.shown(self.uri)

    @property
    def journal(self) -> Path:
        """Where journals for this store are written."""
        return self.place / "journal"

    @property
    def objects(self) -> Path:
        """Where this machine puts the contents that those journals refer to."""
        return self.place / "objects"

    @property
    def files(self) -> Path:
        """The folder under whose ``artifacts`` this machine keeps files of runs: a store of this machine reads them
        there, to any other they are sent from beside its journals."""
        return self.place

    @property
    def place(self) -> Path:
        """Beside the store's database, or a folder for that remote store only: what waits for it is in no database
        here, and the clean-up of a local store would take it for garbage."""
        return self.root if self.is_local else self.root / "remote" / addresses.digest(self.uri)

    @property
    def is_folder(self) -> bool:
        """True where all of ``root`` is autotrack's; a database file may lie anywhere among the user's own."""
        return not self.is_local or self.uri == str(self.root)

    @property
    def is_local(self) -> bool:
        """True where the store is a folder or a database file of this machine, under ``root``."""
        return not addresses.is_remote(self.uri)


def find_store(tracking_uri: str | None = None) -> Location:
    """The store in force: the URI given or set, else the nearest ``.autotrack`` folder, else one to be made in the git
    root, else in the working directory. Creates nothing.
    """
    uri = tracking_uri or os.environ.get("AUTOTRACK_TRACKING_URI") or str(project_table().get("tracking_uri") or "")
    return _located(uri) if uri else _nearest()


def usable_store(tracking_uri: str | None = None) -> tuple[Location, UsageError | None]:
    """The store in force, or, where its URI cannot be meant, the one that there is without a URI, and the error."""
    try:
        return find_store(tracking_uri), None
    except UsageError as error:
        return _nearest(), error


def _nearest() -> Location:
    folders = _upwards()
    for folder in folders:
        if (folder / FOLDER).is_dir():
            return _here(folder / FOLDER, f"the nearest {FOLDER} folder above the working directory")
    for folder in folders:
        if (folder / ".git").exists():
            return _here(folder / FOLDER, "the root of the git repository")
    if folders:
        return _here(folders[0] / FOLDER, "the working directory")
    return _here(Path.home() / FOLDER, "the home directory, as the working directory is gone")


def _here(root: Path, reason: str) -> Location:
    return Location(str(root), root, reason)


def _located(uri: str) -> Location:
    reason = "AUTOTRACK_TRACKING_URI or the tracking_uri setting"
    if addresses.is_remote(uri):
        near = next((folder / FOLDER for folder in _upwards() if (folder / FOLDER).is_dir()), None)
        return Location(uri, near or home_folder(), reason)
    root, database = addresses.located(uri)
    # One spelling, so that a process has one journal for a store however it is named.
    return Location(str(root) if database == root / addresses.DATABASE else f"sqlite:///{database}", root, reason)


def home_folder() -> Path:
    """Where what goes to a server waits when no folder of ours is near the working directory."""
    return Path.home() / FOLDER


def spare_folder() -> Path:
    """Where journals go when the store's own folder takes none."""
    return Path(tempfile.gettempdir()) / SPARE
