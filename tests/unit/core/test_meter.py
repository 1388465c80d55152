"""What autotrack may still afford, of all the time that it takes."""

import time

from autotrack.core.runs.meter import Meter


def test_models_go_before_metrics() -> None:
    meter = Meter(share=0.05, allowance=1.0)
    meter.add(0.9)
    assert meter.affords("model") and not meter.affords("model", 0.5) and meter.affords("metrics", 0.5)
    meter.add(0.4)
    assert not meter.affords("model") and meter.affords("metrics")


def test_the_background_threads_count_as_well() -> None:
    meter = Meter(share=0.0, allowance=1.0)
    meter.add(0.5)
    assert meter.affords("model", 0.4)
    meter.background = 0.2
    assert not meter.affords("model", 0.4) and meter.affords("model", 0.2)
    meter.delivering = 0.2
    assert not meter.affords("model", 0.2) and meter.left() < 0.11


def test_a_share_of_the_time_that_passed() -> None:
    meter = Meter(share=0.5, allowance=0.0)
    meter.add(0.001)
    meter.since = time.perf_counter() - 10.0
    assert meter.affords("model", 4.9) and not meter.affords("model", 5.5)
