"""Charts: no extreme is lost, a hundred of them cost little, and they follow a run that goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, cpu, watch
from tests.ui.conftest import environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STEPS = 10_000
METRICS = 100
SPIKE = 5003
_LINES = """([version, key]) => import(`/ui/${version}/drawn.js`).then(({drawn}) => {
  for (const [element, {u, lines, axes}] of drawn) {
    if (element.closest('[data-metric]').dataset.metric !== key) continue
    const range = [u.scales.x.min, u.scales.x.max, u.scales.y.min, u.scales.y.max]
    return {range, axes: {...axes}, lines: lines.map(({run, x, y, lo, hi, of, whole}) =>
      ({run, of, whole, x: [...x], y: [...y].map(String), lo: [...lo], hi: [...hi]}))}
  }
  return null
})"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A server with runs whose curves are known."""

    server: ServerProcess
    wide: str
    values: np.ndarray[Any, Any]

    def log(self, run: str, key: str, values: list[Any], steps: list[int], started: int = 0) -> None:
        times = [started + step * 10**9 for step in steps] if started else None
        sent: dict[str, Any] = {"key": key, "values": values, "steps": steps}
        self.server.post(f"/api/v1/runs/{run}/log", {"metrics": [sent | ({"timestamps": times} if times else {})]})

    def run(self, experiment: str, name: str, **params: str) -> str:
        body = {"experiment": experiment, "name": name, "params": params}
        return str(self.server.post("/api/v1/runs", body).json()["id"])


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    """A run with 100 metrics of 10,000 points, one of which is 99; three runs that began at other times."""
    server = ServerProcess(tmp_path_factory.mktemp("curves"), environment=environment())
    try:
        steps = np.arange(STEPS)
        values = np.round(np.exp(-steps / 3000) + 0.05 * np.sin(steps * 12.9898) * np.cos(steps * 78.233), 5)
        made = Drawn(server, "", values)
        wide = made.run("wide", "wide")
        for metric in range(METRICS):
            mine = values.copy()
            if metric == 0:
                mine[SPIKE] = 99
            made.log(wide, f"layer{metric // 10}/metric_{metric:02d}", mine.tolist(), steps.tolist())
        for index, optimizer in enumerate(("adam", "adam", "sgd")):
            run = made.run("few", f"few-{index}", optimizer=optimizer)
            loss: list[Any] = [1 / (step + 1 + index) for step in range(60)]
            loss[10], loss[20], loss[30] = "NaN", -0.5, 0.0
            made.log(run, "loss", loss, list(range(60)), started=(1_700_000_000 + 500 * index) * 10**9)
        yield Drawn(server, wide, values)
    finally:
        server.close()


def drawn(page: Page, key: str, fits: Callable[[Any], bool] = bool) -> Any:
    """What the chart of a metric has drawn, as soon as it fits."""
    version = str(page.locator('script[type="module"]').get_attribute("src")).split("/")[2]
    return until(page, lambda: page.evaluate(_LINES, [version, key]), lambda found: bool(found) and fits(found))


def until(page: Page, look: Callable[[], Any], fits: Callable[[Any], bool], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not fits(found := look()):
        assert time.monotonic() < deadline, f"after {seconds} s it is still {str(found)[:500]}"
        page.wait_for_timeout(25)
    return found


def test_a_spike_is_kept_and_a_zoom_shows_every_point(curves: Drawn, open_page: Open) -> None:
    """Check 13: thinned out to 400 columns the greatest value is there; between 5000 and 5010 are 11 points."""
    url = f"{curves.server.url}/r/{curves.wide}/charts"
    page = open_page(url)
    (line,) = drawn(page, "layer0/metric_00")["lines"]
    assert not line["whole"] and len(line["x"]) <= 5 * 400
    assert line["y"][line["x"].index(SPIKE)] == "99"
    page.goto(f"{url}?zoom=5000..5010")
    found = drawn(page, "layer0/metric_00")
    assert found["lines"][0]["x"] == list(range(5000, 5011)) and found["range"][:2] == [5000, 5010]
    page.locator('[data-metric="layer0/metric_01"] .u-over').dblclick()
    until(page, lambda: page.url, lambda address: "zoom" not in address)
    assert drawn(page, "layer0/metric_00", lambda now: now["range"][1] == STEPS - 1)


def test_dragging_zooms_all_charts_and_asks_for_more_points(curves: Drawn, open_page: Open) -> None:
    page = open_page(f"{curves.server.url}/r/{curves.wide}/charts")
    drawn(page, "layer0/metric_00")
    box = page.locator('[data-metric="layer0/metric_01"] .u-over').bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
    page.mouse.up()
    for key in ("layer0/metric_00", "layer0/metric_01"):
        found = drawn(page, key, lambda now: now["range"][0] > 4000 and now["lines"][0]["whole"])
        assert found["lines"][0]["of"] == len(found["lines"][0]["x"]) < 1100


def test_a_hundred_charts_cost_little(curves: Drawn, browser: Browser) -> None:
    """Check 14: browser CPU of the first six charts, of all others, and the number of requests."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    watch(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/series" in request.url else None)

    def count() -> int:
        return int(page.evaluate("document.querySelectorAll('[data-drawn] canvas').length"))

    try:
        page.goto(f"{curves.server.url}/r/{curves.wide}/charts")
        until(page, count, lambda number: number >= 6)
        first = cpu(page)
        assert count() < 40, "what is far from the view is not drawn"
        assert page.evaluate(
            "[...document.querySelectorAll('[data-drawn] canvas')].slice(0, 6).every((canvas) =>"
            " canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean))"
        )
        before = cpu(page)
        page.mouse.move(700, 500)

        def further() -> int:
            page.mouse.wheel(0, 400)
            return count()

        until(page, further, lambda number: number == METRICS, 30)
        rest = cpu(page) - before
    finally:
        context.close()
    assert 0.05 < first <= 1.5 and 0.05 < rest <= 3.5 and len(asked) <= 25, (first, rest, len(asked))


def test_smoothing_log_and_relative_time_stay_in_the_address(curves: Drawn, open_page: Open) -> None:
    """Check 15: the average is Python's, the raw values stay behind it, a log axis says what it leaves out."""
    page = open_page(f"{curves.server.url}/r/{curves.wide}/charts")
    raw = drawn(page, "layer0/metric_01")["lines"][0]["y"]
    page.get_by_label("smoothing").fill("0.9")
    (line,) = drawn(page, "layer0/metric_01", lambda now: now["lines"][0]["y"] != raw)["lines"]
    assert "smooth=0.90" in page.url
    mean, means = 0.0, []
    for count, value in enumerate(curves.values.tolist(), 1):
        mean = 0.9 * mean + 0.1 * value
        means.append(mean / (1 - 0.9**count))
    for at in np.linspace(0, len(line["x"]) - 1, 20).astype(int):
        assert float(line["y"][at]) == pytest.approx(means[int(line["x"][at])], abs=1e-5)
        assert line["lo"][at] <= curves.values[int(line["x"][at])] + 1e-5
    assert min(line["lo"]) == pytest.approx(curves.values.min(), abs=1e-6)
    assert max(line["hi"]) == pytest.approx(curves.values.max(), abs=1e-6)

    page.goto(f"{curves.server.url}/e/few?view=charts")
    page.get_by_role("button", name="log", exact=True).click()
    page.get_by_label("x axis").select_option("rel")
    page.get_by_text("6 points of 0 or less left out, 3 NaN").wait_for()
    page.reload()
    found = drawn(page, "loss")
    assert "y=log" in page.url and "x=rel" in page.url
    assert [each["x"][0] for each in found["lines"]] == [0, 0, 0] and found["range"][1] == 59
    assert 10 ** found["range"][2] < 1 / 62 and 10 ** found["range"][3] > 1


def test_groups_are_a_mean_with_a_band(curves: Drawn, open_page: Open) -> None:
    page = open_page(f"{curves.server.url}/e/few?view=charts&group=p.optimizer")
    by = {line["run"]: line for line in drawn(page, "loss")["lines"]}
    assert set(by) == {"adam", "sgd"}
    adam = by["adam"]
    assert float(adam["y"][0]) == pytest.approx((1 + 1 / 2) / 2, abs=1e-6)
    assert (adam["lo"][0], adam["hi"][0]) == pytest.approx((1 / 2, 1), abs=1e-6)


def test_the_pointer_shows_values_and_marks_the_run_and_keys_do_so_too(curves: Drawn, open_page: Open) -> None:
    page = open_page(f"{curves.server.url}/e/few?view=charts")
    drawn(page, "loss")
    page.locator('[data-metric="loss"] .u-over').hover()
    tip = page.locator(".tip:visible")
    tip.get_by_text("few-0").wait_for()
    assert "step" in str(tip.text_content())
    page.mouse.move(5, 5)
    tip.wait_for(state="hidden")
    page.locator('[data-metric="loss"] .chart').focus()
    page.keyboard.press("ArrowRight")
    tip.get_by_text("few-2").wait_for()
    described = page.locator('[data-metric="loss"] .chart').get_attribute("aria-label")
    assert described and "few-1 ends at" in described
    page.get_by_role("button", name="⋯").click()
    page.get_by_role("button", name="Show as table").click()
    page.get_by_role("row", name="step 10").get_by_text("NaN").first.wait_for()


def test_a_chart_is_saved_as_picture_drawing_and_all_its_points(curves: Drawn, open_page: Open, tmp_path: Path) -> None:
    page = open_page(f"{curves.server.url}/r/{curves.wide}/charts?charts=metric_00")
    drawn(page, "layer0/metric_00")
    found = {}
    for kind in ("PNG", "SVG", "CSV, all points"):
        page.get_by_role("button", name="⋯").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        download.value.save_as(tmp_path / "file")
        found[kind] = (tmp_path / "file").read_bytes()
    assert found["PNG"].startswith(b"\x89PNG") and len(found["PNG"]) > 2000
    assert found["SVG"].startswith(b"<svg") and b"layer0/metric_00" in found["SVG"] and b" stroke=" in found["SVG"]
    lines = found["CSV, all points"].decode().split("\r\n")
    assert len(lines) == STEPS + 2 and lines[1 + SPIKE].endswith(f",{SPIKE},99")


def test_a_curve_grows_while_its_run_goes_on_and_after_the_server_was_away(
    curves: Drawn, open_page: Open, tmp_path: Path
) -> None:
    """Check 16: a new point is drawn within 2.5 s, without a reload; what was missed comes when the server is back."""
    server = ServerProcess(tmp_path, environment=environment())
    mine = Drawn(server, "", curves.values)
    try:
        run = mine.run("live", "live")
        mine.log(run, "loss", [3.0, 2.0, 1.5], [0, 1, 2])
        away = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY")
        page = open_page(f"{server.url}/r/{run}/charts", trouble=away)
        drawn(page, "loss", lambda now: now["lines"][0]["x"] == [0, 1, 2])
        page.locator("[data-live=on]").wait_for(state="attached")
        page.evaluate("window.kept = 1")
        began = time.monotonic()
        mine.log(run, "loss", [1.25], [3])
        drawn(page, "loss", lambda now: now["lines"][0]["x"][-1] == 3)
        assert time.monotonic() - began < 2.5
        port, store = server.port, server.store
        server.close()
        page.locator("[data-live=lost]").wait_for(timeout=5000)
        again = tmp_path / "again"
        again.mkdir()
        server = ServerProcess(again, "--port", str(port), store=store, environment=environment())
        Drawn(server, "", curves.values).log(run, "loss", [1.1, 1.0], [4, 5])
        drawn(page, "loss", lambda now: now["lines"][0]["x"] == [0, 1, 2, 3, 4, 5])
        assert page.evaluate("window.kept") == 1
    finally:
        server.close()
