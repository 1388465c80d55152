"""``autotrack serve`` over HTTP: what clients of MLflow and of Open Inference send, and what is refused."""

from __future__ import annotations

import io
import json
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import autotrack
from tests.plugins.serving.conftest import Kept
from tests.plugins.serving.served import Served

ROWS = 5


def records(kept: Kept) -> list[dict[str, Any]]:
    return list(kept.data.head(ROWS).to_dict(orient="records"))


def split(kept: Kept) -> dict[str, Any]:
    return dict(json.loads(kept.data.head(ROWS).to_json(orient="split")))


def expected(kept: Kept) -> list[Any]:
    return list(kept.model.predict(kept.data[:ROWS]).tolist())


@pytest.mark.parametrize(
    "body",
    [
        lambda kept: {"dataframe_split": split(kept)},
        lambda kept: {"dataframe_records": records(kept)},
        lambda kept: {"instances": records(kept)},
        lambda kept: {"inputs": kept.data.head(ROWS).to_dict(orient="list")},
        lambda kept: {"inputs": kept.data.head(ROWS).values.tolist(), "params": {"unknown": 1}, "more": 2},
        lambda kept: {"dataframe_records": [{**row, "extra": None} for row in records(kept)]},
        # Text that is a number, and a whole float for an integer.
        lambda kept: {"dataframe_records": [{**row, "age": float(row["age"]), "income": str(row["income"])}
                                            for row in records(kept)]},
    ],
    ids=["split", "records", "instances", "inputs", "rows", "extra", "cast"],
)  # fmt: skip
def test_each_shape_gets_the_models_answer(server: Served, table_model: Kept, body: Any) -> None:
    answer = server.predict(body(table_model))
    assert (answer.status, answer.json()) == (200, {"predictions": expected(table_model)})
    assert answer.headers["content-type"] == "application/json"


def test_files_get_the_models_answer(server: Served, table_model: Kept) -> None:
    import pyarrow
    import pyarrow.ipc

    table = table_model.data.head(ROWS)
    parquet = io.BytesIO()
    table.to_parquet(parquet)
    arrow = pyarrow.Table.from_pandas(table)
    stream = io.BytesIO()
    with pyarrow.ipc.new_stream(stream, arrow.schema) as writer:
        writer.write_table(arrow)
    for kind, body in (
        ("text/csv; charset=utf-8", table.to_csv(index=False).encode()),
        ("application/vnd.apache.parquet", parquet.getvalue()),
        ("application/vnd.apache.arrow.stream", stream.getvalue()),
    ):
        assert server.predict(body, kind).json() == {"predictions": expected(table_model)}, kind
    back = server.predict({"dataframe_split": split(table_model)}, accept="application/vnd.apache.arrow.stream")
    assert pyarrow.ipc.open_stream(back.body).read_all().column("predictions").to_pylist() == expected(table_model)


ROW = {"age": 30, "income": 10.5, "plan": "pro"}


BAD, INVALID = (400, "BAD_REQUEST"), (400, "INVALID_PARAMETER_VALUE")
FAILED, PLAIN = (500, "INTERNAL_ERROR"), (415, None)
JSON = "application/json"


def record(**other: Any) -> dict[str, Any]:
    return {"dataframe_records": [{**ROW, **other}]}


@pytest.mark.parametrize(
    ("body", "kind", "refusal", "said"),
    [
        (b"{", JSON, BAD, "no valid JSON"),
        (b"[" * 100_000, JSON, BAD, "nested too deeply"),
        ([ROW], JSON, BAD, "Received a list"),
        ({"rows": []}, JSON, BAD, "exactly one of"),
        ({"inputs": [], "instances": []}, JSON, BAD, "exactly one of"),
        ({"dataframe_split": {"data": [[1]], "columns": ["a", "b"]}}, JSON, BAD, "1 values for 2"),
        ({"dataframe_records": [{"age": 1}]}, JSON, INVALID, "Model is missing inputs ['income', 'plan']"),
        (record(age=1.9), JSON, INVALID, "'age' should be long"),
        (record(income="much"), JSON, INVALID, "'income'"),
        (record(income=None), JSON, BAD, "NaN"),
        (record(plan="unheard of"), JSON, FAILED, "unknown categories"),
        (b"age,income,plan\n1,2\n", "text/csv", BAD, "2 values for 3 columns"),
        (b"no parquet", "application/vnd.apache.parquet", BAD, "parquet"),
        (b"{}", "text/plain", PLAIN, "content types"),
        (b"{}", f"{JSON}; charset=latin-1", PLAIN, "UTF-8"),
        (b"{}", f"{JSON}; format=pandas-split", PLAIN, "format"),
        (b" " * (9 << 20), JSON, (413, "REQUEST_LIMIT_EXCEEDED"), "8,388,608 bytes"),
    ],
)
def test_what_is_refused_says_why(
    server: Served, body: Any, kind: str, refusal: tuple[int, str | None], said: str
) -> None:
    status, code = refusal
    answer = server.predict(body, kind)
    assert answer.status == status
    assert said in answer.body.decode()
    assert "Traceback" not in answer.body.decode() and "site-packages" not in answer.body.decode()
    if code is None:
        assert answer.headers["content-type"].startswith("text/plain")
    else:
        assert answer.json()["error_code"] == code
    assert server.predict({"dataframe_records": [ROW]}).status == 200


def test_health_and_unknown_addresses(server: Served) -> None:
    for path in ("/ping", "/health"):
        found = server.ask("GET", path)
        assert (found.status, found.body, found.headers["content-type"]) == (200, b"\n", "application/json")
    assert server.ask("GET", "/version").body.decode().count(".") == 2
    assert server.ask("GET", "/nothing").status == 404
    assert server.ask("GET", "/invocations").status == 405
    assert server.ask("POST", "/ping", {}).status == 405


def test_open_inference_protocol(server: Served, table_model: Kept) -> None:
    """As KServe's and Triton's clients speak it: one input a column, named and typed."""
    assert server.ask("GET", "/v2/health/ready").json() == {"ready": True}
    model = server.ask("GET", "/v2/models/churn").json()
    assert [(each["name"], each["datatype"]) for each in model["inputs"]] == [
        ("age", "INT64"),
        ("income", "FP64"),
        ("plan", "BYTES"),
    ]
    assert server.ask("GET", "/v2/models/other").status == 404
    inputs = [
        {"name": each["name"], "datatype": each["datatype"], "shape": [ROWS, 1],
         "data": table_model.data[each["name"]].head(ROWS).tolist()}
        for each in model["inputs"]
    ]  # fmt: skip
    answer = server.ask("POST", "/v2/models/churn/versions/1/infer", {"id": "7", "inputs": inputs}).json()
    assert answer["id"] == "7"
    assert answer["outputs"] == [
        {"name": "predictions", "shape": [ROWS], "datatype": "INT64", "data": expected(table_model)}
    ]
    for wrong in (
        {**inputs[0], "shape": [99]},
        {**inputs[0], "datatype": "FP128"},
        {**inputs[0], "data": ["x"] * ROWS},
    ):
        assert server.ask("POST", "/v2/models/churn/infer", {"inputs": [wrong, *inputs[1:]]}).status == 400


def test_it_describes_itself(server: Served) -> None:
    """The example of the OpenAPI document is a request that is answered, as it stands."""
    document = server.ask("GET", "/openapi.json").json()
    content = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]
    row = content["schema"]["properties"]["dataframe_records"]["items"]
    assert row["properties"]["plan"] == {"type": "string"} and row["required"] == ["age", "income", "plan"]
    assert server.predict(content["example"]).status == 200
    page = server.ask("GET", "/docs").body.decode()
    assert "income" in page and "double" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_counters(server: Served) -> None:
    def count(line: str) -> float:
        text = server.ask("GET", "/metrics").body.decode()
        return float(next(each.split()[1] for each in text.splitlines() if each.startswith(line + " ")))

    before = count("autotrack_rows_total")
    server.predict({"dataframe_records": [ROW, ROW]})
    assert count("autotrack_rows_total") == before + 2
    assert count('autotrack_prediction_seconds_bucket{le="+Inf"}') == count("autotrack_prediction_seconds_count")


def test_many_at_once_get_each_its_own_answer(array_model: Kept) -> None:
    """Requests that share calls of the model, over two processes behind one port."""
    served = Served(array_model.folder, "--workers", "2").wait()
    try:
        rows = array_model.data.tolist() * 8
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda row: served.predict({"inputs": [row]}).json()["predictions"][0], rows))
        assert answers == pytest.approx(array_model.model.predict(rows).tolist(), rel=1e-12)
        assert served.predict({"inputs": array_model.data.tolist() * 100}).json()["predictions"] == pytest.approx(
            array_model.model.predict(array_model.data.tolist() * 100).tolist(), rel=1e-12
        )
        # An array of a whole batch for the other protocol, by position.
        flat = [value for row in rows[:2] for value in row]
        v2 = {"inputs": [{"name": "input", "shape": [2, 3], "datatype": "FP64", "data": flat}]}
        assert served.ask("POST", "/v2/models/line/infer", v2).json()["outputs"][0]["data"] == pytest.approx(
            answers[:2]
        )
    finally:
        served.process.send_signal(signal.SIGTERM)
        printed = served.stop()
    assert served.process.returncode == 0 and printed.count("\n") == 1, printed


def test_a_model_that_answers_otherwise_here_is_not_served(array_model: Kept, tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression

    folder = tmp_path / "line"
    shutil.copytree(array_model.folder, folder)
    (folder / "manifest.json").unlink()
    other = LinearRegression().fit(array_model.data, array_model.data @ [1.0, 2.0, 3.1])
    autotrack.save_model(other, tmp_path / "other", example=array_model.data[:8])
    shutil.copy(tmp_path / "other" / "golden.json", folder / "golden.json")
    refused = Served(folder, "--trust")
    printed = refused.process.communicate(timeout=60)[0]
    assert refused.process.returncode == 1
    assert "is not served" in printed and "--allow-drift" in printed and "Traceback" not in printed
    allowed = Served(folder, "--trust", "--allow-drift").wait()
    assert allowed.predict({"inputs": [[1.0, 2.0, 3.0]]}).status == 200
    allowed.stop()
