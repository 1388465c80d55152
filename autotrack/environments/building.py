"""Builds an environment, or finds the one that was built from the same request before.

<cache>/<key>/            the environment; environment.json in it is written last, and says that it is whole
<cache>/<key>.lock        held while somebody builds it
<cache>/logs/<key>.log    what the installers said, also of a build that failed
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.core import family
from autotrack.core.errors import EnvironmentBuildError
from autotrack.core.private import make_private

from .installers import (
    FIRST,
    Interpreter,
    commands,
    conda_commands,
    find_conda,
    find_uv,
    interpreter,
    python_of,
    surroundings,
)
from .refusals import reason_in
from .request import Request

#: Told what goes on, a short sentence each.
Progress = Callable[[str], None]

#: Seconds that one step of a build may take.
TIMEOUT = 3600.0
_WHOLE = "environment.json"
_LAST_LINES = 12
#: Bytes of a log that are looked at, the last.
_END = 1 << 16
#: What installers say, and what there is to do.
_HINTS = (
    (
        (
            "name resolution",
            "dns error",
            "resolve host",
            "(Connect)",
            "NewConnectionError",
            "timed out",
            "ConnectTimeout",
        ),
        "The index of packages cannot be reached from here: name one that can (PIP_INDEX_URL), or a folder of wheels "
        "(PIP_FIND_LINKS, with PIP_NO_INDEX=1), or use what is installed here (--env local)",
    ),
    (
        ("No space left", "os error 28", "Disk quota exceeded", "os error 122"),
        "The disk is full: make room, or say with AUTOTRACK_ENVIRONMENTS where environments are to be kept",
    ),
)


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment that is there, and whole.

    ``lock`` is what is installed in it, as the text that a session's capture has of it (``core.session.environment``);
    ``left_out`` is what was asked for and is not in it, a sentence each; ``cached`` tells that nothing had to be built.
    """

    python: str
    lock: str
    key: str
    log: Path
    left_out: tuple[str, ...] = ()
    cached: bool = False

    @property
    def distributions(self) -> list[dict[str, Any]]:
        """Name and version of each distribution that is installed."""
        found: list[dict[str, Any]] = json.loads(self.lock)["distributions"]
        return found

    @property
    def version(self) -> str | None:
        """The version of its Python, as far as the environment says it."""
        try:
            said = (self.folder / "pyvenv.cfg").read_text("utf-8")
        except OSError:
            return None
        found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", said, re.MULTILINE)
        return found[1] if found else None

    @property
    def folder(self) -> Path:
        """Where it is: ``bin`` in it holds its programs."""
        return Path(self.python).parent.parent


def environments_folder() -> Path:
    """Where environments are kept: ``AUTOTRACK_ENVIRONMENTS``, else under the user's cache."""
    said = os.environ.get("AUTOTRACK_ENVIRONMENTS")
    if said:
        return Path(said).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autotrack" / "environments"


def build(request: Request, *, progress: Progress = lambda said: None, timeout: float = TIMEOUT) -> Environment:
    """The environment for a request, built where there is none yet.

    Two that build the same at once build it once. A build that was broken off is thrown away and begun again.
    EnvironmentBuildError where it cannot be built: the message has the end of the log, and its path.
    """
    root = environments_folder()
    uv, conda = find_uv(), find_conda() if request.conda is not None else None
    # conda brings the Python along that a conda.yaml names.
    python = Interpreter(request.python or "", None) if conda else interpreter(request.python, uv)
    # Not uv or pip: both build the same. But conda builds something else than the pip part of a conda.yaml.
    here = (sys.platform, platform.machine(), python.version or python.asked, *(["conda"] if conda else []))
    key = request.key(*here)
    log = root / "logs" / f"{key}.log"
    found = _whole(root / key, key, log)
    if found is not None:
        return found
    try:
        make_private(root / "logs")
        with _locked(root / f"{key}.lock", progress, timeout) as lock:
            found = _whole(root / key, key, log)  # another process was quicker
            return found or _built(request, root / key, log, python, uv, conda, lock, progress, timeout)
    except OSError as error:
        raise EnvironmentBuildError(
            f"an environment cannot be kept in {root}: {error.strerror or error}; make room, or say with "
            "AUTOTRACK_ENVIRONMENTS where environments are to be kept"
        ) from None


def _built(
    request: Request,
    folder: Path,
    log: Path,
    python: Interpreter,
    uv: str | None,
    conda: str | None,
    lock: int,
    progress: Progress,
    timeout: float,
) -> Environment:
    """A new environment in a folder. What makes it whole comes last; a part of one is taken away."""
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    tool = Path(conda or uv or "pip").name
    version = request.python or python.version or python.asked or "as conda has it"
    progress(f"building an environment with Python {version} ({tool})")
    try:
        with tempfile.TemporaryDirectory(prefix="autotrack-own-") as files, open(log, "wb", buffering=0) as out:
            if conda:
                lines = conda_commands(request, folder, conda, Path(files))
            else:
                lines = commands(request, folder, python, uv, Path(files))
            for line in lines:
                _run(line, out, log, surroundings(uv, os.environ), lock, progress, timeout)
        left_out = _left_out(request, conda, python)
        built = Environment(str(python_of(folder)), _installed(folder), log.stem, log, left_out)
        document = {"request": request.kind, "python": built.python, "lock": built.lock, "left_out": left_out}
        _put(folder / _WHOLE, json.dumps(document))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    progress(f"the environment took {time.monotonic() - began:.1f} s; it is kept in {folder}")
    for said in left_out:
        progress(f"left out: {said}")
    return built


def _whole(folder: Path, key: str, log: Path) -> Environment | None:
    """The environment in a folder; None where there is none, a half one, or its Python is gone."""
    try:
        document = json.loads((folder / _WHOLE).read_bytes())
    except (OSError, ValueError):
        return None
    if not os.access(document["python"], os.X_OK):
        return None
    return Environment(document["python"], document["lock"], key, log, tuple(document["left_out"]), cached=True)


@contextmanager
def _locked(file: Path, progress: Progress, timeout: float) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline, told = time.monotonic() + timeout, False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    progress("another process builds this environment: waiting for it")
                    told = True
                if time.monotonic() > deadline:
                    raise EnvironmentBuildError(
                        f"another process has been building this environment for {timeout:.0f} s ({file}); end it, and "
                        "try again"
                    ) from None
                time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def _run(
    line: list[str],
    out: Any,
    log: Path,
    variables: dict[str, str],
    lock: int,
    progress: Progress,
    timeout: float,
) -> None:
    """One step of a build, its output in the log. It inherits the lock, which is held until it ends.

    Where we are killed meanwhile nobody else begins to build what it still writes.
    """
    out.write(f"$ {' '.join(line)}\n".encode())
    if "install" in line:
        is_first = any(word.endswith(FIRST) for word in line)
        progress("installing what its packages are built with" if is_first else "installing its packages")
    mark = log.stem
    try:
        installer = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=family.marked(variables, mark),
            pass_fds=(lock,),
        )
    except OSError as error:
        raise EnvironmentBuildError(f"an environment cannot be built: {line[0]}: {error.strerror}") from None
    try:
        code = installer.wait(timeout)
    except subprocess.TimeoutExpired:
        family.end(installer, mark)
        raise EnvironmentBuildError(f"an environment was not built within {timeout:.0f} s; see {log}") from None
    except BaseException:
        family.end(installer, mark)  # with the compilers that it has started
        raise
    if code != 0:
        last = _last_lines(log)
        raise EnvironmentBuildError(_why(log, code, last), reason=reason_in(line, last))


def _last_lines(log: Path) -> list[str]:
    """What the installer said at last, masked."""
    from autotrack.core.session.masking import mask

    with open(log, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
        last = file.read(_END).decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
    return mask("\n".join(last)).splitlines()


def _why(log: Path, code: int, last: list[str]) -> str:
    """What the installer said at last, and what can be done about it."""
    text = "\n".join(f"  {said}" for said in last)
    hints = [hint for words, hint in _HINTS if any(word in text for word in words)]
    if code < 0:
        hints.insert(0, f"The installer was ended by signal {-code}")
    ended = "".join(f"\n{hint}." for hint in hints)
    return f"an environment could not be built; the last that the installer said:\n{text}{ended}\nAll of it is in {log}"


def _installed(folder: Path) -> str:
    """What is installed in an environment, as a session's capture writes it."""
    from autotrack.core.session.distributions import distributions
    from autotrack.core.session.environment import LOCK_FORMAT

    found = distributions(str(path) for path in sorted(folder.glob("lib*/python*/site-packages")))
    return json.dumps({"format": LOCK_FORMAT, "distributions": found}, sort_keys=True, separators=(",", ":"))


def _left_out(request: Request, conda: str | None, python: Interpreter) -> tuple[str, ...]:
    wanted, taken = request.python, python.version
    if conda:
        return ()
    if wanted and taken and taken != wanted and not taken.startswith(f"{wanted}."):
        return (f"Python {wanted}, which is not here: it is Python {taken}", *request.left_out)
    return request.left_out


def _put(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, "utf-8")
    part.replace(file)
