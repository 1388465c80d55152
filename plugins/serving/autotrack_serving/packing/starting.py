"""What ``python model.zip`` runs: this file is ``__main__.py`` of the archive, and knows nothing but Python."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import tempfile
import zipfile

#: Folders of the archive: what is imported, and the model.
_CODE, _MODEL = "code", "model"
#: What the command calls the model.
_PACKED = "_AUTOTRACK_PACKED"


def main() -> None:
    """Unpacks the archive for as long as it serves, and serves the model in it; arguments are those of the command."""
    archive = os.path.abspath(sys.argv[0])  # noqa: PTH100 - nothing but what starts fast
    # Told to stop, it leaves as from any other end: what was unpacked goes with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="autotrack-packed-") as folder:
        _unpack(archive, folder)
        code = os.path.join(folder, _CODE)  # noqa: PTH118
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")]))
        sys.path.insert(0, code)
        os.environ[_PACKED] = os.path.basename(archive)  # noqa: PTH119
        # The model came with what vouches for it: whoever runs the file runs all of it.
        sys.argv[1:] = ["serve", "-m", os.path.join(folder, _MODEL), "--trust", *sys.argv[1:]]  # noqa: PTH118
        try:
            runpy.run_module("autotrack", run_name="__main__", alter_sys=True)
        except ModuleNotFoundError as error:
            needed = os.path.join(folder, _CODE, "requirements.txt")  # noqa: PTH118
            with open(needed, encoding="utf-8") as file:
                lines = " ".join(f"'{line.strip()}'" for line in file if line.strip())
            sys.exit(f"{os.path.basename(archive)} needs {error.name}; install what it needs: pip install {lines}")  # noqa: PTH119


def _unpack(archive: str, folder: str) -> None:
    """Files of the archive, each below the folder, whatever it is called."""
    with zipfile.ZipFile(archive) as found:
        for info in found.infolist():
            parts = [part for part in info.filename.split("/") if part not in ("", ".", "..")]
            place = os.path.join(folder, *parts)  # noqa: PTH118
            os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
            with open(place, "wb") as file:
                file.write(found.read(info))


if __name__ == "__main__":
    main()
