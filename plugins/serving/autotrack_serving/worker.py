"""One of several processes that serve a model: ``python -m autotrack_serving.worker REQUEST DESCRIPTOR``."""

from __future__ import annotations

import sys

from autotrack.plugin import AutotrackError


def main() -> int:
    from .engine import as_worker

    try:
        as_worker(sys.argv[1], int(sys.argv[2]))
    except AutotrackError as error:
        sys.stderr.write(f"autotrack: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
