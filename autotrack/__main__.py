"""``python -m autotrack``: the same command line as ``autotrack``."""

from __future__ import annotations

from autotrack.cli.main import main

if __name__ == "__main__":
    main()
