"""Experiments, soft deletion, garbage, lookups and values of every kind."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrack.core.artifact_paths import TEMPORARY
from autotrack.core.errors import AmbiguousError, NotFoundError, StoreError, UsageError
from autotrack.core.sink import Sink
from autotrack.store.engines.dialect import begin_write
from autotrack.store.plugin import open_sink
from autotrack.store.store import Store

ON_BOTH = True

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=0, max_size=1000)
KEY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=1000)


def names(store, lifecycle="active"):
    return sorted(run.name for run in store.runs(lifecycle=lifecycle))


def test_it_is_a_sink(store):
    assert isinstance(store, Sink)
    assert store.eager is (store.database is None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KEY, KEY, TEXT, TEXT, KEY)
def test_any_text_comes_back(store, program, key, other, value, name, experiment):
    run = program.start(name, experiment, tags={key: value, other: name})
    program.event("params", run, params={key: value, other: name})
    program.log(run, key, 1.5)
    found = store.run(run)
    expected = {key: value, other: name}
    assert (found.name, found.experiment, found.params, found.tags) == (name, experiment, expected, expected)
    assert found.metrics == {key: 1.5}
    assert store.metric_history(run, key).values.tolist() == [1.5]


def test_twins_in_other_unicode_forms_stay_apart(store, program):
    run = program.start(tags={"\u00e9": "nfc", "e\u0301": "nfd", "A": "1", "a": "2"})
    assert store.run(run).tags == {"\u00e9": "nfc", "e\u0301": "nfd", "A": "1", "a": "2"}


@pytest.mark.parametrize("size", [0, 1, 250, 6000, 6001, 65_536, 10_000_000])
def test_long_values_are_never_cut(store, program, size):
    text = ("é😀x" * (size // 3 + 1))[:size]
    run = program.start(tags={"note": text})
    program.event("params", run, params={"p": text})
    found = store.run(run)
    assert found.params["p"] == text and found.tags["note"] == text
    if size < 7000:
        assert len(store.runs(f"params.p = '{text}'") if size < 2000 else [run]) == 1


def test_prefixes(store, program):
    first, second = "ab" + "0" * 30, "ab" + "1" * 30
    for run in (first, second):
        program.made(id=run)
    assert store.run("ab1").id == second
    assert store.run(first).id == first
    with pytest.raises(AmbiguousError, match="ab0000"):
        store.run("ab")
    for missing in ("ac", "", "%", "a_", "' OR 1=1", "\0", "\ud800", "x" * 500, "é"):
        with pytest.raises(NotFoundError):
            store.run(missing)


def test_a_metric_that_is_not_there(store, program):
    run = program.start()
    with pytest.raises(NotFoundError, match=r"no metric 'loss'; it has none$"):
        store.metric_history(run, "loss")
    for key in ("accuracy", "b", "c", "d", "e", "val_loss"):
        program.log(run, key, 1.0)
    with pytest.raises(NotFoundError, match=r"it has val_loss, \.\.\.$"):
        store.metric_history(run, "valloss")
    with pytest.raises(NotFoundError, match=r"it has accuracy, b, c, d, e, \.\.\.$"):
        store.metric_history(run, "q")
    for key in ("\ud800", "\0"):
        with pytest.raises(NotFoundError):
            store.metric_history(run, key)


def test_runs_are_deleted_with_their_children_and_restored(store, program):
    parent = program.made(name="parent")
    child = program.made(name="child", parent=parent)
    program.made(name="grandchild", parent=child)
    other = program.made(name="other")
    gone = program.made(name="gone", parent=parent)
    assert store.delete_runs([gone]) == 1
    assert store.delete_runs([parent]) == 3
    assert store.delete_runs([parent]) == 0
    assert names(store) == ["other"]
    assert names(store, "deleted") == ["child", "gone", "grandchild", "parent"]
    assert store.restore_runs([parent]) == 3
    assert names(store) == ["child", "grandchild", "other", "parent"]
    with pytest.raises(NotFoundError):
        store.delete_runs([other, "ffff"])
    assert "other" in names(store)  # all or nothing


def test_an_experiment_goes_and_comes_back_with_its_runs(store, program):
    program.made(name="a", experiment="one")
    early = program.made(name="b", experiment="one")
    program.made(name="c", experiment="two")
    store.delete_runs([early])
    store.delete_experiment("one")
    assert names(store) == ["c"]
    assert [found.name for found in store.experiments()] == ["two"]
    with pytest.raises(NotFoundError):
        store.delete_experiment("one")
    with pytest.raises(UsageError, match="restore"):
        store.create_experiment("one")
    with pytest.raises(UsageError, match="restore the experiment"):
        store.restore_runs([early])
    program.made(name="late", experiment="one")  # a training that is still going on
    assert names(store) == ["c"]
    store.restore_experiment("one")
    assert names(store) == ["a", "c", "late"]
    with pytest.raises(NotFoundError):
        store.restore_experiment("one")


def test_experiments_are_made_named_and_counted(store, program):
    made = store.create_experiment("one", {"team": "red"})
    assert (made.tags, made.run_count, made.lifecycle) == ({"team": "red"}, 0, "active")
    program.made(experiment="one")
    store.rename_experiment("one", "uno")
    assert store.experiments()[0].run_count == 1
    assert store.runs(experiments=["uno"])[0].experiment == "uno"
    assert store.runs(experiments=[made.id])[0].experiment_id == made.id
    assert store.runs(experiments=[]) == []
    program.made(experiment="one")  # the old name is free again, its id is not
    assert len({found.id for found in store.experiments()}) == 2
    for bad in ("", "  ", "x" * 501, "a\0b", "\ud800", "uno"):
        with pytest.raises(UsageError):
            store.create_experiment(bad)
    for missing in ("nowhere", "x" * 2000):
        with pytest.raises(NotFoundError):
            store.rename_experiment(missing, "x")
    with pytest.raises(UsageError):
        store.runs(lifecycle="lost")
    with pytest.raises(UsageError):
        store.runs(max_results=-1)


def tree(store):
    return {path: path.stat().st_size for path in (store.root / "artifacts").rglob("*") if path.is_file()}


@pytest.mark.sqlite
def test_garbage_is_shown_and_then_removed_exactly(store, program, tmp_path):
    artifacts = store.root / "artifacts"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    folders = {}
    for name in ("keep", "drop", "linked", "away"):
        folders[name] = outside if name == "away" else artifacts / "exp" / name
        folders[name].mkdir(parents=True, exist_ok=True)
        (folders[name] / "a.bin").write_bytes(b"x" * 1000)
    (folders["linked"] / "link").symlink_to(outside)
    for name, folder in folders.items():
        run = program.made(name=name, experiment="exp", metrics={"m": 1.0}, params={"a": "1"})
        store.runs()
        with begin_write(store._engine) as connection:  # no record may say this; a database may be anybody's
            connection.exec_driver_sql("UPDATE runs SET artifact_uri = ? WHERE id = ?", (str(folder), run))
        for step in range(20):
            program.log(run, "many", step, step)
        if name != "keep":
            store.delete_runs([run])
    orphan, fresh = artifacts / "exp" / "keep" / f"{TEMPORARY}1", artifacts / "exp" / "keep" / f"{TEMPORARY}2"
    for path in (orphan, fresh):
        path.write_bytes(b"y" * 10)
    os.utime(orphan, (time.time() - 90_000,) * 2)
    (artifacts / "new").mkdir()
    before = tree(store)
    planned = store.garbage()
    assert tree(store) == before
    assert len(planned.runs) == 3
    done = store.collect_garbage(planned)
    assert done == planned
    after = tree(store)
    assert sum(before.values()) - sum(after.values()) == planned.bytes == 2010
    assert set(after) == {folders["keep"] / "a.bin", fresh}
    assert (outside / "precious").exists() and (outside / "a.bin").exists()
    assert not folders["drop"].exists() and (artifacts / "new").exists()
    assert names(store, "all") == ["keep"]
    assert store.check() == []
    assert store.garbage().runs == ()


def test_a_run_restored_after_the_preview_stays(store, program):
    run = program.made(name="back")
    store.delete_runs([run])
    planned = store.garbage()
    store.restore_runs([run])
    assert store.collect_garbage(planned).runs == ()
    assert names(store) == ["back"]


def test_an_emptied_deleted_experiment_goes(store, program):
    program.made(experiment="old")
    store.delete_experiment("old")
    assert len(store.collect_garbage().experiments) == 1
    assert store.experiments("all") == []


def test_ways_to_open(tmp_path, store):
    for where in (tmp_path / "f", str(tmp_path / "f"), tmp_path / "g.db", f"sqlite:///{tmp_path}/sub/h.db"):
        opened = Store.open(where)
        assert opened.experiments() == []
        again = open_sink(opened.uri)
        assert again is not None and again.uri == opened.uri
        again.close()
        opened.close()
    assert open_sink("http://localhost:5000") is None
    for bad in ("sqlite:///", "sqlite:///:memory:", "s3://bucket/x"):
        with pytest.raises(UsageError):
            Store.open(bad)
    (tmp_path / "other.db").write_bytes(b"this is no database at all, but a text" * 200)
    with pytest.raises(StoreError):
        Store.open(tmp_path / "other.db")


def test_a_forked_child_reads_with_connections_of_its_own(store, program):
    program.made(name="seen")
    assert names(store) == ["seen"]
    parents = store._engine
    child = os.fork()
    if child == 0:
        os._exit(0 if names(store) == ["seen"] and store._engine is not parents else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert names(store) == ["seen"]


@pytest.mark.sqlite
def test_a_run_of_many_artifacts_is_read_in_linear_time(store, program):
    taken = {}
    for count in (5_000, 20_000):
        run = program.start()
        for number in range(count):
            program.event("artifact", run, path=f"a/{number}", size=1, sha256="0" * 64)
        assert [artifact.path for artifact in store.run(run).artifacts[:2]] == ["a/0", "a/1"]
        samples = []
        for _ in range(5):
            begun = time.process_time()
            assert len(store.run(run).artifacts) == count
            samples.append(time.process_time() - begun)
        taken[count] = min(samples)
    assert taken[20_000] < 8 * taken[5_000], taken  # 4 where it is linear, 12 and more where it is not
