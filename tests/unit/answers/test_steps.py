"""A workflow: which runs are its steps, and which of them took what others had made."""

from __future__ import annotations

from autotrack.answers.steps import REUSED_TAG, Workflow, workflow_of

DATA, SCORES, LOOKUP = (f"{n:x}" * 64 for n in range(1, 4))
HOUR = 3600 * 10**9
ROOT = f"{9:032x}"


def taken(found: Workflow) -> list[tuple[str, int, dict[str, tuple[str, ...]]]]:
    names = {step.run.id: step.run.name for step in found.steps}
    return [
        (step.run.name, step.level, {names[other]: things for other, things in step.after.items()})
        for step in found.steps
    ]


def keeping(program, run: str, path: str, content: str) -> None:
    program.event("artifact", run, path=path, size=9, sha256=content)


def test_steps_are_ordered_by_what_they_took(store, tell) -> None:
    main, prepare, linear, forest, choose = (tell(n, started=n * HOUR) for n in range(1, 6))
    main.run(9, name="main", ended=9 * HOUR)
    first = prepare.run(1, name="prepare", parent=ROOT)
    keeping(prepare, first, "out/data.csv", DATA)
    linear.file("/tmp/x/data.csv", DATA)
    second = linear.run(
        2, name="linear", parent=ROOT, params={"data": f"runs:/{first}/out/data.csv", "args.data": f"runs:/{first}/x"}
    )
    linear.file("/tmp/scores.txt", SCORES, "written", first=3 * HOUR + 5)
    forest.file("/other/name.csv", DATA)
    forest.run(3, name="forest", parent=ROOT)
    choose.file("/tmp/scores.txt", SCORES)
    choose.file("/tmp/lookup.csv", LOOKUP)  # nobody's
    choose.run(4, name="choose", parent=ROOT, params={"other": "runs:/3", "text": "see runs:/ or so"})
    store.deliver(store.root / "journal")
    found = workflow_of(store, store.run(ROOT))
    assert taken(found) == [
        ("prepare", 0, {}),
        ("linear", 1, {"prepare": ("data",)}),
        ("forest", 1, {"prepare": ("name.csv",)}),
        ("choose", 2, {"linear": ("scores.txt",)}),
    ]
    assert workflow_of(store, store.run(second)) == found  # of a step, the whole that it is in


def test_an_earlier_run_stands_for_a_step(store, tell) -> None:
    earlier, main, train = (tell(n, started=n * HOUR) for n in range(1, 4))
    before = earlier.run(1, name="prepare")
    keeping(earlier, before, "data.csv", DATA)
    main.run(9, name="main", ended=9 * HOUR)
    main.run(2, name="prepare", parent=ROOT, tags={REUSED_TAG: before})
    train.file("/tmp/data.csv", DATA)
    train.run(3, name="train", parent=ROOT)
    store.deliver(store.root / "journal")
    found = workflow_of(store, store.run(ROOT))
    assert taken(found) == [("prepare", 0, {}), ("train", 1, {"prepare": ("data.csv",)})]
    assert found.document()["steps"][0]["reused"] == before


def test_runs_of_one_program_share_what_it_read(store, tell) -> None:
    search = tell(1, started=HOUR)
    search.file("/data.csv", DATA)
    search.run(9, name="search", ended=9 * HOUR)
    for number in (1, 2):
        keeping(search, search.run(number, name=f"candidate {number}", parent=ROOT), "data.csv", DATA)
    store.deliver(store.root / "journal")
    assert [step.after for step in workflow_of(store, store.run(ROOT)).steps] == [{}, {}]
