"""Many runs changed at once, and changed back, on both engines."""

from __future__ import annotations

from typing import Any

from autotrack.store import bulk

ON_BOTH = True


def changed(store: Any, function: Any, *arguments: Any) -> Any:
    return store.write(lambda connection: function(connection, *arguments))


def active(store: Any) -> set[str]:
    return {run.name for run in store.runs()}


def test_a_tree_goes_and_comes_back_as_it_was(store: Any, program: Any) -> None:
    ids: dict[str, str] = {}
    for name in ("a", "a.b", "a.b.c", "a.d", "e"):
        ids[name] = program.start(name, parent=ids.get(name.rpartition(".")[0]))
    assert active(store) == ids.keys()
    assert changed(store, bulk.delete_runs, [ids["a.d"]]) == 1
    assert changed(store, bulk.delete_runs, [ids["a"], ids["a.d"], ids["e"]]) == 4
    assert active(store) == set() and changed(store, bulk.delete_runs, [ids["a"]]) == 0
    # What was deleted by itself before stays; a grandchild comes back with the one that took it.
    assert changed(store, bulk.restore_runs, [ids["a"]]) == 3
    assert active(store) == {"a", "a.b", "a.b.c"}
    assert changed(store, bulk.restore_runs, [ids["a.d"], ids["e"]]) == 2
    # A child that is named together with its parent was meant itself, and comes back when it is named.
    assert changed(store, bulk.delete_runs, [ids["a"], ids["a.b"]]) == 4
    assert changed(store, bulk.restore_runs, [ids["a"], ids["a.b"]]) == 4
    assert active(store) == ids.keys()


def test_tags_and_back(store: Any, program: Any) -> None:
    ids = [program.start(str(n), tags={"old": str(n % 2), "same": "x"}) for n in range(4)]
    gone = program.start("gone")
    store.delete_runs([gone])
    before = changed(store, bulk.tag_runs, [*ids, gone], {"old": "new", "more": "y"}, ["same", "none"])
    assert [store.run(each).tags for each in ids] == [{"old": "new", "more": "y"}] * 4
    assert sorted(len(each.ids) for each in before) == [2, 2] and store.run(gone).tags == {}
    for each in before:
        changed(store, bulk.tag_runs, each.ids, each.set, each.remove)
    assert [store.run(each).tags for each in ids] == [{"old": str(n % 2), "same": "x"} for n in range(4)]


def test_to_another_experiment_and_back(store: Any, program: Any) -> None:
    parent = program.start("parent", "from")
    child = program.start("child", "from", parent=parent)
    other = program.start("other", "elsewhere")
    program.log(child, "loss", 1.5)
    store.runs()
    target = store.create_experiment("to")
    before = changed(store, bulk.move_runs, [parent, other, child], target.id)
    assert {run.name: run.experiment for run in store.runs()} == dict.fromkeys(("parent", "child", "other"), "to")
    assert sorted(map(len, before.values())) == [1, 2] and changed(store, bulk.move_runs, [parent], target.id) == {}
    # What comes later from its program goes where it is now.
    program.log(child, "loss", 0.5, step=1)
    program.end(child)
    assert (store.run(child).experiment, store.run(child).metrics) == ("to", {"loss": 0.5})
    for experiment, some in before.items():
        changed(store, bulk.move_runs, some, experiment)
    names = {run.name: run.experiment for run in store.runs()}
    assert names == {"parent": "from", "child": "from", "other": "elsewhere"}
