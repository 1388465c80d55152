"""How to make the calls that each plugin watches: all that a new plugin adds to be covered by ``test_plugins.py``.

Each row builds everything anew, so that two calls of ``make`` give two independent, equal calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autotrack.core.probes.frames import sealed

Made = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """``make()`` answers function, args, kwargs; ``fails()`` the same for a call that raises inside the library.

    ``runs`` is how many runs one call makes. ``outcome`` reduces a result to something that compares. ``travels`` is
    False where the library's own arguments or results do not pickle: a worker process then makes its own.
    ``threads``: the library's own threads each put back warning filters, and lose some of them, watched or not.
    """

    name: str
    target: str
    make: Callable[[], Made]
    fails: Callable[[], Made]
    runs: int = 1
    outcome: Callable[[Any], Any] = field(default=repr)
    travels: bool = True
    threads: bool = False


def _data() -> Any:
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def _fit(kind: str, method: str = "fit", **params: Any) -> Made:
    import importlib

    module, _, name = kind.rpartition(".")
    estimator = getattr(importlib.import_module(module), name)(**params)
    X, y = _data()
    return getattr(estimator, method), (X, y), {}


def _fitted(estimator: Any) -> Any:
    import numpy

    if isinstance(estimator, numpy.ndarray):
        return estimator.tolist()
    return type(estimator), {k: repr(v) for k, v in vars(estimator).items() if k.endswith("_") and "time" not in k}


def _cross_validate(estimator: str = "ridge", **options: Any) -> Made:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_score

    X, y = _data()
    return (
        cross_val_score,
        (Ridge(alpha=0.5 if estimator == "ridge" else -1.0), X, y),
        {"error_score": "raise", **options},
    )


def _search(C: list[float]) -> Made:
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    search = GridSearchCV(SVC(), {"C": C}, cv=2, error_score="raise")
    return search.fit, _data(), {}


def _unwatched(kind: str) -> Any:
    """A fitted model whose fit made no run: what is looked at is a call on it."""
    with sealed():
        return _fit(kind)[0](*_data())


def _prediction(columns: int = 4) -> Made:
    return _unwatched("sklearn.naive_bayes.GaussianNB").predict, (_data()[0][:, :columns],), {}


def _metric(rows: int = 150) -> Made:
    from sklearn.metrics import f1_score

    _, y = _data()
    return f1_score, (y, y[:rows]), {"average": "macro"}


def _scorer(columns: int = 4) -> Made:
    from sklearn.metrics import get_scorer

    X, y = _data()
    return get_scorer("accuracy"), (_unwatched("sklearn.linear_model.RidgeClassifier"), X[:, :columns], y), {}


def _best(search: Any) -> Any:
    return search.best_params_, search.best_score_, search.best_estimator_.dual_coef_.tolist()


def _dataset(name: str = "iris.csv") -> Made:
    from importlib.util import find_spec
    from pathlib import Path

    import pyarrow.dataset

    spec = find_spec("sklearn.datasets")
    assert spec is not None and spec.origin is not None
    return pyarrow.dataset.dataset, (Path(spec.origin).parent / "data" / name,), {"format": "csv"}


def _csv(content: bytes = b"a,b\n1,2\n") -> Made:
    import io

    import pyarrow.csv

    return pyarrow.csv.read_csv, (io.BytesIO(content),), {}


def _events(folder: str) -> None:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    # Ended by its parts: its own `close` is watched as well, and a row is one watched call.
    EventFileWriter(folder)._async_writer.close()


def _more_events(folder: str) -> None:
    from tensorboardX.event_file_writer import EventFileWriter

    writer = EventFileWriter(folder)
    writer._worker.stop()
    writer._ev_writer.close()
    writer._event_queue.close()


def _log(write: Any) -> Made:
    import tempfile

    return write, (tempfile.mkdtemp(prefix="autotrack-own-"),), {}


def _log_inside_a_file(write: Any) -> Made:
    return write, (f"{__file__}/below",), {}


def _figure(form: str = "png") -> Made:
    import io

    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    figure.add_subplot().plot([1, 3, 2])
    return _save, (figure, io.BytesIO(), form), {}


def _save(figure: Any, stream: Any, form: str) -> None:
    figure.savefig(stream, format=form)


def _parse(text: str) -> Made:
    import argparse

    parser = argparse.ArgumentParser(exit_on_error=False, add_help=False)
    parser.add_argument("--lr", type=float)
    return argparse.ArgumentParser.parse_known_args, (parser, ["--lr", text]), {}


def _click(text: str) -> Made:
    import click

    command = click.Command("train", params=[click.Option(["--lr"], type=float)])
    return click.Command.parse_args, (command, click.Context(command), ["--lr", text]), {}


# The calls that fail do so in XGBoost's Python: messages of its C++ code hold times and addresses.


def _boosting(evaluated: Any = None) -> Made:
    import xgboost

    X, y = _data()
    matrix = xgboost.DMatrix(X, label=y > 1)
    params = {"objective": "binary:logistic", "nthread": 1, "subsample": 0.5, "seed": 3}
    evals = [(matrix if evaluated is None else evaluated, "train")]
    return xgboost.train, (params, matrix, 5), {"evals": evals, "verbose_eval": False}


def _folds(kind: str = "DMatrix") -> Made:
    import xgboost

    X, y = _data()
    params = {"objective": "binary:logistic", "nthread": 1}
    return xgboost.cv, (params, getattr(xgboost, kind)(X, label=y > 1), 3), {"as_pandas": False, "shuffle": False}


def _matrix(kind: str = "DMatrix", data: Any = None) -> Made:
    import xgboost

    X, y = _data()
    made = getattr(xgboost, kind)
    return made.__init__, (made.__new__(made), X if data is None else data), {"label": y}


def _set(name: str, values: Any = None) -> Made:
    import xgboost

    X, y = _data()
    return getattr(xgboost.DMatrix, f"set_{name}"), (xgboost.DMatrix(X), y if values is None else values), {}


def _estimator(first: int = 0) -> Made:
    import xgboost

    X, y = _data()
    return xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit, (X, y + first), {}


def _trees(booster: Any) -> Any:
    return bytes(booster.save_raw("ubj"))


def _failing_step(batch: Any, index: int) -> None:
    raise ArithmeticError("the step failed")


def _lightning(name: str, method: str = "fit", fails_at: int = -1) -> Made:
    import tempfile

    from tests.plugins.lightning import nets

    pl = nets.lightning(name)
    batches = nets.Batches()
    trainer = nets.trainer(pl, tempfile.gettempdir(), max_epochs=1, enable_checkpointing=False, num_sanity_val_steps=0)
    module = nets.net(pl, fails_at=fails_at)
    if fails_at == 0:
        setattr(module, {"fit": "training_step", "test": "test_step"}.get(method, "predict_step"), _failing_step)
    data = (batches, batches) if method == "fit" else (batches,)
    return getattr(trainer, method), (module, *data), {"verbose": False} if method == "test" else {}


def _checkpoint(place: str | None = None) -> Made:
    import io

    import torch

    torch.manual_seed(3)
    return torch.save, (torch.nn.Linear(2, 1).state_dict(), io.BytesIO() if place is None else place), {}


ROWS: dict[str, list[Row]] = {
    "lightning": [
        *(
            Row(
                f"fit of {name}",
                f"{name}.trainer.trainer:Trainer.fit",
                lambda name=name: _lightning(name),  # type: ignore[misc]
                lambda name=name: _lightning(name, fails_at=0),  # type: ignore[misc]
            )
            for name in ("lightning.pytorch", "pytorch_lightning")
        ),
        Row(
            "a test",
            "lightning.pytorch.trainer.trainer:Trainer.test",
            lambda: _lightning("lightning.pytorch", "test"),
            lambda: _lightning("lightning.pytorch", "test", fails_at=0),
            outcome=lambda metrics: sorted(metrics[0]),
        ),
        Row(
            "predictions",
            "lightning.pytorch.trainer.trainer:Trainer.predict",
            lambda: _lightning("lightning.pytorch", "predict"),
            lambda: _lightning("lightning.pytorch", "predict", fails_at=0),
            runs=0,
            outcome=lambda batches: [tuple(batch.shape) for batch in batches],
        ),
    ],
    "models": [],
    "mlflow": [],
    "notebook": [],
    "projects": [],
    "serving": [],
    "spark": [],
    "session": [
        Row(
            "a parse by argparse",
            "argparse:ArgumentParser.parse_known_args",
            lambda: _parse("0.5"),
            lambda: _parse("half"),
            runs=0,
        ),
        Row(
            "a parse by click",
            "click.core:Command.parse_args",
            lambda: _click("0.5"),
            lambda: _click("half"),
            runs=0,
        ),
    ],
    "client": [],
    "store": [],
    "torch": [
        Row(
            "a checkpoint",
            "torch.serialization:save",
            _checkpoint,
            lambda: _checkpoint("/nowhere/at/all.pt"),
            runs=0,
        ),
    ],
    "system": [],
    "matplotlib": [
        Row("a figure saved", "matplotlib.figure:Figure.savefig", _figure, lambda: _figure("no such form"), runs=0),
    ],
    "tensorboard": [
        Row(
            "a writer of TensorBoard",
            "tensorboard.summary.writer.event_file_writer:EventFileWriter.__init__",
            lambda: _log(_events),
            lambda: _log_inside_a_file(_events),
            runs=0,
        ),
        Row(
            "a writer of tensorboardX",
            "tensorboardX.event_file_writer:EventFileWriter.__init__",
            lambda: _log(_more_events),
            lambda: _log_inside_a_file(_more_events),
            runs=0,
        ),
    ],
    "readers": [
        Row(
            "a data set opened",
            "pyarrow.dataset:dataset",
            _dataset,
            lambda: _dataset("missing.csv"),
            runs=0,
            outcome=lambda dataset: dataset.to_table().to_pydict(),
        ),
        Row(
            "a csv file read by compiled code",
            "pyarrow._csv:read_csv",
            _csv,
            lambda: _csv(b"a,b\n1\n"),
            runs=0,
            outcome=lambda table: table.to_pydict(),
        ),
    ],
    "sklearn": [
        Row(
            "fit",
            "sklearn.linear_model._logistic:LogisticRegression.fit",
            lambda: _fit("sklearn.linear_model.LogisticRegression", max_iter=500),
            lambda: _fit("sklearn.linear_model.LogisticRegression", C=-1),
            outcome=_fitted,
        ),
        Row(
            "fit of a random forest",
            "sklearn.ensemble._forest:BaseForest.fit",
            lambda: _fit("sklearn.ensemble.RandomForestClassifier", n_estimators=5, n_jobs=2, random_state=0),
            lambda: _fit("sklearn.ensemble.RandomForestClassifier", n_estimators=-5),
            outcome=lambda forest: forest.feature_importances_.tolist(),
            threads=True,
        ),
        Row(
            "fit of a clusterer",
            "sklearn.cluster._kmeans:KMeans.fit",
            lambda: _fit("sklearn.cluster.KMeans", n_clusters=3, n_init=1, random_state=0),
            lambda: _fit("sklearn.cluster.KMeans", n_clusters=-3),
            outcome=lambda model: model.labels_.tolist(),
        ),
        Row(
            "fit of an estimator of XGBoost's",
            "xgboost.sklearn:XGBClassifier.fit",
            _estimator,
            lambda: _estimator(1),
            outcome=lambda model: _trees(model.get_booster()),
        ),
        Row(
            "a preparation",
            "sklearn.preprocessing._data:StandardScaler.fit",
            lambda: _fit("sklearn.preprocessing.StandardScaler"),
            lambda: _fit("sklearn.preprocessing.StandardScaler", with_mean=3),
            runs=0,
            outcome=_fitted,
        ),
        Row(
            "fit_transform",
            "sklearn.decomposition._pca:PCA.fit_transform",
            lambda: _fit("sklearn.decomposition.PCA", "fit_transform", n_components=2),
            lambda: _fit("sklearn.decomposition.PCA", "fit_transform", n_components=-2),
            outcome=_fitted,
        ),
        Row(
            "a search",
            "sklearn.model_selection._search:BaseSearchCV.fit",
            lambda: _search([0.1, 1.0]),
            lambda: _search([-1.0]),
            outcome=_best,
        ),
        Row(
            "cross-validation",
            "sklearn.model_selection._validation:cross_val_score",
            _cross_validate,
            lambda: _cross_validate("bad"),
            outcome=lambda scores: scores.tolist(),
        ),
        Row(
            "a prediction",
            "sklearn.naive_bayes:_BaseNB.predict",
            _prediction,
            lambda: _prediction(2),
            runs=0,
            outcome=lambda labels: labels.tolist(),
        ),
        Row("a metric", "sklearn.metrics._classification:f1_score", _metric, lambda: _metric(3), runs=0),
        Row("a scorer", "sklearn.metrics._scorer:_BaseScorer.__call__", _scorer, lambda: _scorer(2), runs=0),
    ],
    "xgboost": [
        Row(
            "training",
            "xgboost.training:train",
            _boosting,
            lambda: _boosting("no matrix"),
            outcome=_trees,
            travels=False,
        ),
        Row("cross-validation", "xgboost.training:cv", _folds, lambda: _folds("QuantileDMatrix"), travels=False),
        Row("a matrix", "xgboost.core:DMatrix.__init__", _matrix, lambda: _matrix(data=object()), runs=0),
        Row(
            "a matrix of quantiles",
            "xgboost.core:QuantileDMatrix.__init__",
            lambda: _matrix("QuantileDMatrix"),
            lambda: _matrix("QuantileDMatrix", object()),
            runs=0,
        ),
        Row(
            "labels",
            "xgboost.core:DMatrix.set_label",
            lambda: _set("label"),
            lambda: _set("label", object()),
            0,
            travels=False,
        ),
        Row(
            "weights",
            "xgboost.core:DMatrix.set_weight",
            lambda: _set("weight"),
            lambda: _set("weight", object()),
            0,
            travels=False,
        ),
    ],
}


def made_there(plugin: str, name: str) -> Any:
    """Makes the call of that row where this is called, and reduces its result to what is compared."""
    row = next(row for row in ROWS[plugin] if row.name == name)
    function, args, kwargs = row.make()
    return row.outcome(function(*args, **kwargs))
