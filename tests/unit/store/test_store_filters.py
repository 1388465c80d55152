"""The search language: what it takes, what it means, what it refuses."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select
from sqlalchemy.dialects import sqlite

from autotrack.core.errors import FilterError
from autotrack.store import schema
from autotrack.store.filters import parse_filter, parse_order
from autotrack.store.filters.sql import condition
from autotrack.store.store import Store
from tests.attacks.runner import payloads

ATTACKS = {
    "refused": [payload.input for payload in payloads("filters") if payload.refused],
    "literal": [payload.input for payload in payloads("filters") if payload.expect == "literal"],
    "orders_refused": [payload.input for payload in payloads("orders") if payload.refused],
}
A, B, C, D, E = (letter * 32 for letter in "abcde")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def searched(request, tmp_path_factory):
    from store_program import Program

    folder = tmp_path_factory.mktemp("search") / "s"
    if request.param == "postgresql":
        server, worker = request.getfixturevalue("postgres_server"), request.getfixturevalue("worker_id")
        store = Store.open(server.made(f"{worker}-searched"), root=folder)
    else:
        store = Store.open(folder)
    program = Program(store)
    start = time.time_ns()
    program.made(
        id=A,
        name="alpha",
        experiment="one",
        params={"lr": "0.1", "opt": "Adam", "50%": "x"},
        metrics={"loss": 0.1, "val/loss": 1.0},
        tags={"team": "red"},
    )
    program.made(
        id=B,
        name="Beta",
        experiment="one",
        params={"lr": "1e-2", "opt": "sgd"},
        metrics={"loss": 0.2, "acc.top 1": 5.0},
        tags={"team": "blue", "x.y": "1"},
    )
    program.made(
        id=C, name="gamma", experiment="two", params={"lr": "auto", "opt": "adamw"}, metrics={"loss": math.nan}
    )
    program.made(id=D, name="delta_x", experiment="two", params={"lr": "10"}, metrics={"loss": math.inf}, user="me")
    run = program.start("Übung*[x]", "two", id=E)
    program.event("params", run, params={"opt": "ADAM"})
    program.event("dataset", run, name="iris", context="train", digest="99", rows=5, columns={}, source=None)
    program.store_started = start
    yield store
    program.close()
    store.close()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "abcde"),
        ("metrics.loss < 0.15", "a"),
        ("metric.loss<=0.2 and params.lr = '0.1'", "a"),
        ("metrics.loss > 0", "abd"),
        ("metrics.loss != 0.1", "bcd"),
        ("metrics.loss = NaN", "c"),
        ("metrics.loss != nan", "abd"),
        ("metrics.loss > NaN", ""),
        ("metrics.loss = inf", "d"),
        ("metrics.loss < -inf", ""),
        ("metrics.loss < +Infinity", "ab"),
        ("metrics.`val/loss` = 1 AND metrics.val/loss = 1.0", "a"),
        ('metrics."acc.top 1" >= 5', "b"),
        ("metrics.loss IN (0.1, 0.2, 7)", "ab"),
        ("metrics.loss NOT IN (0.1)", "bcd"),
        ("metrics.loss IS NULL", "e"),
        ("metrics.loss is not null", "abcd"),
        ("metrics.missing != 5", ""),
        ("params.lr > 0.05", "ad"),
        ("params.lr = 0.01", "b"),
        ("params.lr = '1e-2'", "b"),
        ("params.lr != '0.1'", "bcd"),
        ("params.lr IN ('0.1', 'auto')", "ac"),
        ("params.lr IS NULL", "e"),
        ("params.`50%` = 'x'", "a"),
        ("params.opt LIKE 'Adam'", "a"),
        ("params.opt LIKE 'A%'", "ae"),
        ("params.opt ILIKE 'adam%'", "ace"),
        ("params.opt ILIKE '_dam'", "ae"),
        ("params.opt NOT LIKE 'A%'", "bcd"),
        ("name ILIKE 'übung%'", "e"),
        ("name LIKE '%*[x]'", "e"),
        ("name LIKE 'delta_x'", "d"),
        ('tags.team = "red"', "a"),
        ("tag.team != 'red'", "b"),
        ("tags.x.y = '1'", "b"),
        ("tags.team IS NOT NULL", "ab"),
        ("status = 'FINISHED'", "abcd"),
        ("attributes.status != 'FINISHED'", "e"),
        ("attr.run_name = 'alpha'", "a"),
        (f"run_id IN ('{A}', '{C}')", "ac"),
        (f"run_id NOT IN ('{A}', '{C}')", "bde"),
        ("user = 'me'", "d"),
        ("experiment = 'two' AND end_time > 0", "cd"),
        ("ended IS NULL", "e"),
        ("start_time > 1500000000000", "abcde"),
        ("started > '2020-01-01' and created < '2120-01-01T00:00:00+02:00'", "abcde"),
        ("duration < 3600", "abcd"),
        ("dataset.name = 'iris' and datasets.context IN ('train')", "e"),
        ("dataset.name != 'iris'", ""),
        ("loss < 0.15", "a"),
        ("lr > 5", "d"),
        ("opt = 'sgd' or team = 'red'", "ab"),
        ("opt == 'sgd' OR team == 'red'", "ab"),
        ("NOT (opt = 'sgd' OR team = 'red')", "cde"),
        ("not metrics.loss > 0", "ce"),
        ("metrics.loss > 0 and not name = 'alpha' or name = 'gamma'", "bcd"),
        ("(metrics.loss < 0.15) AND ((lr = 0.1))", "a"),
        ("status <> 'FINISHED'", "e"),
        ("loss IS NULL", "e"),
    ],
)
def test_what_matches(searched, text, names):
    found = searched.runs(text)
    assert sorted(run.id[0] for run in found) == sorted(names)


@pytest.mark.parametrize(
    ("orders", "names"),
    [
        ((), "edcba"),
        (("start_time",), "abcde"),
        (("metrics.loss",), "abdce"),
        (("metrics.loss DESC",), "dbace"),
        (("loss desc",), "dbace"),
        (("params.lr",), "badce"),
        (("params.lr DESC",), "dabce"),
        (("tags.team",), "baedc"),
        (("status", "metrics.loss DESC"), "dbace"),
        (("experiment DESC, name",), "dceba"),
        (("ended DESC",), "dcbae"),
        (("missing",), "edcba"),
    ],
)
def test_order(searched, orders, names):
    assert "".join(run.id[0] for run in searched.runs(order_by=orders)) == names


@pytest.mark.parametrize(
    "orders", [(), ("metrics.loss",), ("metrics.loss DESC",), ("metrics.`val/loss`",), ("params.lr",)]
)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_are_the_whole(searched, orders, size):
    whole = [run.id for run in searched.runs(order_by=orders)]
    pages = [searched.runs(order_by=orders, max_results=size, offset=offset) for offset in range(0, 8, size)]
    assert [run.id for page in pages for run in page] == whole
    assert searched.runs(order_by=orders, max_results=0) == []


@pytest.mark.parametrize(
    "text",
    [
        "metrics.loss < 0.1 and params.lr = '0.1'",
        "attributes.start_time > 5 AND status = 'FINISHED'",
        "run_id IN ('a')",
        "tags.a IS NOT NULL",
        "params.\"a b\" ILIKE 'x%'",
        "dataset.digest NOT IN ('x', 'y')",
        "`run name` = 'x'",
        'tags.`mlflow.user` != "x"',
    ],
)
def test_mlflow_takes_its_own_language(text):
    assert parse_filter(text, mlflow=True) is not None


@pytest.mark.parametrize(
    "text",
    [
        "metrics.a > 1 OR metrics.b > 1",
        "NOT metrics.a > 1",
        "(metrics.a > 1)",
        "metrics.a == 1",
        "loss > 1",
        "params.a > 1",
        "params.a = 1",
        "tags.a IN ('x')",
        "status IN ('x')",
        "metrics.a IS NULL",
        "status IS NULL",
        "metrics.a > NaN",
        "started > 5",
        "start_time > '2020-01-01'",
        "experiment = 'x'",
        "params.a NOT LIKE 'x'",
        "metrics.a <> 1",
        "metrics.a IN (1)",
    ],
)
def test_mlflow_mode_refuses_our_extensions(text):
    assert parse_filter(text) is not None
    with pytest.raises(FilterError):
        parse_filter(text, mlflow=True)


def snapshot(store):
    with store.reading() as connection:
        return [
            sorted(inspect(connection).get_table_names()),
            *(connection.execute(select(table)).all() for table in schema.metadata.sorted_tables),
        ]


@pytest.mark.parametrize("text", ATTACKS["refused"])
def test_what_leaves_the_grammar_is_refused(searched, text):
    with pytest.raises(FilterError) as error:
        searched.runs(text)
    assert 0 <= error.value.position <= len(text)


@pytest.mark.parametrize("text", ATTACKS["orders_refused"])
def test_orders_that_leave_the_grammar_are_refused(searched, text):
    with pytest.raises(FilterError):
        searched.runs(order_by=[text])


def test_what_stays_in_the_grammar_is_only_text(searched):
    before = snapshot(searched)
    for text in ATTACKS["literal"]:
        assert searched.runs(text) == [], text
    assert snapshot(searched) == before


@pytest.mark.parametrize("text", ATTACKS["literal"])
def test_every_value_is_bound(text):
    sql = str(select(schema.runs.c.n).where(condition(parse_filter(text))).compile(dialect=sqlite.dialect()))
    for piece in ("DROP", "DELETE", "jndi", "passwd", "--", "windows", "__class__"):
        assert piece not in sql


def test_errors_point_at_the_character():
    with pytest.raises(FilterError) as error:
        parse_filter("metrics.loss < 0.1 and params.lr > 'x'")
    assert error.value.position == 35
    assert str(error.value).splitlines()[-1].index("^") == 2 + 35


@pytest.mark.parametrize(
    "text",
    [
        "params.a = '" + "x" * 8200 + "'",
        " and ".join(["metrics.a > 1"] * 51),
        "(" * 3000 + "metrics.a > 1" + ")" * 3000,
        "not " * 1500 + "a > 1",
        "é" * 5000,
    ],
)
def test_limits(text):
    started = time.monotonic()
    with pytest.raises(FilterError):
        parse_filter(text)
    assert time.monotonic() - started < 1


WORDS = [
    "metrics.a",
    "params.`b c`",
    'tags."x"',
    "loss",
    "status",
    "start_time",
    "and",
    "or",
    "not",
    "(",
    ")",
    "in",
    "like",
    "is",
    "null",
    "=",
    "!=",
    "<",
    ">=",
    "==",
    "'x'",
    "'%_'",
    "1",
    "-2.5e3",
    "nan",
    ",",
    ".",
    "dataset.name",
    ";",
    "'",
    "`",
    "\0",
    "\u202e",
    "e\u0301",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=60), st.booleans())
def test_any_text_parses_or_is_a_filter_error(text, mlflow):
    for parse in (lambda: parse_filter(text, mlflow=mlflow), lambda: parse_order([text], mlflow=mlflow)):
        try:
            parse()
        except FilterError as error:
            assert 0 <= error.position <= len(error.text)


CLAUSES = st.sampled_from(
    [
        "metrics.loss < 0.15",
        "metrics.loss != 0.1",
        "params.lr > 0.05",
        "tags.team = 'red'",
        "loss IS NULL",
        "name LIKE '%a'",
        "opt IN ('sgd', 'Adam')",
        "duration < 9",
        "dataset.name = 'iris'",
        "ended > 0",
        "lr > 0.05",
        "metrics.loss IN (nan, 0.1)",
    ]
)
TREES = st.recursive(
    CLAUSES.map(lambda clause: ("is", clause)),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=5,
)


def written(tree):
    if tree[0] == "is":
        return tree[1]
    if tree[0] == "not":
        return f"NOT ({written(tree[1])})"
    return f"({written(tree[1])}) {tree[0]} ({written(tree[2])})"


def matched(tree, search, everything):
    if tree[0] == "is":
        return search(tree[1])
    if tree[0] == "not":
        return everything - matched(tree[1], search, everything)
    left, right = (matched(part, search, everything) for part in tree[1:])
    return left & right if tree[0] == "and" else left | right


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_and_or_not_are_set_operations(searched, tree):
    def search(text):
        return {run.id for run in searched.runs(text)}

    assert search(written(tree)) == matched(tree, search, search(""))


def test_a_pattern_cannot_hang_a_search(searched, tmp_path):
    from store_program import Program

    store = Store.open(tmp_path / "s")
    program = Program(store)
    program.made(params={"p": "a" * 200_000})
    started = time.monotonic()
    for op in ("LIKE", "ILIKE"):
        assert store.runs(f"params.p {op} '{'%a' * 2000}%b'") == []
        assert store.runs(f"params.p {op} '{'%a' * 2000}'") != []
    assert time.monotonic() - started < 4
    program.close()
    store.close()


def test_a_search_has_a_time_budget(searched, monkeypatch):
    from autotrack.store import database as store_module
    from autotrack.store.engines.dialect import TooExpensive, time_limit

    started = time.monotonic()
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with searched._reading() as connection, pytest.raises(TooExpensive), time_limit(connection, 0.1):
        connection.exec_driver_sql(endless)
    assert time.monotonic() - started < 2
    monkeypatch.setattr(store_module.queries, "matching", lambda connection, *rest: connection.exec_driver_sql(endless))
    monkeypatch.setattr(store_module, "SEARCH_SECONDS", 0.1)
    with pytest.raises(FilterError, match="ask for less"):
        searched.runs("metrics.loss > 1")
    monkeypatch.undo()
    assert len(searched.runs()) == 5
