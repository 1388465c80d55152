"""Ten thousand requests that no client should send: each is answered, none by 5xx, and the server does not grow."""

from __future__ import annotations

import http.client
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from tests.plugins.serving.conftest import Kept
from tests.plugins.serving.served import Served

COUNT = 10_000
NUMBERS = [0, 1, -1, 2**31, 2**63, 2**64, 10**400, 1e308, -1e308, 1e-320, 1.5, float("nan"), float("inf")]
TEXTS = ["", "2", "x", "\x00", "\ud800", "é" * 50, "1e5", "nan", "2020-01-01T00:00:00", "aGVsbG8="]
SHAPES = ["dataframe_split", "dataframe_records", "instances", "inputs", "messages", "prompt"]
KINDS = ["text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream", "x/y", ""]


class Fuzzer:
    """Requests by chance, the same in every run."""

    def __init__(self, width: int) -> None:
        self.random = random.Random(5)
        self.rows = [[float(at) for at in range(width)]]

    def value(self, depth: int = 0) -> Any:
        chance = self.random.random()
        if chance < 0.15:
            return self.random.choice([None, True, False])
        if chance < 0.4:
            return self.random.choice(NUMBERS)
        if chance < 0.6 or depth > 3:
            return self.random.choice(TEXTS)
        if chance < 0.8:
            return [self.value(depth + 1) for _ in range(self.random.randrange(5))]
        names = ["a", "", "inputs", "params", "data"]
        return {self.random.choice(names): self.value(depth + 1) for _ in range(self.random.randrange(4))}

    def document(self) -> Any:
        chance, shape = self.random.random(), self.random.choice(SHAPES)
        if chance < 0.25:
            return {shape: self.value()}
        if chance < 0.45:
            width = len(self.rows[0]) + self.random.choice([0, 0, 0, -1, 1])
            return {shape: [[self.value(4) if self.random.random() < 0.2 else 1.0 for _ in range(width)] for _ in "ab"]}
        if chance < 0.6:
            return {"dataframe_split": {"columns": self.value(), "data": self.value()}}
        if chance < 0.75:
            return {shape: self.value(), "inputs": self.rows, "params": self.value()}
        return {"inputs": self.rows, "params": self.value()} if chance < 0.9 else self.value()

    def open_inference(self) -> Any:
        tensor = {
            "name": self.random.choice(["x", 5, None]),
            "shape": self.random.choice([[1, 3], [-1], [2], [], "a", [10**9, 10**9], [0]]),
            "datatype": self.random.choice(["FP64", "BYTES", "INT8", "X", 5]),
            "data": self.value(),
        }
        return {"inputs": [tensor] * self.random.randrange(3), "id": self.value()}

    def request(self) -> tuple[str, str, bytes]:
        chance = self.random.random()
        noise = bytes(self.random.randrange(256) for _ in range(self.random.randrange(60)))
        if chance < 0.7:
            body = json.dumps(self.document()).encode("utf-8", "surrogatepass")
            cut = self.random.randrange(len(body) + 1) if self.random.random() < 0.1 else len(body)
            return "/invocations", "application/json", body[:cut] + (noise if cut < len(body) else b"")
        if chance < 0.85:
            body = json.dumps(self.open_inference()).encode("utf-8", "surrogatepass")
            return "/v2/models/line/infer", "application/json", body
        return "/invocations", self.random.choice(KINDS), noise


def resident(served: Served) -> int:
    """KiB of memory that the server holds."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def test_nothing_that_is_sent_is_the_servers_failure(array_model: Kept) -> None:
    served = Served(array_model.folder).wait()
    fuzzer, answers, failed = Fuzzer(3), Counter[int](), []
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    before = 0
    for number in range(COUNT):
        path, kind, body = fuzzer.request()
        connection.request("POST", path, body, {"content-type": kind})
        answer = connection.getresponse()
        content = answer.read()
        answers[answer.status] += 1
        if answer.status >= 500:
            failed.append((answer.status, path, body[:200], content[:200]))
        if number == COUNT // 5:
            before = resident(served)
    grown = resident(served) / before
    connection.close()
    printed = served.stop()
    assert not failed, failed[:5]
    assert answers[200] > 300 and answers[400] > 5000 and answers[415] > 100, answers
    assert grown < 1.05
    assert "Traceback" not in printed and printed.count("\n") < 20, printed[-2000:]
