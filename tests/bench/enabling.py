"""``autotrack.enable()``: CPU in a fresh process, and in one that has imported scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator

from .harness import Place, Row, child, interleaved, median

TIMED = "import time; start = time.process_time(); {}; print(time.process_time() - start)"
SKLEARN = "import sklearn.linear_model, sklearn.ensemble, sklearn.cluster, sklearn.model_selection, sklearn.pipeline\n"


def rows(place: Place) -> Iterator[Row]:
    def timed(before: str, work: str) -> float:
        after = "\nassert autotrack.is_enabled()" if "enable" in work else ""
        return float(child(before + TIMED.format(work) + after).json)

    wrapt, cold, warm = interleaved(
        place.scaled(15, 2),
        lambda: timed("", "import wrapt"),
        lambda: timed("import autotrack\n", "autotrack.enable()"),
        lambda: timed(f"import autotrack\n{SKLEARN}", "autotrack.enable()"),
    )
    peers = "MLflow 0.6 s"
    yield Row("enable(), cold, CPU", median(cold), "s", 0.12, median(wrapt), "import wrapt", peers)
    yield Row("enable() after scikit-learn, CPU", median(warm), "s", 0.03, median(wrapt), "import wrapt", peers)
