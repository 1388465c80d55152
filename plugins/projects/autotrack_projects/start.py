"""Starts a project's program as job.json, beside this file, says. No value is ever text of a shell.

Only the standard library: this file travels to where the program runs, and the Python there may have nothing else.
"""

import json
import os
import sys
import tempfile
import zipfile


def main() -> None:
    """Becomes the program; 127 where it cannot be started."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - fewer imports
    with open(os.path.join(here, "job.json"), encoding="utf-8") as file:  # noqa: PTH118
        job = json.load(file)
    argv, folder = job["argv"], job["folder"]
    if folder is None:
        place = here if os.access(here, os.W_OK) else tempfile.mkdtemp(prefix="project-")
        folder = os.path.join(place, "project")  # noqa: PTH118
        unpack(os.path.join(here, "project.zip"), folder)  # noqa: PTH118
        variables = {**os.environ, **job["variables"]}
        if argv[0] in ("python", "python3"):
            argv[0] = sys.executable
        variables = tracked(variables, folder)
    else:
        kept = tuple(job["keeping"])
        ours = {name: value for name, value in os.environ.items() if kept and name.startswith(kept)}
        variables = {**job["variables"], **ours}
    variables["PWD"] = folder
    try:
        os.chdir(folder)
        os.execvpe(argv[0], argv, variables)
    except OSError as error:
        sys.stderr.write(f"autotrack: {argv[0]} cannot be started in {folder}: {error.strerror}\n")
        raise SystemExit(127) from None


def unpack(archive: str, folder: str) -> None:
    """The files of an archive that autotrack made, with their permission to be run."""
    with zipfile.ZipFile(archive) as files:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        for entry in files.infolist():
            written = files.extract(entry, folder)
            if entry.external_attr >> 16 & 0o100:
                os.chmod(written, 0o755)  # noqa: PTH101


def tracked(variables: "dict[str, str]", folder: str) -> "dict[str, str]":
    """The variables with which a program is watched unedited, where the Python there has autotrack."""
    try:
        from autotrack.plugin import launched_with
    except ImportError:
        return variables
    return launched_with(variables, folder=folder)


if __name__ == "__main__":
    main()
