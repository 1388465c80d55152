"""The charts of a training hold the numbers that scikit-learn's own displays would draw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    classification_report,
    confusion_matrix,
    det_curve,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import autotrack
from autotrack.figures import read, render, several

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
#: As close as six digits of the largest value come.
NEAR = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(autouse=True)
def enabled(store: Path) -> Iterator[Path]:
    autotrack.enable(models=False, silent=True, overhead_share=1000)
    yield store
    autotrack.disable()
    from autotrack_sklearn.provenance import provenance

    provenance.clear()


def charts(file: str = "training") -> dict[str, Any]:
    (run,) = [run for run in autotrack.search_runs() if run.parent is None]
    return dict(several(read((Path(run.artifact_uri) / f"figures/{file}.json").read_bytes())))


def points(series: dict[str, Any]) -> Any:
    return np.array([series["x"], series["y"]], dtype=float)


def on_the_curve(series: dict[str, Any], x: Any, y: Any) -> None:
    """Every point that was kept is one of the curve's, the first and the last among them."""
    kept, curve = points(series), np.array([x, y])
    gaps = np.abs(kept[:, :, None] - curve[:, None, :]).max(axis=0).min(axis=1)
    assert gaps.max() < 1e-5
    ends = {tuple(curve[:, 0].round(5)), tuple(curve[:, -1].round(5))}
    assert {tuple(kept[:, 0].round(5)), tuple(kept[:, -1].round(5))} == ends


def test_the_confusion_matrix() -> None:
    data, target = load_wine(return_X_y=True)
    names = np.array(["barolo", "grignolino", "barbera"])[target]
    model = GaussianNB().fit(data[:, :2], names)
    chart = charts()["confusion_matrix"]
    shown = ConfusionMatrixDisplay(confusion_matrix(names, model.predict(data[:, :2])), display_labels=model.classes_)
    assert chart["values"] == shown.confusion_matrix.tolist()
    assert chart["rows"] == chart["columns"] == shown.display_labels.tolist()


def test_curves_of_two_classes() -> None:
    model = GaussianNB().fit(X, y)
    found, chance = charts(), model.predict_proba(X)[:, 1]
    roc = found["roc_curve"]["series"][0]
    false, true, _ = roc_curve(y, chance, drop_intermediate=False)
    on_the_curve(roc, false, true)
    area = roc_auc_score(y, chance)
    assert f"{area:.3f}" in roc["name"] and abs(np.trapezoid(roc["y"], roc["x"]) - area) < 1e-3
    assert RocCurveDisplay(fpr=false, tpr=true, roc_auc=area).roc_auc == pytest.approx(area)
    recall = found["precision_recall_curve"]["series"][0]
    precision, called, _ = precision_recall_curve(y, chance)
    shown = PrecisionRecallDisplay(precision, called)
    on_the_curve(recall, shown.recall[:-1], shown.precision[:-1])  # scikit-learn adds the point (0, 1) at the end
    true_share, said = calibration_curve(y, chance, n_bins=10)
    calibration = found["calibration"]["series"][0]
    assert np.allclose(points(calibration), [said, true_share], **NEAR)
    assert sum(calibration["counts"]) == len(y)


def test_curves_of_three_classes_are_one_against_the_rest() -> None:
    data, target = load_wine(return_X_y=True)
    model = GaussianNB().fit(data[:, :3], target)
    chances = model.predict_proba(data[:, :3])
    found = charts()
    for at in range(3):
        false, true, _ = roc_curve(target == at, chances[:, at], drop_intermediate=False)
        on_the_curve(found["roc_curve"]["series"][at], false, true)
        true_share, said = calibration_curve(target == at, chances[:, at], n_bins=10)
        assert np.allclose(points(found["calibration"]["series"][at]), [said, true_share], **NEAR)


def test_residuals() -> None:
    data, target = load_diabetes(return_X_y=True)
    model = Ridge().fit(data, target)
    residual = target - model.predict(data)
    found = charts()
    dots = found["residuals"]["series"][0]
    every = np.array([model.predict(data), residual])
    gaps = np.abs(points(dots)[:, :, None] - every[:, None, :]).max(axis=0).min(axis=1)
    assert gaps.max() < 1e-2 and len(dots["x"]) == len({*zip(dots["x"], dots["y"], strict=True)}) >= 290
    assert min(dots["y"]) == pytest.approx(residual.min(), abs=1e-2)
    assert max(dots["y"]) == pytest.approx(residual.max(), abs=1e-2)
    bars = found["residual_histogram"]["series"][0]
    counts, edges = np.histogram(residual, bins=len(bars["y"]))
    assert bars["y"] == counts.tolist()
    assert np.allclose(bars["x"], (edges[1:] + edges[:-1]) / 2, rtol=0, atol=1e-2)


def test_importances() -> None:
    data, target = load_diabetes(return_X_y=True, as_frame=True)
    forest = RandomForestRegressor(5, random_state=0).fit(data, target)
    expected = pd.Series(forest.feature_importances_, data.columns).sort_values(ascending=False, kind="stable")
    bars = charts()["feature_importance"]["series"][0]
    assert bars["x"] == expected.index.tolist() and np.allclose(bars["y"], expected, **NEAR)


def test_coefficients_of_what_a_pipeline_makes_of_its_columns() -> None:
    table = pd.DataFrame({"size": np.arange(40.0), "kind": ["a", "b", "c", "d"] * 10})
    columns = make_column_transformer((StandardScaler(), ["size"]), (OneHotEncoder(), ["kind"]))
    model = make_pipeline(columns, LogisticRegression()).fit(table, np.arange(40) % 3 > 0)
    found = charts()
    bars = found["feature_importance"]["series"][0]
    names = columns.get_feature_names_out().tolist()
    weights = dict(zip(names, model[-1].coef_[0], strict=True))
    assert sorted(bars["x"]) == sorted(names)
    assert np.allclose(bars["y"], [weights[name] for name in bars["x"]], **NEAR)
    rows = found["columns"]["rows"]
    assert rows[:2] == [["input", "size", "float64"], ["input", "kind", str(table.dtypes["kind"])]]
    assert [name for step, name, _ in rows if step == "columntransformer"] == names


def test_a_search() -> None:
    search = GridSearchCV(LogisticRegression(max_iter=5000), {"C": [0.001, 0.1, 10.0], "tol": [1e-4, 1e-3]}, cv=3)
    search.fit(StandardScaler().fit_transform(X), y)
    chart = charts()["search_C"]
    series = chart["series"][0]
    assert series["x"] == search.cv_results_["param_C"].tolist() and chart["x"]["scale"] == "log"
    assert np.allclose(series["y"], search.cv_results_["mean_test_score"], **NEAR)


def test_charts_of_calls() -> None:
    model = GaussianNB().fit(X, y)
    chance, labels = model.predict_proba(X)[:, 1], model.predict(X)
    false, true, _ = roc_curve(y, chance)
    matrix = confusion_matrix(y, labels, normalize="true")
    missed = det_curve(y, chance)
    report = classification_report(y, labels, output_dict=True)
    on_the_curve(charts("roc_curve_X")[""]["series"][0], false, true)
    assert np.allclose(charts("confusion_matrix_X")[""]["values"], matrix, **NEAR)
    on_the_curve(charts("det_curve_X")[""]["series"][0], missed[0], missed[1])
    rows = {row[0]: row[1:] for row in charts("classification_report_X")[""]["rows"]}
    assert rows["1"] == pytest.approx([report["1"][key] for key in ("precision", "recall", "f1-score", "support")])
    assert rows["accuracy"][2] == pytest.approx(report["accuracy"])


def test_every_chart_of_a_training_is_drawn() -> None:
    GridSearchCV(LogisticRegression(max_iter=5000), {"C": [0.1, 10.0]}, cv=3).fit(X[X.columns[:3]], y)
    found = charts()
    assert found.keys() >= {"confusion_matrix", "roc_curve", "calibration", "feature_importance", "estimator"}
    for name, document in found.items():
        assert json.loads(json.dumps(document)) == document
        assert render(document, "png")[:4] == b"\x89PNG", name
        assert b"<svg" in render(document, "svg")[:2000], name
