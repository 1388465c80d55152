"""A model in an environment of its own: a Python beside the worker that has what the model asks for.

They speak Arrow: a stream of tables in, each with what ``params`` say in its metadata, a stream of tables out.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from autotrack.plugin import AutotrackError, attempt, environments, load_pyfunc

#: What loading a model and speaking Arrow take, besides what the model asks for.
_NEEDED = (
    "blake3",
    "click",
    "fsspec",
    "numpy",
    "pandas",
    "pluggy",
    "pyarrow",
    "pyyaml",
    "rich",
    "sqlalchemy",
    "urllib3",
)
_LAST = 2000


class Apart:
    """A model that another Python holds; one question at a time. Its folder is not needed once it is made
    (AutotrackError where the model does not load)."""

    def __init__(self, folder: Path, trust: bool) -> None:
        request = environments.from_requirements(_requirements(folder))
        environment = environments.build(request)
        paths = [str(environments.folder_behind()), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [environment.python, "-m", "autotrack_spark.apart", str(folder), str(int(trust))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        atexit.register(self._process.kill)
        self._answer(None, "does not load")

    def ask(self, data: Any, params: dict[str, Any]) -> Any:
        """The answers to a table or a matrix (AutotrackError with what the model said)."""
        import pandas as pd

        stdin = self._process.stdin
        assert stdin is not None
        table = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
        said = {"params": params, "matrix": not isinstance(data, pd.DataFrame)}
        _, error = attempt(lambda: _send(stdin, table, said))
        found, how = self._answer(error, "failed")
        if not how["array"]:
            return found
        return found.to_numpy()[:, 0] if how["flat"] else found.to_numpy()

    def _answer(self, error: BaseException | None, failed: str) -> tuple[Any, dict[str, Any]]:
        """What the other Python says next, unless asking it was an error already."""
        stdout = self._process.stdout
        assert stdout is not None
        answer, failure = attempt(lambda: _receive(stdout)) if error is None else (None, error)
        if answer is None:
            self._errors.seek(0)
            last = self._errors.read()[-_LAST:].decode("utf-8", "replace")
            raise AutotrackError(f"the model in its own environment does not answer ({failure}): {last}")
        if "error" in answer[1]:
            raise AutotrackError(f"the model in its own environment {failed}: {answer[1]['error']}")
        return answer


def _requirements(folder: Path) -> list[str]:
    said = folder / "requirements.txt"
    lines = [line.strip() for line in said.read_text("utf-8").splitlines()] if said.is_file() else []
    lines = [line for line in lines if line and not line.startswith(("#", "autotrack", "mlflow"))]
    names = {line.partition("==")[0].strip().lower() for line in lines}
    return [*lines, *(name for name in _NEEDED if name not in names)]


def _send(stream: IO[bytes], table: Any, said: dict[str, Any]) -> None:
    import pyarrow as pa

    found = pa.Table.from_pandas(table.rename(columns=str), preserve_index=False)
    found = found.replace_schema_metadata({b"said": json.dumps(said).encode()})
    with pa.ipc.new_stream(stream, found.schema) as writer:
        writer.write_table(found)
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[Any, dict[str, Any]]:
    import pyarrow as pa

    with pa.ipc.open_stream(stream) as reader:
        found = reader.read_all()
    return found.to_pandas(), json.loads((found.schema.metadata or {})[b"said"])


def main(folder: str, trust: str) -> None:
    """Says whether the model loads, then answers from standard input to standard output until the former ends."""
    import numpy as np
    import pandas as pd

    stdin, stdout = io.BufferedReader(io.FileIO(os.dup(0))), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the model prints is no answer
    model, error = attempt(lambda: load_pyfunc(folder, trust=trust == "1"))
    _send(stdout, pd.DataFrame(), {} if model is not None else {"error": f"{type(error).__name__}: {error}"})
    while model is not None and stdin.peek(1):
        table, said = _receive(stdin)
        data = table.to_numpy() if said["matrix"] else table
        found, error = attempt(model.predict, data, said["params"])
        if error is not None:
            _send(stdout, pd.DataFrame(), {"error": f"{type(error).__name__}: {error}"})
            continue
        is_table = isinstance(found, pd.DataFrame)
        answers = found if is_table else pd.DataFrame(np.asarray(found))
        one = not is_table and np.asarray(found).ndim == 1
        _send(stdout, answers, {"array": not is_table, "flat": one})


if __name__ == "__main__":
    main(*sys.argv[1:])
