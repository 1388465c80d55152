"""The table of an experiment's runs in a real browser. Numbers in docstrings: the checks that the pages must pass."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, cpu, headings, query, ready, rows_of

LAST = (
    "FROM series JOIN runs ON runs.n = series.run JOIN experiments e ON e.id = runs.experiment_id "
    "WHERE e.name = ? AND series.key = ?"
)


def test_the_first_rows_come_fast_and_say_something(site: ServerProcess, open_page: Open) -> None:
    """3 and 4: 20 rows with a name, the main metric and a param that varies, for 1.2 s of the browser's time."""
    page = open_page(f"{site.url}/e/sweep?view=table")
    ready(page, 20)
    spent = cpu(page)
    names = headings(page)
    metric, param = names.index("val_loss"), names.index("activation")
    full = [row for row in rows_of(page) if row[1] and row[metric] not in ("", "–") and row[param]]
    assert len(full) >= 20
    assert spent < 1.2, f"{spent:.2f} s"


def test_what_is_shown_at_first_differs_and_what_does_not_is_said(site: ServerProcess, open_page: Open) -> None:
    """4 and 5: a metric and a varying param in view, no constant column; 104 runs, 10,000 runs."""
    page = open_page(f"{site.url}/e/churn-grid?view=table")
    ready(page, 8)
    names = headings(page)
    assert "val_loss" in names and "lr" in names and not {"epochs", "momentum", "model"} & set(names)
    constant = page.locator(".constant")
    assert "same in all 104" in constant.inner_text() and "momentum=0.9" in constant.inner_text()
    box = page.get_by_role("columnheader", name="optimizer").bounding_box()
    assert box is not None and box["x"] + box["width"] < 1440
    assert "104 runs" in page.locator(".counts").inner_text()


def test_counts_are_true(site: ServerProcess, showcase: Path, open_page: Open) -> None:
    """5: 10,000, and of a filter what SQL counts."""
    page = open_page(f"{site.url}/e/sweep?view=table&where={quote('val_loss < 0.2')}")
    ready(page)
    expected = query(showcase, f"SELECT count(*) {LAST} AND series.last < 0.2", "sweep", "val_loss")
    assert page.locator(".counts").get_attribute("data-total") == str(expected)
    assert f"{expected:,} runs match" in page.locator(".counts").inner_text()


def test_any_row_is_reached_at_once_and_few_are_in_the_document(site: ServerProcess, open_page: Open) -> None:
    """6 and 7: the last of 10,000 rows; 60 rows at most; 120 steps of scrolling for 3.5 s of the browser's time."""
    page = open_page(f"{site.url}/e/sweep?view=table")
    ready(page, 20)
    page.evaluate("() => { const grid = document.querySelector('.grid'); grid.scrollTop = grid.scrollHeight }")
    page.locator('[aria-rowindex="10001"] .name a').wait_for()
    assert page.locator("[role=row]").count() <= 60
    page.evaluate("() => { document.querySelector('.grid').scrollTop = 0 }")
    page.locator('[aria-rowindex="2"] .name a').wait_for()
    before = cpu(page)
    page.evaluate(
        """async () => {
            const grid = document.querySelector('.grid')
            for (let step = 0; step < 120; step += 1) {
                grid.scrollTop += 300
                await new Promise((done) => requestAnimationFrame(done))
            }
        }"""
    )
    page.wait_for_function("() => !document.querySelector('.grid .row.waiting')")
    spent = cpu(page) - before
    assert spent < 3.5, f"{spent:.2f} s"


def test_sorting_is_by_all_runs_and_survives(site: ServerProcess, showcase: Path, open_page: Open) -> None:
    """8: the least of all first, said in the address, the same after a reload; what is missing comes last."""
    page = open_page(f"{site.url}/e/sweep?view=table")
    ready(page, 20)
    heading = page.get_by_role("columnheader", name="val_loss")
    heading.get_by_role("button").click()
    page.wait_for_url("**sort=m.val_loss*")
    least = query(showcase, f"SELECT min(series.last) {LAST}", "sweep", "val_loss")
    first = page.locator('[aria-rowindex="2"] .best')
    first.wait_for()
    assert float(first.get_attribute("title") or "nan") == pytest.approx(least)
    assert heading.get_attribute("aria-sort") == "ascending"
    name = page.locator('[aria-rowindex="2"] .name').inner_text()
    page.reload()
    first.wait_for()
    assert page.locator('[aria-rowindex="2"] .name').inner_text() == name
    page.evaluate("() => { const grid = document.querySelector('.grid'); grid.scrollTop = grid.scrollHeight }")
    page.locator('[aria-rowindex="10001"] .name a').wait_for()
    place = headings(page).index("val_loss")
    assert rows_of(page)[-1][place] == "–"


def test_a_filter_that_is_not_ready_says_where_and_changes_nothing(site: ServerProcess, open_page: Open) -> None:
    """9: the mistake is named, the rows stay; then every row satisfies it; Back brings the former filter."""
    page = open_page(f"{site.url}/e/churn-grid?view=table&cols=name,m.val_loss,p.optimizer", trouble=("400",))
    ready(page, 8)
    field = page.get_by_role("searchbox", name="filter runs")
    field.press_sequentially("val_loss <")
    page.locator(".mistake").wait_for()
    assert "character 11" in page.locator(".mistake").inner_text()
    assert page.locator(".grid .row:not(.head)").count() == 8
    field.press_sequentially(' 0.3 and optimizer = "adam"')
    field.press("Enter")
    page.wait_for_function("() => /run.* match/.test(document.querySelector('.counts').innerText)")
    loss, optimizer = (headings(page).index(name) for name in ("val_loss", "optimizer"))
    page.wait_for_function(
        "() => [...document.querySelectorAll('.grid .row:not(.head)')].every(row => row.innerText.includes('adam'))"
    )
    rows = rows_of(page)
    assert rows and all(float(row[loss]) < 0.3 and row[optimizer] == "adam" for row in rows)
    page.get_by_role("link", name="Experiments").first.click()
    page.go_back()
    page.wait_for_function("() => /run.* match/.test(document.querySelector('.counts')?.innerText)")
    assert field.input_value() == 'val_loss < 0.3 and optimizer = "adam"'


def test_groups_add_up_and_children_stand_under_their_parents(
    site: ServerProcess, showcase: Path, open_page: Open
) -> None:
    """10: four optimizers, 104 runs in all, their means; a search opened has its twelve candidates in order."""
    page = open_page(f"{site.url}/e/churn-grid?group=p.optimizer")
    page.locator(".groups tbody tr").first.wait_for()
    rows = page.locator(".groups tbody tr").all()
    assert len(rows) == 4
    assert sum(int(row.locator("td").nth(1).inner_text()) for row in rows) == 104
    adam = "runs.n IN (SELECT run FROM params WHERE key = 'optimizer' AND value = 'adam')"
    mean = query(showcase, f"SELECT avg(series.last) {LAST} AND {adam}", "churn-grid", "val_loss")
    shown = page.locator('[data-group="adam"] td').nth(2).get_attribute("data-mean")
    assert float(shown or "nan") == pytest.approx(mean, rel=1e-6)
    page.goto(f"{site.url}/e/churn-grid?view=table&sort=name")
    ready(page, 8)
    page.locator(".row", has_text="grid-3").get_by_role("button").click()
    page.wait_for_function("() => document.querySelectorAll('.grid .row:not(.head)').length === 20")
    names = [row[1].split()[-1] for row in rows_of(page)]
    at = next(index for index, row in enumerate(rows_of(page)) if "grid-3-" in row[1])
    assert sorted(names[at : at + 12]) == sorted(f"grid-3-{number}" for number in range(12))


def test_a_selection_survives_what_is_done_to_the_table(site: ServerProcess, open_page: Open) -> None:
    """11: three selected stay so over a sort and a filter; all that match are selected without being fetched."""
    page = open_page(f"{site.url}/e/sweep?view=table")
    ready(page, 20)
    for index in (2, 4, 6):
        page.locator(f'[aria-rowindex="{index}"] .tick').click()
    bar = page.get_by_label("selected runs")
    assert "3 runs selected" in bar.inner_text()
    assert page.locator(".row.picked").count() == page.locator(".row.picked input:checked").count() == 3
    page.get_by_role("columnheader", name="val_loss").get_by_role("button").click()
    page.locator('[aria-rowindex="2"] .best').wait_for()
    field = page.get_by_role("searchbox", name="filter runs")
    field.fill("val_loss < 0.2")
    field.press("Enter")
    page.wait_for_function("() => /run.* match/.test(document.querySelector('.counts').innerText)")
    field.fill("")
    field.press("Enter")
    page.wait_for_function("() => document.querySelector('.counts').dataset.total === '10000'")
    assert "3 runs selected" in bar.inner_text()
    selected = page.evaluate("() => new URLSearchParams(location.search).get('sel').split(',')")
    bar.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/compare?runs=*")
    compared = page.evaluate("() => new URLSearchParams(location.search).get('runs').split(',')")
    assert [run[:12] for run in selected] == compared
    page.go_back()
    ready(page, 20)
    page.locator("body").press("a")
    page.get_by_text("10,000 runs selected").wait_for()


def test_the_keys_alone_do(site: ServerProcess, open_page: Open) -> None:
    """23: search, filter, move, select two runs and compare them without a mouse, and come back."""
    page = open_page(f"{site.url}/e/churn-grid?view=table&tree=0")
    ready(page, 20)
    page.keyboard.press("/")
    page.keyboard.type("val_loss < 0.3")
    page.keyboard.press("Enter")
    filtered = "() => /run.* match/.test(document.querySelector('.counts')?.innerText)"
    page.wait_for_function(filtered)
    for key in ("j", "j", "x", "k", "x"):
        page.keyboard.press(key)
    bar = page.get_by_label("selected runs")
    assert "2 runs selected" in bar.inner_text()
    bar.get_by_role("button", name="Compare").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?runs=*")
    page.go_back()
    page.wait_for_function(filtered)  # the page of the comparison has rows with names, too
    ready(page)
    page.keyboard.press("?")
    assert "next row" in page.get_by_role("dialog").inner_text()


def test_running_runs_change_in_place_and_new_ones_wait(workshop: ServerProcess, open_page: Open) -> None:
    """16, in the table: a new value within 2.5 s, no row moved; new runs behind a button."""
    made = workshop.post("/api/v1/runs", {"experiment": "live", "name": "first"}).json()
    log = f"/api/v1/runs/{made['id']}/log"
    workshop.post(log, {"metrics": [{"key": "loss", "values": [0.9], "steps": [0]}]})
    page = open_page(f"{workshop.url}/e/live?view=table")
    page.get_by_text("0.9", exact=True).wait_for()
    workshop.post(log, {"metrics": [{"key": "loss", "values": [0.125], "steps": [1]}]})
    page.get_by_text("0.125", exact=True).wait_for(timeout=3500)
    workshop.post("/api/v1/runs", {"experiment": "live", "name": "second"})
    page.get_by_role("button", name="1 new run").wait_for(timeout=4000)
    assert "second" not in page.locator(".grid").inner_text()
    page.get_by_role("button", name="1 new run").click()
    page.get_by_role("link", name="second").wait_for()


def test_what_is_deleted_can_be_had_back(workshop: ServerProcess, open_page: Open) -> None:
    for name in ("keep", "drop"):
        workshop.post("/api/v1/runs", {"experiment": "tidy", "name": name})
    page = open_page(f"{workshop.url}/e/tidy?view=table")
    ready(page, 2)
    page.locator(".row", has_text="drop").locator(".tick").click()
    page.get_by_role("button", name="Delete").click()
    page.locator(".notice", has_text="1 run deleted").wait_for()
    page.wait_for_function("() => document.querySelectorAll('.grid .row:not(.head)').length === 1")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="drop").wait_for()


def test_all_that_match_less_some_are_tagged_and_moved_and_it_is_undone(
    workshop: ServerProcess, open_page: Open
) -> None:
    for name in ("one", "two", "three", "other"):
        workshop.post("/api/v1/runs", {"experiment": "much", "name": name, "tags": {"team": "old"}})
    workshop.post("/api/v1/experiments", {"name": "elsewhere"})

    def tagged(value: str) -> int:
        where = quote(f"t.team = '{value}'")
        return int(workshop.get(f"/api/v1/table?exp=much&where={where}&cols=name").json()["total"])

    page = open_page(f"{workshop.url}/e/much?view=table")
    ready(page, 4)
    page.keyboard.press("a")
    page.locator(".row", has_text="other").locator(".tick").click()
    bar = page.get_by_label("selected runs")
    assert "3 runs selected" in bar.inner_text()
    bar.get_by_role("button", name="Tag").click()
    page.get_by_label("Key", exact=True).fill("team")
    page.get_by_label("Value").fill("new")
    page.keyboard.press("Enter")
    page.locator(".notice", has_text="3 runs tagged team").wait_for()
    assert (tagged("new"), tagged("old")) == (3, 1)
    page.get_by_role("button", name="Undo").click()
    page.locator(".notice", has_text="Undone").wait_for()
    assert (tagged("new"), tagged("old")) == (0, 4)
    bar.get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    page.locator(".notice", has_text="3 runs moved to elsewhere").wait_for()
    page.wait_for_function("() => document.querySelectorAll('.grid .row:not(.head)').length === 1")


def test_what_is_clicked_at_becomes_a_condition_and_back_takes_it_off(site: ServerProcess, open_page: Open) -> None:
    """9, too: of what is typed at one go, Back knows the last, and what stood before."""
    page = open_page(f"{site.url}/e/sweep?view=table&cols=name,m.val_loss,p.optimizer,p.activation", trouble=("400",))
    ready(page, 20)
    place = headings(page).index("optimizer") + 1
    cell = page.locator(f'[aria-rowindex="2"] [role=gridcell]:nth-child({place})')
    value = cell.inner_text()
    cell.click(button="right")
    page.get_by_role("menuitem", name=f"Only optimizer = {value}").click()
    page.wait_for_function("() => document.querySelector('.counts').dataset.total < 10000")
    assert {row[place - 1] for row in rows_of(page)} == {value}
    field = page.get_by_role("searchbox", name="filter runs")
    assert field.input_value() == f"p.optimizer = '{value}'"
    field.press("End")
    field.press_sequentially(" and val_loss < 0.3 and act")
    page.locator(".offered li", has_text="activation").wait_for()
    for key in ("ArrowDown", "Enter"):
        field.press(key)
    field.press_sequentially("= 're")
    page.locator(".offered li", has_text="'relu'").wait_for()
    for key in ("ArrowDown", "Enter", "Enter"):
        field.press(key)
    page.wait_for_url("**activation*relu*")
    page.go_back()
    page.wait_for_function("() => !document.querySelector('[data-search]').value.includes('val_loss')")
    assert field.input_value() == f"p.optimizer = '{value}'"
    page.go_back()
    page.wait_for_function("() => document.querySelector('.counts').dataset.total === '10000'")
