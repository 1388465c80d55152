"""``python -m tests.bench``: every promise of speed beside its floor, in one table (``--json`` for machines).

Each subject runs in an interpreter and a folder of its own. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from .harness import CALM, Place, Row, spelled

ROOT = Path(__file__).resolve().parents[2]
#: In the order of the table: the name of a subject is its module's.
SUBJECTS = (
    "importing",
    "enabling",
    "log_metric",
    "kills",
    "delivery",
    "disk",
    "small_fit",
    "captured_fit",
    "grid_search",
    "quiet_call",
    "audit_hook",
    "loop_of_fits",
    "xgboost_rounds",
    "lightning",
    "torch_loop",
    "search",
    "history",
    "ingest",
    "fingerprints",
    "model_folder",
    "summary_writer",
    "server_idle",
    "server_writes",
    "server_search",
    "server_lost",
    "server_load",
    "page_data",
    "project_run",
    "serving",
)


def main() -> int:
    """0 where everything was measured (and met, under ``--check``), else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("subject", nargs="*", choices=[[], *SUBJECTS], help="only these")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how fast it is")
    parser.add_argument("--check", action="store_true", help="exit 1 where a budget is missed")
    parser.add_argument("--alone", metavar="FOLDER", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone is not None:
        module = import_module(f"{__package__}.{options.subject[0]}")
        place = Place(options.alone, 0.01 if options.quick else 1.0)
        print(json.dumps([row.to_json() for row in module.rows(place)]))
        return 0
    rows, failed = measure(options.subject or SUBJECTS, quick=options.quick)
    if options.json:
        print(json.dumps({"rows": rows, "failed": failed}, indent=2))
    else:
        print(table(rows))
        if options.quick:
            print("measured at a hundredth of the size: this shows that the benchmarks run, not how fast anything is")
        for subject, error in failed.items():
            print(f"\n{subject} could not be measured: {error}")
    return int(bool(failed) or (options.check and not all(row["met"] for row in rows)))


def measure(subjects: list[str] | tuple[str, ...], *, quick: bool) -> tuple[list[dict[str, object]], dict[str, str]]:
    """The rows of all subjects as JSON objects, and what went wrong with those that could not be measured."""
    rows: list[dict[str, object]] = []
    failed: dict[str, str] = {}
    for number, subject in enumerate(subjects, 1):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{number}/{len(subjects)} {subject}", end="", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="autotrack-bench-") as folder:
            env = {key: value for key, value in os.environ.items() if not key.startswith("AUTOTRACK_")}
            env |= {**CALM, "AUTOTRACK_TRACKING_URI": str(Place(Path(folder)).store)}
            env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
            command = [sys.executable, "-m", "tests.bench", subject, "--alone", folder, *(["--quick"] if quick else [])]
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        if done.returncode:
            failed[subject] = (done.stderr.strip().splitlines() or ["no message"])[-1]
        else:
            rows += json.loads(done.stdout.splitlines()[-1])
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    return rows, failed


def table(rows: list[dict[str, object]]) -> str:
    """The rows as aligned columns."""
    cells = [("what", "measured", "must reach", "", "floor in the same run", "times the floor", "peers")]
    for entry in rows:
        extra = ("met", "of_budget", "times_floor")
        row = Row(**{key: value for key, value in entry.items() if key not in extra})  # type: ignore[arg-type]
        ratio = entry["times_floor"]
        cells.append(
            (
                row.what,
                spelled(row.value, row.unit),
                f"{'at least ' if row.more_is_better else ''}{spelled(row.budget, row.unit)}",
                row.verdict,
                f"{spelled(row.floor, row.unit)} {row.floor_is}".strip(),
                f"{ratio:.3g}" if isinstance(ratio, float) else "",
                row.peers,
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    missed = sum(not entry["met"] for entry in rows)
    closing = f"{len(rows) - missed} of {len(rows)} promises are kept"
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", closing])


if __name__ == "__main__":
    sys.exit(main())
