"""A scikit-learn model behind REST: ours beside the least that does the same, and beside MLflow's server.

All serve the same model and are asked the same in turns, so that a slow moment of the machine hits all of them. The
least is a bare ASGI app on uvicorn: it reads JSON with orjson, calls the model, writes JSON, and knows no limits, no
signature, no batches and no errors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from .harness import Place, Row, child, median, seconds
from .served import Served, free_port, running

CONNECTIONS = 8
#: One of this many rows each.
SIZES = (1, 1000)

TRAIN = """
import json, sys
from pathlib import Path
import numpy, pandas
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from autotrack import save_model
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
random = numpy.random.default_rng(0)
X = pandas.DataFrame(random.normal(size=(5000, 10)), columns=[f"x{at}" for at in range(10)])
y = (X.sum(axis=1) > 0).astype(int)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
save_model(model, folder / "model", example=X.head(8))
for size in (1, 1000):
    split = X.head(size).to_dict(orient="split", index=False)
    (folder / f"{size}.json").write_text(json.dumps({"dataframe_split": split}))
many = pandas.DataFrame(random.normal(size=(rows, 10)), columns=X.columns)
many.to_parquet(folder / "many.parquet")
many.to_csv(folder / "many.csv", index=False)
"""

BATCH = """
import sys
import pandas
from autotrack import load_model
folder = sys.argv[1]
answers = load_model(folder + "/model").predict(pandas.read_parquet(folder + "/many.parquet"))
pandas.DataFrame({"prediction": answers}).to_parquet(folder + "/floor.parquet")
"""

BARE = """
import sys
import warnings
import numpy, orjson, uvicorn
from autotrack import load_model
model = load_model(sys.argv[1])
warnings.simplefilter("ignore")  # it was trained on a table, and is asked with an array, which costs less

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    content = b"{}"
    if body:
        asked = orjson.loads(body)["dataframe_split"]
        answers = model.predict(numpy.array(asked["data"], "float64"))
        content = orjson.dumps({"predictions": answers}, option=orjson.OPT_SERIALIZE_NUMPY)
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": content})

uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False, lifespan="off")
"""


@dataclass(slots=True)
class Measured:
    """A server's samples: for each size of request a second, 50th and 99th percentile in s, CPU s of a request."""

    requests: dict[int, list[float]] = field(default_factory=dict)
    p99: dict[int, list[float]] = field(default_factory=dict)
    cpu: dict[int, list[float]] = field(default_factory=dict)
    started: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


Started = Callable[[], AbstractContextManager[Served]]


def rows(place: Place) -> Iterator[Row]:
    folder = place.folder
    child(TRAIN, folder, place.scaled(1_000_000, 1000))
    servers: dict[str, Started] = {"ours": lambda: _ours(folder), "bare": lambda: _bare(folder)}
    mlflow = _mlflow_python()
    if mlflow is not None and place.scale == 1.0:
        servers["MLflow"] = lambda: _mlflow(folder, mlflow)
    found = {name: Measured() for name in servers}
    lasts = max(0.2, 4.0 * place.scale)
    for _ in range(place.scaled(3, 1)):
        with ExitStack() as stack:
            running_now = {name: stack.enter_context(start()) for name, start in servers.items()}
            for name, server in running_now.items():
                found[name].started.append(server.started_in)
            for size in SIZES:
                for name, server in running_now.items():
                    _measure(found[name], server, folder, size, lasts)
            for name, server in running_now.items():
                found[name].memory.append(server.memory()[1])
    yield from _rows(found)
    yield _batch(place, mlflow if "MLflow" in servers else None)


def _measure(found: Measured, server: Served, folder: Path, size: int, lasts: float) -> None:
    with (folder / f"{size}.json").open("rb") as body:
        before = server.cpu()
        line = [sys.executable, str(Path(__file__).with_name("requesting.py"))]
        line += [str(server.port), "/invocations", str(CONNECTIONS), str(lasts)]
        done = subprocess.run(line, stdin=body, capture_output=True, text=True, check=True)
        answer = json.loads(done.stdout)
    found.requests.setdefault(size, []).append(answer["requests"])
    found.p99.setdefault(size, []).append(answer["p99"])
    spent = server.cpu() - before
    found.cpu.setdefault(size, []).append(spent / max(1.0, answer["requests"] * (lasts + 1.0)))


def _rows(found: dict[str, Measured]) -> Iterator[Row]:
    ours, bare = found["ours"], found["bare"]
    theirs = found.get("MLflow")
    peers = dict.fromkeys(("one", "p99", "many", "start", "memory"), "")
    if theirs is not None:
        peers = {
            "one": f"MLflow {median(theirs.requests[1]):,.0f}/s, {median(theirs.cpu[1]) * 1000:.2f} ms CPU a request",
            "p99": f"MLflow {median(theirs.p99[1]) * 1000:.1f} ms",
            "many": f"MLflow {median(theirs.requests[1000]):,.0f}/s",
            "start": f"MLflow {median(theirs.started):.2f} s",
            "memory": f"MLflow {median(theirs.memory):,.0f} MB",
        }

    def row(what: str, value: float, unit: str, budget: float, floor: float, peer: str, more: bool = False) -> Row:
        return Row(what, value, unit, budget, floor, f"a bare app{costs if 'one row a' in what else ''}", peer, more)

    costs = f" ({median(bare.cpu[1]) * 1000:.2f} ms CPU a request; ours {median(ours.cpu[1]) * 1000:.2f})"
    one, many = median(ours.requests[1]), median(ours.requests[1000])
    floor_one, floor_many = median(bare.requests[1]), median(bare.requests[1000])
    least_one = max(floor_one, 3 * median(theirs.requests[1])) if theirs else floor_one
    least_many = max(0.9 * floor_many, 8 * median(theirs.requests[1000])) if theirs else 0.9 * floor_many
    p99 = median(theirs.p99[1]) / 20 if theirs else median(bare.p99[1])
    start = median(theirs.started) / 4 if theirs else 1.0
    yield row("served: requests of one row a second", one, "", least_one, floor_one, peers["one"], True)
    yield row("served: p99 of one row", median(ours.p99[1]), "s", p99, median(bare.p99[1]), peers["p99"])
    yield row("served: requests of 1,000 rows a second", many, "", least_many, floor_many, peers["many"], True)
    yield row(
        "served: from start to its first answer", median(ours.started), "s", start, median(bare.started), peers["start"]
    )
    memory = median(bare.memory)
    yield row("served: memory", median(ours.memory), "MB", 1.2 * memory, memory, peers["memory"])


def _batch(place: Place, mlflow: Path | None) -> Row:
    """Wall seconds of a file of a million rows, from the shell. MLflow reads no parquet: it is given CSV."""
    folder = place.folder
    line = [
        sys.executable,
        "-m",
        "autotrack",
        "predict",
        "-m",
        str(folder / "model"),
        "-i",
        str(folder / "many.parquet"),
    ]
    ours = [
        seconds(
            lambda at=at: subprocess.run(
                [*line, "-o", str(folder / f"out{at}.parquet")], check=True, capture_output=True
            )
        )
        for at in range(place.scaled(3, 1))
    ]
    floor = child(BATCH, folder).wall
    if mlflow is None:
        return Row(
            "predict a parquet file of 1,000,000 rows", median(ours), "s", float("inf"), floor, "pandas and the model"
        )
    line = [str(mlflow), "-m", "mlflow", "models", "predict", "--env-manager", "local", "-m", str(folder / "model")]
    line += ["-i", str(folder / "many.csv"), "-t", "csv", "-o", str(folder / "out.json")]
    theirs = seconds(lambda: subprocess.run(line, check=True, capture_output=True, env=_mlflow_environment(mlflow)))
    peers = f"MLflow {theirs:.1f} s"
    return Row(
        "predict a parquet file of 1,000,000 rows", median(ours), "s", theirs / 5, floor, "pandas and the model", peers
    )


def _ours(folder: Path) -> AbstractContextManager[Served]:
    port = free_port()
    line = [sys.executable, "-m", "autotrack", "serve", "-m", str(folder / "model"), "--port", str(port)]
    return running(line, port, folder / "ours.log")


def _bare(folder: Path) -> AbstractContextManager[Served]:
    port = free_port()
    return running([sys.executable, "-c", BARE, str(folder / "model"), str(port)], port, folder / "bare.log")


def _mlflow(folder: Path, python: Path) -> AbstractContextManager[Served]:
    port = free_port()
    line = [str(python), "-m", "mlflow", "models", "serve", "--env-manager", "local", "-m", str(folder / "model")]
    return running([*line, "-p", str(port)], port, folder / "mlflow.log", _mlflow_environment(python))


def _mlflow_environment(python: Path) -> dict[str, str]:
    from tests.compat.mlflow_environment import clean_environment

    return clean_environment(PATH=f"{python.parent}{os.pathsep}{os.environ['PATH']}")  # it starts its server by name


def _mlflow_python() -> Path | None:
    """MLflow's own environment, where tests/compat has built it."""
    home = Path(os.environ.get("TMPDIR", "/tmp")) / f"autotrack-tests-{os.getuid()}"
    return next(iter(sorted(home.glob("mlflow-[0-9]*/bin/python"), reverse=True)), None)
