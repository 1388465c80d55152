"""One list of raw requests, asked of MLflow's own server and of ours, and their answers made comparable.

``python -m tests.compat.mlflow_record`` asks MLflow's server and keeps its answers in ``mlflow_answers.json``.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

API = "/api/2.0/mlflow"
#: What is another at each asking.
TIMES = frozenset(
    "creation_time last_update_time creation_timestamp last_updated_timestamp creation_timestamp_ms "
    "last_updated_timestamp_ms".split()
)
#: Where an experiment's id stands, which is a number at MLflow's.
PLACES = frozenset("experiment_id artifact_location artifact_uri root_uri source storage_location".split())
#: Lists that have no order.
SETS = frozenset("tags params metrics aliases registered_models_tags".split())


@dataclass
class Asking:
    """Asks a server at ``host:port``; keeps each answer under its name, ids told apart by what they are of."""

    address: str
    answers: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def label(self, identity: str, what: str) -> str:
        """Has an id written as ``<what>`` in all answers from here on."""
        self.labels[identity] = f"<{what}>"
        return identity

    def __call__(
        self,
        name: str,
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Any:
        """The answer to one request: what it says in JSON, else its bytes. ``body``: what JSON can say, or bytes."""
        if query:
            path += "?" + urlencode(query, doseq=True)
        sent: dict[str, str] = {}
        if body is not None and not isinstance(body, bytes):
            body, sent = json.dumps(body).encode(), {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request(
            method,
            path if path.startswith(("/api/", "/ajax-api/", "/get-artifact")) else API + path,
            body,
            {**sent, **(headers or {})},
        )
        response = connection.getresponse()
        content = response.read()
        connection.close()
        try:
            said = json.loads(content)
        except ValueError:
            said = content.decode("utf-8", "replace")
        assert name not in self.answers, f"two requests are called {name}"
        self.answers[name] = {"status": response.status, "says": (said, response.status)}
        return said

    def comparable(self) -> dict[str, Any]:
        """The answers, with ids as their labels and without what is another at each asking."""
        return {
            name: {"status": kept["status"], "says": self._plain(*kept["says"])} for name, kept in self.answers.items()
        }

    def _plain(self, said: Any, status: int) -> Any:
        if status >= 400:
            return {"error_code": said.get("error_code")} if isinstance(said, dict) else "no JSON"
        return self._walk(said)

    def _walk(self, said: Any, key: str = "") -> Any:
        if isinstance(said, dict):
            return {name: self._walk(value, name) for name, value in said.items()}
        if isinstance(said, list):
            found = [self._walk(item) for item in said]
            return sorted(found, key=lambda item: json.dumps(item, sort_keys=True)) if key in SETS else found
        if key in TIMES or key == "next_page_token":
            return "<time>" if key in TIMES else "<token>"
        if isinstance(said, str):
            if key in PLACES and not said.startswith("models:"):
                said = "/".join(self.labels.get(part, part) for part in said.split("/"))
            for identity, label in self.labels.items():
                if len(identity) > 12:
                    said = said.replace(identity, label)
        return said


def ask_all(ask: Asking) -> None:
    """Asks everything. Each part begins with an experiment of its own."""
    for part in PARTS:
        part(ask)


def _experiment(ask: Asking, name: str, **more: Any) -> str:
    made = ask(f"make {name}", "POST", "/experiments/create", {"name": name, **more})
    return ask.label(made["experiment_id"], f"experiment {name}")


def _run(ask: Asking, experiment: str, name: str, **more: Any) -> str:
    made = ask(
        f"make run {name}",
        "POST",
        "/runs/create",
        {"experiment_id": experiment, "run_name": name, "start_time": 1000, **more},
    )
    return ask.label(made["run"]["info"]["run_id"], f"run {name}")


def experiments(ask: Asking) -> None:
    ask("default", "GET", "/experiments/get", experiment_id="0")
    one = _experiment(ask, "one", tags=[{"key": "a", "value": "b"}])
    ask("get one", "GET", "/experiments/get", experiment_id=one)
    ask("one by name", "GET", "/experiments/get-by-name", experiment_name="one")
    ask("none by name", "GET", "/experiments/get-by-name", experiment_name="no such")
    ask("no name", "GET", "/experiments/get-by-name")
    ask("none by id", "GET", "/experiments/get", experiment_id="123456")
    ask("no id", "GET", "/experiments/get")
    ask("taken", "POST", "/experiments/create", {"name": "one"})
    ask("nameless", "POST", "/experiments/create", {})
    ask("empty name", "POST", "/experiments/create", {"name": ""})
    ask("name of 501", "POST", "/experiments/create", {"name": "x" * 501})
    ask("number as a name", "POST", "/experiments/create", {"name": 3})
    ask("set tag", "POST", "/experiments/set-experiment-tag", {"experiment_id": one, "key": "c", "value": "d"})
    ask("set tag again", "POST", "/experiments/set-experiment-tag", {"experiment_id": one, "key": "c", "value": "e"})
    ask("tags of one", "GET", "/experiments/get", experiment_id=one)
    ask("tag of 251", "POST", "/experiments/set-experiment-tag", {"experiment_id": one, "key": "k" * 251, "value": "d"})
    ask(
        "value of 20001",
        "POST",
        "/experiments/set-experiment-tag",
        {"experiment_id": one, "key": "k", "value": "v" * 20001},
    )
    ask("delete tag", "POST", "/experiments/delete-experiment-tag", {"experiment_id": one, "key": "c"})
    ask("delete tag again", "POST", "/experiments/delete-experiment-tag", {"experiment_id": one, "key": "c"})
    ask("rename", "POST", "/experiments/update", {"experiment_id": one, "new_name": "two"})
    ask("renamed", "GET", "/experiments/get", experiment_id=one)
    run = _run(ask, one, "of two")
    early = _run(ask, one, "deleted before")
    ask("delete early", "POST", "/runs/delete", {"run_id": early})
    ask("delete", "POST", "/experiments/delete", {"experiment_id": one})
    ask("deleted", "GET", "/experiments/get", experiment_id=one)
    ask("deleted by name", "GET", "/experiments/get-by-name", experiment_name="two")
    ask("delete again", "POST", "/experiments/delete", {"experiment_id": one})
    ask("delete none", "POST", "/experiments/delete", {"experiment_id": "123456"})
    ask("its name is kept", "POST", "/experiments/create", {"name": "two"})
    ask("run went along", "GET", "/runs/get", run_id=run)
    ask("run in deleted", "POST", "/runs/create", {"experiment_id": one})
    ask("run in none", "POST", "/runs/create", {"experiment_id": "123456"})
    ask("tag of deleted", "POST", "/experiments/set-experiment-tag", {"experiment_id": one, "key": "c", "value": "d"})
    ask("untag of deleted", "POST", "/experiments/delete-experiment-tag", {"experiment_id": one, "key": "a"})
    ask("rename deleted", "POST", "/experiments/update", {"experiment_id": one, "new_name": "three"})
    ask("restore", "POST", "/experiments/restore", {"experiment_id": one})
    ask("run came back", "GET", "/runs/get", run_id=run)
    ask("restore active", "POST", "/experiments/restore", {"experiment_id": one})
    for number in range(3):
        _experiment(ask, f"page {number}", tags=[{"key": "team", "value": f"t{number % 2}"}])
    ask("experiments none", "POST", "/experiments/search", {"filter": "name = 'no such'", "max_results": 5})
    ask("experiments without size", "POST", "/experiments/search", {})
    ask("experiments zero", "POST", "/experiments/search", {"max_results": 0})
    ask("experiments too many", "POST", "/experiments/search", {"max_results": 50001})
    ask(
        "experiments like",
        "POST",
        "/experiments/search",
        {"filter": "name LIKE 'page%'", "order_by": ["name"], "max_results": 9},
    )
    ask(
        "experiments ilike",
        "POST",
        "/experiments/search",
        {"filter": "attribute.name ILIKE 'PAGE %'", "order_by": ["name DESC"], "max_results": 9},
    )
    found = ask(
        "experiments page",
        "POST",
        "/experiments/search",
        {"filter": "name LIKE 'page%'", "order_by": ["name ASC"], "max_results": 2},
    )
    ask(
        "experiments next page",
        "POST",
        "/experiments/search",
        {
            "filter": "name LIKE 'page%'",
            "order_by": ["name ASC"],
            "max_results": 2,
            "page_token": found.get("next_page_token"),
        },
    )
    ask("experiments by tag", "GET", "/experiments/search", filter="tags.team = 't0'", order_by=["name"], max_results=9)
    ask(
        "experiments not tag",
        "GET",
        "/experiments/search",
        filter="tags.team != 't0'",
        order_by=["name"],
        max_results=9,
    )
    ask(
        "experiments both",
        "GET",
        "/experiments/search",
        filter="tags.team LIKE 't%' AND name != 'page 1'",
        order_by=["name"],
        max_results=9,
    )
    ask(
        "experiments created",
        "GET",
        "/experiments/search",
        filter="creation_time > 0 AND name LIKE 'page%'",
        order_by=["last_update_time ASC", "name"],
        max_results=9,
    )
    ask("experiments id", "GET", "/experiments/search", filter="experiment_id = '0'", max_results=9)
    ask("experiments nonsense", "GET", "/experiments/search", filter="nonsense", max_results=9)
    ask("experiments no field", "GET", "/experiments/search", filter="color = 'red'", max_results=9)
    ask("experiments bad token", "GET", "/experiments/search", max_results=9, page_token="nonsense")
    ask("experiments deleted", "POST", "/experiments/search", {"view_type": "DELETED_ONLY", "max_results": 9})
    ask("experiments 3", "POST", "/experiments/search", {"view_type": 3, "filter": "name = 'page 1'", "max_results": 9})


def runs(ask: Asking) -> None:
    experiment = _experiment(ask, "runs")
    ask("no experiment", "POST", "/runs/create", {})
    tags = [{"key": "mlflow.user", "value": "me"}, {"key": "k", "value": "v"}]
    run = _run(ask, experiment, "first", user_id="me", tags=tags)
    ask("first", "GET", "/runs/get", run_id=run)
    ask("by uuid", "GET", "/runs/get", run_uuid=run)
    ask("no such run", "GET", "/runs/get", run_id="0" * 32)
    ask("no run", "GET", "/runs/get")
    ask(
        "conflict",
        "POST",
        "/runs/create",
        {"experiment_id": experiment, "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]},
    )
    named = ask(
        "named by tag",
        "POST",
        "/runs/create",
        {"experiment_id": experiment, "start_time": "7", "tags": [{"key": "mlflow.runName", "value": "by tag"}]},
    )
    ask.label(named["run"]["info"]["run_id"], "run by tag")
    ask("rename by tag", "POST", "/runs/set-tag", {"run_id": run, "key": "mlflow.runName", "value": "second"})
    ask("second", "GET", "/runs/get", run_id=run)
    ask(
        "rename by batch",
        "POST",
        "/runs/log-batch",
        {"run_id": run, "tags": [{"key": "mlflow.runName", "value": "third"}]},
    )
    ask("third", "GET", "/runs/get", run_id=run)
    ask("update name", "POST", "/runs/update", {"run_id": run, "run_name": "fourth"})
    ask("fourth", "GET", "/runs/get", run_id=run)
    ask("finish", "POST", "/runs/update", {"run_id": run, "status": "FINISHED", "end_time": 5000})
    ask("finished", "GET", "/runs/get", run_id=run)
    ask("tag of finished", "POST", "/runs/set-tag", {"run_id": run, "key": "late", "value": "1"})
    ask(
        "metric of finished",
        "POST",
        "/runs/log-metric",
        {"run_id": run, "key": "late", "value": 1.0, "timestamp": 6000},
    )
    ask("reopen", "POST", "/runs/update", {"run_id": run, "status": "RUNNING"})
    ask("schedule", "POST", "/runs/update", {"run_id": run, "status": "SCHEDULED"})
    ask("kill", "POST", "/runs/update", {"run_id": run, "status": 5, "end_time": "7000"})
    ask("fail without end", "POST", "/runs/update", {"run_id": run, "status": "FAILED"})
    ask("no such status", "POST", "/runs/update", {"run_id": run, "status": "DONE"})
    ask("update none", "POST", "/runs/update", {"run_id": "0" * 32, "status": "FINISHED"})
    ask("untag", "POST", "/runs/delete-tag", {"run_id": run, "key": "k"})
    ask("untag again", "POST", "/runs/delete-tag", {"run_id": run, "key": "k"})
    child = _run(ask, experiment, "child", tags=[{"key": "mlflow.parentRunId", "value": run}])
    ask("child", "GET", "/runs/get", run_id=child)
    ask("delete run", "POST", "/runs/delete", {"run_id": run})
    ask("delete run again", "POST", "/runs/delete", {"run_id": run})
    ask("deleted run", "GET", "/runs/get", run_id=run)
    ask("child stays", "GET", "/runs/get", run_id=child)
    ask("tag deleted", "POST", "/runs/set-tag", {"run_id": run, "key": "a", "value": "b"})
    ask("untag deleted", "POST", "/runs/delete-tag", {"run_id": run, "key": "late"})
    ask("metric deleted", "POST", "/runs/log-metric", {"run_id": run, "key": "a", "value": 1, "timestamp": 1})
    ask("param deleted", "POST", "/runs/log-parameter", {"run_id": run, "key": "a", "value": "1"})
    ask("batch deleted", "POST", "/runs/log-batch", {"run_id": run, "tags": [{"key": "a", "value": "b"}]})
    ask("inputs deleted", "POST", "/runs/log-inputs", {"run_id": run, "datasets": []})
    ask("update deleted", "POST", "/runs/update", {"run_id": run, "run_name": "x"})
    ask("restore run", "POST", "/runs/restore", {"run_id": run})
    ask("restore run again", "POST", "/runs/restore", {"run_id": run})
    ask("restored", "GET", "/runs/get", run_id=run)
    ask("delete none run", "POST", "/runs/delete", {"run_id": "0" * 32})
    ask("restore none run", "POST", "/runs/restore", {"run_id": "0" * 32})
    ask("bad run id", "GET", "/runs/get", run_id="../x")
    model = {"artifact_path": "m", "flavors": {"a": {}}, "utc_time_created": "2026", "run_id": run}
    ask("log model", "POST", "/runs/log-model", {"run_id": run, "model_json": json.dumps(model)})
    ask("log model again", "POST", "/runs/log-model", {"run_id": run, "model_json": json.dumps(model)})
    ask("log half a model", "POST", "/runs/log-model", {"run_id": run, "model_json": "{}"})
    ask("log no model", "POST", "/runs/log-model", {"run_id": run, "model_json": "nonsense"})
    ask("modelled", "GET", "/runs/get", run_id=run)


def values(ask: Asking) -> None:
    experiment = _experiment(ask, "values")
    run, odd = _run(ask, experiment, "values"), _run(ask, experiment, "odd values")

    def point(name: str, **fields: Any) -> None:
        ask(f"point {name}", "POST", "/runs/log-metric", {"run_id": run, "timestamp": 5, **fields})

    point("plain", key="a", value=1.5, step=3)
    point("text", key="b", value="2.5", step="4", timestamp="6")
    point("nan", key="c", value="NaN")
    point("whole", key="d", value=7)
    point("big step", key="e", value=1, step=2**53 + 1)
    point("big step as text", key="f", value=1, step=str(2**53 + 1))
    point("negative step", key="g", value=1, step=-3)
    point("no value", key="h")
    point("null value", key="h", value=None)
    point("no key", value=1)
    point("bad value", key="h", value="x")
    point("true", key="h", value=True, run_id=odd)
    point("list", key="h", value=[1])
    point("no time", key="h", value=1, timestamp=None)
    point("half a time", key="h", value=1, timestamp=1.5)
    point("whole float time", key="h2", value=1, timestamp=15.0)
    point("half a step", key="h", value=1, step=1.5, run_id=odd)
    point("bad step", key="h", value=1, step="x")
    point("negative time", key="h", value=1, timestamp=-1)
    for name in (
        "a/b",
        "a b",
        "a.b",
        "a-b:c",
        "a//b",
        "../a",
        "/a",
        "a/",
        ".",
        "f1@k",
        "loss(train)",
        "a[0]",
        "",
        "x" * 250,
        "x" * 251,
        "größe",
    ):
        point(f"key {name[:20]} {len(name)}", key=name, value=1)
    ask("values", "GET", "/runs/get", run_id=run)


def logging(ask: Asking) -> None:
    experiment = _experiment(ask, "logging")
    run, odd = _run(ask, experiment, "logging"), _run(ask, experiment, "odd logging")

    def param(name: str, key: Any, value: Any) -> None:
        ask(f"param {name}", "POST", "/runs/log-parameter", {"run_id": run, "key": key, "value": value})

    param("new", "lr", "0.1")
    param("same", "lr", "0.1")
    param("other", "lr", "0.2")
    param("empty", "e", "")
    param("long", "long", "v" * 6001)
    param("long again", "long", "v" * 6001)
    param("number", "n", 3)
    param("key", "a(b)", "x")
    ask("param without value", "POST", "/runs/log-parameter", {"run_id": run, "key": "none"})
    ask("tag", "POST", "/runs/set-tag", {"run_id": run, "key": "t", "value": "1"})
    ask("tag again", "POST", "/runs/set-tag", {"run_id": run, "key": "t", "value": "2"})
    ask("tag long", "POST", "/runs/set-tag", {"run_id": run, "key": "long", "value": "t" * 8001})
    ask("tag key", "POST", "/runs/set-tag", {"run_id": run, "key": "a(b)", "value": "1"})
    ask("tag without value", "POST", "/runs/set-tag", {"run_id": run, "key": "empty"})
    ask(
        "batch",
        "POST",
        "/runs/log-batch",
        {
            "run_id": run,
            "metrics": [{"key": "m", "value": i / 2, "timestamp": 10 + i, "step": i} for i in range(5)],
            "params": [{"key": "p", "value": "q"}],
            "tags": [{"key": "bt", "value": "bv"}],
        },
    )
    ask("batch empty", "POST", "/runs/log-batch", {"run_id": run})
    ask(
        "batch same twice",
        "POST",
        "/runs/log-batch",
        {"run_id": run, "metrics": [{"key": "twice", "value": 1, "timestamp": 1, "step": 1}] * 2},
    )
    ask(
        "batch latest",
        "POST",
        "/runs/log-batch",
        {
            "run_id": run,
            "metrics": [
                {"key": "l", "value": v, "timestamp": t, "step": s}
                for v, t, s in ((1, 9, 2), (5, 3, 3), (4, 3, 3), (3, 2, 3), (9, 99, 1))
            ],
        },
    )
    ask(
        "batch refused whole",
        "POST",
        "/runs/log-batch",
        {
            "run_id": run,
            "metrics": [{"key": "not there", "value": 1, "timestamp": 1}],
            "params": [{"key": "lr", "value": "9"}],
        },
    )
    ask("batch no value", "POST", "/runs/log-batch", {"run_id": run, "metrics": [{"key": "a", "timestamp": 1}]})
    ask(
        "batch bad value",
        "POST",
        "/runs/log-batch",
        {"run_id": odd, "metrics": [{"key": "a", "value": "x", "timestamp": 1}]},
    )
    ask(
        "batch bad key",
        "POST",
        "/runs/log-batch",
        {"run_id": run, "metrics": [{"key": "a(b)", "value": 1, "timestamp": 1}]},
    )
    ask("batch no run", "POST", "/runs/log-batch", {"metrics": []})
    ask("batch other run", "POST", "/runs/log-batch", {"run_id": "0" * 32, "tags": [{"key": "a", "value": "b"}]})
    ask(
        "batch params twice",
        "POST",
        "/runs/log-batch",
        {"run_id": run, "params": [{"key": "x", "value": "1"}, {"key": "x", "value": "2"}]},
    )
    ask("batch no list", "POST", "/runs/log-batch", {"run_id": run, "metrics": "x"})
    ask("logged", "GET", "/runs/get", run_id=run)
    ask("history twice", "GET", "/metrics/get-history", run_id=run, metric_key="twice")


def limits(ask: Asking) -> None:
    experiment = _experiment(ask, "limits")
    run = _run(ask, experiment, "limits")
    metric = {"key": "m", "value": 1, "timestamp": 1}

    def batch(name: str, **fields: Any) -> None:
        ask(f"limit {name}", "POST", "/runs/log-batch", {"run_id": run, **fields})

    batch("1000 metrics", metrics=[{**metric, "step": i} for i in range(1000)])
    batch("1001 metrics", metrics=[metric] * 1001)
    batch("100 params", params=[{"key": f"p{i}", "value": "1"} for i in range(100)])
    batch("101 params", params=[{"key": f"q{i}", "value": "1"} for i in range(101)])
    batch("101 tags", tags=[{"key": f"t{i}", "value": "1"} for i in range(101)])
    batch("1001 in all", metrics=[metric] * 951, params=[{"key": f"p{i}", "value": "1"} for i in range(50)])
    batch("a body of 1.1 MB", tags=[{"key": f"t{i}", "value": "x" * 11500} for i in range(96)])


def searching(ask: Asking) -> None:
    experiment = _experiment(ask, "searching")
    other = _experiment(ask, "searching elsewhere")
    made = []
    for number, (lr, loss, name) in enumerate(
        (
            ("0.1", 0.5, "alpha"),
            ("0.01", 0.25, "Beta"),
            ("10", "NaN", "gamma"),
            ("9", None, "delta_1"),
            (None, 0.75, "delta%"),
        )
    ):
        run = _run(ask, experiment, name, start_time=1000 + number)
        made.append(run)
        params = [{"key": "lr", "value": lr}] if lr is not None else []
        metrics = [{"key": "loss", "value": loss, "timestamp": 1}] if loss is not None else []
        tags = [{"key": "kind", "value": "odd" if number % 2 else "even"}, {"key": "my.key", "value": str(number)}]
        ask(
            f"fill {name}",
            "POST",
            "/runs/log-batch",
            {"run_id": run, "params": params, "metrics": metrics, "tags": tags},
        )
    ask("end one", "POST", "/runs/update", {"run_id": made[0], "status": "FINISHED", "end_time": 2000})
    ask("delete one", "POST", "/runs/delete", {"run_id": made[4]})
    _run(ask, other, "elsewhere", start_time=999)

    def search(name: str, filter: str | None = None, **fields: Any) -> Any:
        said = ask(
            f"search {name}", "POST", "/runs/search", {"experiment_ids": [experiment], "filter": filter, **fields}
        )
        if isinstance(said, dict) and "runs" in said:  # which, and in which order, is what it is about
            kept = ask.answers[f"search {name}"]
            names = [run["info"]["run_name"] for run in said["runs"]]
            kept["says"] = ({**said, "runs": names}, kept["status"])
        return said

    search("all")
    search("all of two", experiment_ids=[experiment, other])
    search("in none", experiment_ids=["123456"])
    search("in no experiments", experiment_ids=[])
    search("deleted", run_view_type="DELETED_ONLY")
    search("every", run_view_type="ALL")
    search("every by number", run_view_type=3)
    for name, filter in {
        "metric": "metrics.loss < 0.6",
        "metric equal": "metric.loss = 0.5",
        "metric not": "metrics.loss != 0.5",
        "metric in backticks": "metrics.`loss` >= 0.25",
        "metric in quotes": 'metrics."loss" >= 0.25',
        "metric as text": "metrics.loss < '0.6'",
        "param": "params.lr = '0.1'",
        "param not": "params.lr != '0.1'",
        "param like": "params.lr LIKE '0.%'",
        "param number": "params.lr = 0.1",
        "param less": "params.lr < '1'",
        "param null": "params.lr IS NULL",
        "param not null": "params.lr IS NOT NULL",
        "tag": "tags.kind = 'odd'",
        "tag not": "tags.kind != 'odd'",
        "tag null": "tags.none IS NULL",
        "tag with a dot": "tags.my.key = '1'",
        "tag with a dot in backticks": "tags.`my.key` = '1'",
        "tag ilike": "tags.kind ILIKE 'ODD'",
        "tag like is of one case": "tags.kind LIKE 'ODD'",
        "name": "run_name = 'alpha'",
        "name attribute": "attributes.run_name LIKE 'a%'",
        "name tag": "tags.mlflow.runName = 'Beta'",
        "name tag quoted": "tags.`mlflow.runName` ILIKE 'beta'",
        "run name": "attributes.`run name` = 'alpha'",
        "underscore": "run_name LIKE 'delta_1'",
        "status": "status = 'FINISHED'",
        "status not": "attributes.status != 'FINISHED'",
        "status null": "status IS NULL",
        "id": f"run_id = '{made[0]}'",
        "id in": f"run_id IN ('{made[0]}', '{made[1]}')",
        "id not in": f"attributes.run_id NOT IN ('{made[0]}', '{made[1]}')",
        "name in": "run_name IN ('alpha')",
        "tag in": "tags.kind IN ('odd')",
        "time": "start_time > 1001",
        "time attribute": "attributes.start_time <= 1001",
        "time as text": "start_time > '1001'",
        "end": "end_time = 2000",
        "created": "created > 1001",
        "and": "metrics.loss < 0.6 AND params.lr = '0.1'",
        "and in lower case": "metrics.loss < 0.6 and params.lr = '0.1'",
        "or": "metrics.loss < 0.6 OR params.lr = '0.1'",
        "parentheses": "(metrics.loss < 0.6)",
        "not": "NOT metrics.loss < 0.6",
        "double equals": "metrics.loss == 0.5",
        "bare": "loss < 0.6",
        "nonsense": "this is nonsense",
        "nothing on the right": "metrics.loss <",
        "other entity": "model.x = 1",
        "no attribute": "attributes.color = 'red'",
        "nested metric key": "metrics.loss.x = 1",
        "unclosed": "params.lr = '0.1",
        "injection": "params.lr = '0.1' OR 1=1 --",
        "semicolon": "metrics.loss > 1; DROP TABLE runs",
        "user": "user_id = ''",
        "dataset": "datasets.name = 'x'",
        "dataset field": "dataset.color = 'x'",
        "trailing and": "params.lr = '0.1' AND",
        "escaped quote": "params.lr = 'it''s'",
    }.items():
        search(f"for {name}", filter)
    for name, order in {
        "metric": ["metrics.loss"],
        "metric down": ["metrics.loss DESC"],
        "metric asc": ["metrics.`loss` ASC"],
        "param": ["params.lr ASC"],
        "param down": ["params.lr DESC"],
        "tag then name": ["tags.kind DESC", "attributes.run_name"],
        "name": ["run_name ASC"],
        "name tag": ["tags.mlflow.runName"],
        "start": ["start_time ASC"],
        "start attribute": ["attributes.start_time DESC"],
        "end": ["attributes.end_time"],
        "status": ["status"],
        "missing": ["metrics.none DESC"],
        "twice": ["start_time", "start_time DESC"],
        "nonsense": ["metrics.loss sideways"],
        "injection": ["start_time ASC,(SELECT 1)"],
    }.items():
        search(f"by {name}", order_by=order)
    first = search("page one", max_results=2, order_by=["start_time"])
    second = search("page two", max_results=2, order_by=["start_time"], page_token=first.get("next_page_token"))
    search("page three", max_results=2, order_by=["start_time"], page_token=second.get("next_page_token"))
    search("bad token", page_token="nonsense")
    search("no results", max_results=0)
    search("too many results", max_results=50001)
    search("bad view", run_view_type="NONE")
    ask("whole search", "POST", "/runs/search", {"experiment_ids": [experiment], "filter": "run_name = 'alpha'"})
    ask("empty search", "POST", "/runs/search", {"experiment_ids": [experiment], "filter": "run_name = 'none'"})


def histories(ask: Asking) -> None:
    experiment = _experiment(ask, "histories")
    run = _run(ask, experiment, "history")
    metrics = [{"key": "m", "value": (i * 7) % 10, "timestamp": 100 + i // 2, "step": i % 5} for i in range(10)]
    ask("fill history", "POST", "/runs/log-batch", {"run_id": run, "metrics": metrics})
    ask("history", "GET", "/metrics/get-history", run_id=run, metric_key="m")
    ask("history of none", "GET", "/metrics/get-history", run_id=run, metric_key="none")
    ask("history without key", "GET", "/metrics/get-history", run_id=run)
    ask("history of no run", "GET", "/metrics/get-history", run_id="0" * 32, metric_key="m")
    first = ask("history page", "GET", "/metrics/get-history", run_id=run, metric_key="m", max_results=4)
    second = ask(
        "history page 2",
        "GET",
        "/metrics/get-history",
        run_id=run,
        metric_key="m",
        max_results=4,
        page_token=first["next_page_token"],
    )
    ask(
        "history page 3",
        "GET",
        "/metrics/get-history",
        run_id=run,
        metric_key="m",
        max_results=4,
        page_token=second["next_page_token"],
    )
    ask("history of zero", "GET", "/metrics/get-history", run_id=run, metric_key="m", max_results=0)
    ask("history of text", "GET", "/metrics/get-history", run_id=run, metric_key="m", max_results="x")
    ask("history by body", "GET", "/metrics/get-history", {"run_id": run, "metric_key": "m", "max_results": 1})
    bulk = _run(ask, experiment, "bulk")
    ask(
        "fill bulk",
        "POST",
        "/runs/log-batch",
        {"run_id": bulk, "metrics": [{"key": "m", "value": i, "timestamp": i, "step": i * 3} for i in range(100)]},
    )
    path = "/metrics/get-history-bulk-interval"
    ask("bulk 7", "GET", path, run_ids=[bulk], metric_key="m", max_results=7)
    ask("bulk between", "GET", path, run_ids=[bulk], metric_key="m", max_results=5, start_step=30, end_step=90)
    ask("bulk half a range", "GET", path, run_ids=[bulk], metric_key="m", start_step=30)
    ask("bulk turned range", "GET", path, run_ids=[bulk], metric_key="m", start_step=30, end_step=3)
    ask("bulk of none", "GET", path, metric_key="m")
    ask("bulk without key", "GET", path, run_ids=[bulk])
    ask("bulk zero", "GET", path, run_ids=[bulk], metric_key="m", max_results=0)
    ask("bulk other metric", "GET", path, run_ids=[bulk], metric_key="none")


def _datasets_found(ask: Asking, experiment: str) -> None:
    for name, filter in {
        "name": "datasets.name = 'b'",
        "digest": "dataset.digest = '1234'",
        "context": "dataset.context = 'eval'",
        "context in": "dataset.context IN ('eval', 'train')",
        "name like": "dataset.name LIKE 'x%'",
    }.items():
        said = ask(f"dataset {name}", "POST", "/runs/search", {"experiment_ids": [experiment], "filter": filter})
        kept = ask.answers[f"dataset {name}"]
        kept["says"] = ([each["info"]["run_name"] for each in said.get("runs", [])], 200)
    said = ask(
        "search datasets", "POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [experiment]}
    )
    said.get("dataset_summaries", []).sort(key=lambda found: found["name"])
    ask("search datasets of none", "POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": []})


def datasets(ask: Asking) -> None:
    experiment = _experiment(ask, "datasets")
    run = _run(ask, experiment, "read")

    def dataset(name: str, digest: str, context: str | None = "train", **fields: Any) -> dict[str, Any]:
        tags = [] if context is None else [{"key": "mlflow.data.context", "value": context}]
        said = {"name": name, "digest": digest, "source_type": "local", "source": '{"uri": "x.csv"}', **fields}
        return {"tags": tags, "dataset": said}

    def log(name: str, *some: Any) -> None:
        ask(f"inputs {name}", "POST", "/runs/log-inputs", {"run_id": run, "datasets": list(some)})

    log("one", dataset("a", "1234", schema='{"mlflow_colspec": []}', profile='{"num_rows": 3}'))
    log("same", dataset("a", "1234", "eval"))
    log("two", dataset("b", "5678", "eval"), dataset("c", "9", None))
    log("of a long name", dataset("n" * 501, "1"))
    log("of a long digest", dataset("a", "1" * 37))
    ask("read", "GET", "/runs/get", run_id=run)
    _datasets_found(ask, experiment)
    run = _run(ask, experiment, "read oddly")
    log("without a name", {"dataset": {"digest": "1", "source_type": "local", "source": "x"}})


def artifacts(ask: Asking) -> None:
    experiment = _experiment(ask, "artifacts")
    run = _run(ask, experiment, "files")
    proxy = "/api/2.0/mlflow-artifacts/artifacts"
    root = f"{experiment}/{run}/artifacts"
    for path in ("a.txt", "folder/b.json", "folder/deep/größe 1.txt"):
        ask(f"put {path}", "PUT", f"{proxy}/{root}/{quote(path)}", f"content of {path}".encode())
    ask("get a.txt", "GET", f"{proxy}/{root}/a.txt")
    ask("get deep", "GET", f"{proxy}/{root}/{quote('folder/deep/größe 1.txt')}")
    ask("get none", "GET", f"{proxy}/{root}/none.txt")
    ask("list root", "GET", proxy, path=root)
    ask("list folder", "GET", proxy, path=f"{root}/folder")
    ask("list file", "GET", proxy, path=f"{root}/a.txt")
    ask("list none", "GET", proxy, path=f"{root}/none")
    ask("list of run", "GET", "/artifacts/list", run_id=run)
    ask("list of run's folder", "GET", "/artifacts/list", run_id=run, path="folder")
    ask("list of no run", "GET", "/artifacts/list", run_id="0" * 32)
    ask("list outside", "GET", "/artifacts/list", run_id=run, path="../..")
    ask("put outside", "PUT", f"{proxy}/{root}/..%2F..%2Fx", b"x")
    ask("get outside", "GET", proxy, path="../..")
    ask("get artifact", "GET", "/get-artifact", run_uuid=run, path="a.txt")
    ask("get artifact outside", "GET", "/get-artifact", run_uuid=run, path="../../a.txt")
    ask("delete folder", "DELETE", f"{proxy}/{root}/folder")
    ask("list after", "GET", proxy, path=root)
    ask("multipart", "POST", f"/api/2.0/mlflow-artifacts/mpu/create/{root}", {"path": "big", "num_parts": 2})


def logged_models(ask: Asking) -> None:
    experiment = _experiment(ask, "logged models")
    run = _run(ask, experiment, "modelling")
    given = {"experiment_id": experiment, "name": "lm", "model_type": "t", "source_run_id": run}
    made = ask(
        "log m",
        "POST",
        "/logged-models",
        {**given, "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "v"}]},
    )
    model = ask.label(made["model"]["info"]["model_id"], "model lm")
    other = ask("log other m", "POST", "/logged-models", {**given, "name": "other"})
    other_model = ask.label(other["model"]["info"]["model_id"], "model other")
    ask("log m nowhere", "POST", "/logged-models", {"experiment_id": "123456", "name": "lm"})
    ask("log m no experiment", "POST", "/logged-models", {"name": "lm"})
    ask("log m bad name", "POST", "/logged-models", {"experiment_id": experiment, "name": "a/b"})
    ask("get m", "GET", f"/logged-models/{model}")
    ask("get no m", "GET", f"/logged-models/m-{'0' * 32}")
    ask("m ready", "PATCH", f"/logged-models/{model}", {"model_id": model, "status": "LOGGED_MODEL_READY"})
    ask("m failed by number", "PATCH", f"/logged-models/{other_model}", {"model_id": other_model, "status": 3})
    ask("m no status", "PATCH", f"/logged-models/{model}", {})
    ask("tag m", "PATCH", f"/logged-models/{model}/tags", {"tags": [{"key": "a", "value": "b"}]})
    ask("untag m", "DELETE", f"/logged-models/{model}/tags/t")
    ask("untag m again", "DELETE", f"/logged-models/{model}/tags/t")
    ask(
        "params of m",
        "POST",
        f"/logged-models/{model}/params",
        {"model_id": model, "params": [{"key": "q", "value": "2"}]},
    )
    ask("changed m", "GET", f"/logged-models/{model}")
    proxy = "/api/2.0/mlflow-artifacts/artifacts"
    ask("put into m", "PUT", f"{proxy}/{experiment}/models/{model}/artifacts/MLmodel", b"x: 1")
    ask("get from m", "GET", f"{proxy}/{experiment}/models/{model}/artifacts/MLmodel")
    ask("list of m", "GET", proxy, path=f"{experiment}/models/{model}/artifacts")
    ask("folder of m", "GET", f"/logged-models/{model}/artifacts/directories")
    ask("outputs", "POST", "/runs/outputs", {"run_id": run, "models": [{"model_id": model, "step": 3}]})
    ask("inputs", "POST", "/runs/log-inputs", {"run_id": run, "models": [{"model_id": other_model}]})
    ask("run with models", "GET", "/runs/get", run_id=run)
    metric = {"key": "acc", "value": 0.5, "timestamp": 7, "step": 1, "model_id": model}
    ask("metric of m", "POST", "/runs/log-metric", {"run_id": run, **metric})
    ask(
        "batch of m",
        "POST",
        "/runs/log-batch",
        {"run_id": run, "metrics": [{**metric, "key": "f1", "dataset_name": "d", "dataset_digest": "1"}]},
    )
    ask("measured m", "GET", f"/logged-models/{model}")

    def search(name: str, **fields: Any) -> None:
        said = ask(f"models {name}", "POST", "/logged-models/search", {"experiment_ids": [experiment], **fields})
        if "models" in said:
            kept = ask.answers[f"models {name}"]
            kept["says"] = ({**said, "models": [each["info"]["name"] for each in said["models"]]}, kept["status"])

    by_name = [{"field_name": "name", "ascending": True}]
    search("all", order_by=by_name)
    search("down", order_by=[{"field_name": "name", "ascending": False}])
    search("newest first", order_by=[{"field_name": "creation_timestamp", "ascending": False}])
    search("named", filter="name = 'lm'")
    search("like", filter="name LIKE 'l%'")
    search("of run", filter=f"source_run_id = '{run}'", order_by=by_name)
    search("by metric", filter="metrics.acc > 0.1")
    search("by less metric", filter="metrics.acc > 0.9")
    search("by param", filter="params.p = '1'")
    search("by tag", filter="tags.a = 'b'")
    search("by status", filter="status = 'READY'")
    search("nonsense", filter="nonsense")
    search("one", max_results=1, order_by=by_name)
    search("zero", max_results=0)
    search("none", filter="name = 'none'")
    ask("delete m", "DELETE", f"/logged-models/{other_model}")
    ask("deleted m", "GET", f"/logged-models/{other_model}")
    ask("delete m again", "DELETE", f"/logged-models/{other_model}")


def registry(ask: Asking) -> None:
    models = "/registered-models"
    ask("register", "POST", f"{models}/create", {"name": "A", "description": "d", "tags": [{"key": "k", "value": "v"}]})
    ask("register again", "POST", f"{models}/create", {"name": "A"})
    ask("register nothing", "POST", f"{models}/create", {})
    ask("register empty", "POST", f"{models}/create", {"name": ""})
    ask("register a/b", "POST", f"{models}/create", {"name": "a/b"})
    ask("register a:b", "POST", f"{models}/create", {"name": "a:b"})
    ask("registered", "GET", f"{models}/get", name="A")
    ask("registered none", "GET", f"{models}/get", name="none")
    ask("registered nothing", "GET", f"{models}/get")
    ask("describe", "PATCH", f"{models}/update", {"name": "A", "description": "e"})
    ask("describe none", "PATCH", f"{models}/update", {"name": "none", "description": "e"})
    ask("tag model", "POST", f"{models}/set-tag", {"name": "A", "key": "t", "value": "1"})
    ask("tag no model", "POST", f"{models}/set-tag", {"name": "none", "key": "t", "value": "1"})
    ask("untag model", "DELETE", f"{models}/delete-tag", {"name": "A", "key": "t"})
    ask("untag model again", "DELETE", f"{models}/delete-tag", {"name": "A", "key": "t"})
    for name in ("B1", "B2", "b3"):
        tags = [{"key": "team", "value": name[0]}]
        ask(f"register {name}", "POST", f"{models}/create", {"name": name, "tags": tags})
    ask("rename model", "POST", f"{models}/rename", {"name": "A", "new_name": "C"})
    ask("rename to taken", "POST", f"{models}/rename", {"name": "C", "new_name": "B1"})
    ask("rename none", "POST", f"{models}/rename", {"name": "none", "new_name": "D"})
    ask("rename to nothing", "POST", f"{models}/rename", {"name": "C"})
    ask("named models", "GET", f"{models}/search")
    ask("named models like", "GET", f"{models}/search", filter="name LIKE 'B%'")
    ask("named models ilike", "GET", f"{models}/search", filter="name ILIKE 'b%'", order_by=["name DESC"])
    ask("named models in", "GET", f"{models}/search", filter="name IN ('B1', 'C')")
    ask("named models by tag", "GET", f"{models}/search", filter="tags.team = 'B'")
    ask("named models nonsense", "GET", f"{models}/search", filter="nonsense")
    ask("named models by nonsense", "GET", f"{models}/search", order_by=["color"])
    ask("named models none", "GET", f"{models}/search", filter="name = 'none'")
    page = ask("named models page", "GET", f"{models}/search", max_results=2)
    ask("named models page 2", "GET", f"{models}/search", max_results=2, page_token=page.get("next_page_token"))
    ask("named models too many", "GET", f"{models}/search", max_results=1001)
    ask("named models zero", "GET", f"{models}/search", max_results=0)
    ask("delete model", "DELETE", f"{models}/delete", {"name": "b3"})
    ask("delete model again", "DELETE", f"{models}/delete", {"name": "b3"})


def versions(ask: Asking) -> None:
    experiment = _experiment(ask, "versions")
    run = _run(ask, experiment, "registering")
    source = f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"
    path = "/model-versions"
    given = {"name": "V", "source": source, "run_id": run}
    ask("version of none", "POST", f"{path}/create", given)
    ask("register W", "POST", "/registered-models/create", {"name": "W"})
    ask("register V", "POST", "/registered-models/create", {"name": "V"})
    ask("version 1", "POST", f"{path}/create", {**given, "description": "d", "tags": [{"key": "a", "value": "b"}]})
    ask("version 2", "POST", f"{path}/create", given)
    ask("version 3", "POST", f"{path}/create", {**given, "description": "third"})
    ask("version without source", "POST", f"{path}/create", {"name": "V"})
    for bad in ("/etc", "file:///etc", "file:/etc", f"{source}/../../..", f"{source}#x/../..", "C:/x", "//etc"):
        ask(
            f"version from {bad.replace(source, 'source')}",
            "POST",
            f"{path}/create",
            {**given, "name": "W", "source": bad},
        )
    ask("version again", "GET", f"{path}/get", name="V", version="1")
    ask("version as a number", "GET", f"{path}/get", {"name": "V", "version": "2"})
    ask("version none", "GET", f"{path}/get", name="V", version="9")
    ask("version of nobody", "GET", f"{path}/get", name="none", version="1")
    ask("version bad", "GET", f"{path}/get", name="V", version="x")
    ask("download", "GET", f"{path}/get-download-uri", name="V", version="1")
    ask("describe version", "PATCH", f"{path}/update", {"name": "V", "version": "1", "description": "e"})
    ask("tag version", "POST", f"{path}/set-tag", {"name": "V", "version": "1", "key": "t", "value": "1"})
    ask("untag version", "DELETE", f"{path}/delete-tag", {"name": "V", "version": "1", "key": "a"})
    stage = {"name": "V", "archive_existing_versions": False}
    ask("stage", "POST", f"{path}/transition-stage", {**stage, "version": "1", "stage": "Staging"})
    ask("stage small", "POST", f"{path}/transition-stage", {**stage, "version": "2", "stage": "production"})
    ask("stage other", "POST", f"{path}/transition-stage", {**stage, "version": "2", "stage": "Testing"})
    archive = {"archive_existing_versions": True}
    ask("stage over", "POST", f"{path}/transition-stage", {**stage, **archive, "version": "3", "stage": "Production"})
    ask("archived", "GET", f"{path}/get", name="V", version="2")
    ask("latest", "GET", "/registered-models/get-latest-versions", name="V")
    ask("latest of stages", "POST", "/registered-models/get-latest-versions", {"name": "V", "stages": ["Staging"]})
    ask("latest of none", "GET", "/registered-models/get-latest-versions", name="none")
    alias = "/registered-models/alias"
    ask("alias", "POST", alias, {"name": "V", "alias": "champion", "version": "1"})
    ask("alias moved", "POST", alias, {"name": "V", "alias": "champion", "version": "3"})
    ask("at alias", "GET", alias, name="V", alias="champion")
    ask("at no alias", "GET", alias, name="V", alias="none")
    for bad in ("latest", "v3", "a b", "x" * 256, ""):
        ask(f"alias {bad[:8]}", "POST", alias, {"name": "V", "alias": bad, "version": "1"})
    ask("alias of none", "POST", alias, {"name": "V", "alias": "a", "version": "9"})
    ask("model with aliases", "GET", "/registered-models/get", name="V")
    ask("no alias", "DELETE", alias, {"name": "V", "alias": "champion"})
    ask("no alias again", "DELETE", alias, {"name": "V", "alias": "champion"})
    ask("alias again", "POST", alias, {"name": "V", "alias": "last", "version": "3"})
    ask("versions", "GET", f"{path}/search", filter="name = 'V'")
    ask("versions by number", "GET", f"{path}/search", filter="name = 'V'", order_by=["version_number ASC"])
    ask("versions of run", "GET", f"{path}/search", filter=f"run_id = '{run}'", order_by=["version_number DESC"])
    ask("versions by tag", "GET", f"{path}/search", filter="tags.t = '1'")
    ask("versions nonsense", "GET", f"{path}/search", filter="nonsense")
    ask("versions page", "GET", f"{path}/search", filter="name = 'V'", max_results=2, order_by=["version_number ASC"])
    ask("copy", "POST", f"{path}/create", {"name": "V", "source": "models:/V/1"})
    ask("download copy", "GET", f"{path}/get-download-uri", name="V", version="4")
    ask("delete version", "DELETE", f"{path}/delete", {"name": "V", "version": "3"})
    ask("delete version again", "DELETE", f"{path}/delete", {"name": "V", "version": "3"})
    ask("model without aliases", "GET", "/registered-models/get", name="V")
    ask("delete the last", "DELETE", f"{path}/delete", {"name": "V", "version": "4"})
    ask("next number", "POST", f"{path}/create", given)


def spellings(ask: Asking) -> None:
    """As R and Java write requests, and as nobody should."""
    ask("R experiment", "POST", "/api/2.0/mlflow/experiments/create", {"name": "R", "tags": []})
    experiment = ask("R by name", "GET", "/api/2.0/mlflow/experiments/get-by-name", experiment_name="R")["experiment"][
        "experiment_id"
    ]
    ask.label(experiment, "experiment R")
    made = ask(
        "R run",
        "POST",
        "/api/2.0/mlflow/runs/create",
        {
            "experiment_id": experiment,
            "user_id": "r",
            "start_time": "1590000000000",
            "run_name": "R",
            "tags": [{"key": "a", "value": "1"}],
        },
    )
    run = ask.label(made["run"]["info"]["run_uuid"], "run R")
    ids = {"run_uuid": run, "run_id": run}
    ask(
        "R metric",
        "POST",
        "/api/2.0/mlflow/runs/log-metric",
        {**ids, "key": "m", "value": "0.5", "timestamp": "1590000000000", "step": "0"},
    )
    ask(
        "R nan",
        "POST",
        "/api/2.0/mlflow/runs/log-metric",
        {**ids, "key": "n", "value": "NaN", "timestamp": "1590000000000", "step": "1"},
    )
    ask(
        "R batch",
        "POST",
        "/api/2.0/mlflow/runs/log-batch",
        {
            **ids,
            "metrics": [{"key": "b", "value": "3", "timestamp": "1590000000001", "step": "2"}],
            "params": [{"key": "p", "value": "1"}],
            "tags": [],
        },
    )
    ask(
        "R search",
        "POST",
        "/api/2.0/mlflow/runs/search",
        {
            "experiment_ids": [experiment],
            "run_view_type": "ACTIVE_ONLY",
            "max_results": "100",
            "order_by": [],
            "filter": None,
        },
    )
    ask(
        "R end",
        "POST",
        "/api/2.0/mlflow/runs/update",
        {**ids, "status": "FINISHED", "end_time": "1590000000009"},
    )
    ask("Java end", "POST", "/runs/update", {"run_id": run, "status": "KILLED", "end_time": "1590000000010"})
    ask("not known", "POST", "/runs/set-tag", {**ids, "key": "a", "value": "b", "color": "red"})
    ask("only uuid", "POST", "/runs/set-tag", {"run_uuid": run, "key": "a", "value": "b"})
    ask("no content type", "POST", "/runs/set-tag", b'{"run_id": "x"}')
    ask("form", "POST", "/runs/set-tag", b"run_id=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    ask(
        "charset",
        "POST",
        "/runs/set-tag",
        json.dumps({**ids, "key": "c", "value": "d"}).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    ask("no JSON", "POST", "/runs/set-tag", b"{", headers={"Content-Type": "application/json"})
    ask("a list", "POST", "/runs/set-tag", b"[]", headers={"Content-Type": "application/json"})
    ask("nothing there", "GET", "/nothing/there")
    ask("server info", "GET", "/api/3.0/mlflow/server-info")
    ask("by ajax", "GET", "/ajax-api/2.0/mlflow/runs/get", run_id=run)


PARTS: tuple[Callable[[Asking], None], ...] = (
    *(experiments, runs, values, logging, limits, searching, histories, datasets, artifacts),
    *(logged_models, registry, versions, spellings),
)
