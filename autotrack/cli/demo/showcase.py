"""A store that shows what the pages are for: trained for real where that is cheap, generated where only size matters.

A program of its own (``python -m autotrack.cli.demo.showcase SEED``), started by ``autotrack demo --seed``. Prints one
line a part: what it is, and whether it was trained or generated.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import autotrack

from . import pictures

OPTIMIZERS = ("sgd", "momentum", "adam", "rmsprop")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
DECAYS = (0.0, 0.001)
INPUTS = ("tenure_months", "monthly_charge", "support_calls", "contract_months", "data_gb")
Array = Any


def main(seed: int) -> None:
    """Makes every part, the same ones from the same seed."""
    parts: list[tuple[str, str, Callable[[np.random.Generator], str]]] = [
        ("churn-grid", "trained", churn_grid),
        ("churn", "trained", registered),
        ("boosting", "trained", boosting),
        ("resnet", "generated", resnet),
        ("sweep", "generated", sweep),
        ("wide", "generated", wide),
        ("ups-and-downs", "trained", ups_and_downs),
    ]
    for number, (name, how, make) in enumerate(parts):
        said = make(np.random.default_rng([seed, number]))
        print(f"{name}\t{how}\t{said}", flush=True)


def customers(random: np.random.Generator, count: int = 1500) -> tuple[Array, Array, Array, Array]:
    """Customers and who of them left, made by scikit-learn's ``make_classification``: train, its target, test, its."""
    from sklearn.datasets import make_classification

    data, target = make_classification(
        count, 5, n_informative=4, n_redundant=1, flip_y=0.04, class_sep=2.6, random_state=int(random.integers(2**31))
    )
    data = (data - data.mean(0)) / data.std(0)
    cut = count * 2 // 3
    return data[:cut], target[:cut], data[cut:], target[cut:]


def churn_grid(random: np.random.Generator) -> str:
    """Eight searches of twelve candidates: a logistic regression by four optimizers, in numpy, epoch by epoch."""
    data = customers(random)
    best: tuple[float, str] | None = None
    for number in range(8):
        optimizer, batch = OPTIMIZERS[number % 4], 64 if number < 4 else 256
        shared = {"optimizer": optimizer, "batch_size": batch, "epochs": 50, "momentum": 0.9, "model": "logistic"}
        with autotrack.start_run(f"grid-{number}", "churn-grid", {"search": "grid"}) as parent:
            parent.log_params({**shared, "candidates": 12})
            results: list[dict[str, float]] = []
            for rate in RATES:
                for decay in DECAYS:
                    name = f"grid-{number}-{len(results)}"
                    with autotrack.start_run(name, parent=parent) as run:
                        run.log_params({**shared, "lr": rate, "weight_decay": decay})
                        results.append(_descend(run, data, optimizer, rate, decay, batch, random))
                        if best is None or results[-1]["val_loss"] < best[0]:
                            best = (results[-1]["val_loss"], run.id)
            parent.log_metrics(min(results, key=lambda result: result["val_loss"]))
    assert best is not None
    return f"8 searches of 12 candidates; the best, {best[1][:8]}, has a validation loss of {best[0]:.3f}"


def _descend(
    run: autotrack.Run, data: Any, optimizer: str, rate: float, decay: float, batch: int, random: np.random.Generator
) -> dict[str, float]:
    x, y, seen_not, truth = data
    weights, speed, square = np.zeros(6), np.zeros(6), np.zeros(6)
    x, unseen = (np.hstack([part, np.ones((len(part), 1))]) for part in (x, seen_not))
    found: dict[str, float] = {}
    for epoch in range(50):
        order = random.permutation(len(x))
        for step, start in enumerate(range(0, len(x), batch)):
            rows = order[start : start + batch]
            slope = x[rows].T @ (_sigmoid(x[rows] @ weights) - y[rows]) / len(rows) + decay * weights
            speed = 0.9 * speed + (slope if optimizer != "adam" else 0.1 * slope)
            square = 0.99 * square + 0.01 * slope**2
            moved = {
                "sgd": slope,
                "momentum": speed,
                "rmsprop": slope / (np.sqrt(square) + 1e-8),
                "adam": speed / (np.sqrt(square / (1 - 0.99 ** (epoch * 1000 // batch + step + 1))) + 1e-8),
            }[optimizer]
            weights = weights - rate * moved
        found = {
            "train_loss": _log_loss(x @ weights, y),
            "val_loss": _log_loss(unseen @ weights, truth),
            "val_accuracy": float(((unseen @ weights > 0) == truth).mean()),
        }
        run.log_metrics(found, step=epoch)
    return found


def registered(random: np.random.Generator) -> str:
    """Two versions of a registered model, with plots, tables and pages among their files; the first is in use."""
    import pandas
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    x, y, unseen, truth = customers(random)
    table, test = pandas.DataFrame(x, columns=INPUTS), pandas.DataFrame(unseen, columns=INPUTS)
    models = (
        ("logistic regression", LogisticRegression(C=0.5)),
        ("boosted trees", GradientBoostingClassifier(n_estimators=60, max_depth=2, random_state=0)),
    )
    said: list[str] = []
    for name, model in models:
        with autotrack.start_run(name, "churn") as run:
            run.log_params(model.get_params())
            model.fit(table, y)
            chances = model.predict_proba(test)[:, 1]
            score = float(((chances > 0.5) == truth).mean())
            run.log_metrics({"val_accuracy": score, "val_loss": _log_loss(np.log(chances / (1 - chances)), truth)})
            run.log_model(model, "model", example=table.head(5))
            pictures.files(run, truth, chances > 0.5, INPUTS, model)
        alias = "champion" if not said else None
        version = autotrack.register_model(run, "churn", alias=alias, description=f"Who leaves, by {name}.")
        said.append(f"v{version.version} {name} {score:.3f}")
    return ", ".join(said) + "; models:/churn@champion is v1"


def boosting(random: np.random.Generator) -> str:
    """Boosted trees on data sets that ship with scikit-learn, their losses round by round."""
    from sklearn.datasets import load_diabetes, load_digits
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    made = 0
    for load, kind in ((load_diabetes, GradientBoostingRegressor), (load_digits, GradientBoostingClassifier)):
        data, target = load(return_X_y=True)
        order = random.permutation(len(data))[:600]
        for rate in (0.05, 0.1, 0.3):
            with autotrack.start_run(f"{load.__name__[5:]}, rate {rate}", "boosting") as run:
                model = kind(learning_rate=rate, n_estimators=60, max_depth=2, max_features=8, random_state=0)
                run.log_params(model.get_params())
                model.fit(data[order[:400]], target[order[:400]])
                for step, loss in enumerate(model.train_score_):
                    run.log_metric("train_loss", float(loss), step=step)
                run.log_metric("val_score", float(model.score(data[order[400:]], target[order[400:]])))
                made += 1
    return f"{made} models of diabetes and digits"


def resnet(random: np.random.Generator) -> str:
    """56 runs with curves of 100 to 5,000 points, as a large network's look."""
    points = 0
    for number in range(56):
        steps = int(random.choice([100, 300, 1000, 2000, 5000]))
        rate, batch = float(10 ** random.uniform(-4, -1)), int(random.choice([64, 128, 256]))
        floor = 0.15 + 0.25 * abs(math.log10(rate) + 2.3)
        at = np.arange(steps)
        course = floor + (2.3 - floor) * np.exp(-6 * at / steps)
        noise = random.normal(0, 0.06, steps)
        with autotrack.start_run(f"resnet-{number:02d}", "resnet") as run:
            run.log_params({"lr": f"{rate:.2e}", "batch_size": batch, "depth": int(random.choice([18, 34, 50]))})
            run.log_params({"optimizer": str(random.choice(OPTIMIZERS[:3])), "augment": bool(random.integers(2))})
            for step, (train, val) in enumerate(zip(course + noise, course * 1.1 + noise[::-1], strict=True)):
                run.log_metric("train/loss", float(train), step=step)
                run.log_metric("val/loss", float(val), step=step)
                run.log_metric("val/accuracy", float(min(0.99, 1 - val / 3)), step=step)
                run.log_metric("train/lr", rate * 0.5 * (1 + math.cos(math.pi * step / steps)), step=step)
            points += 4 * steps
    return f"56 runs, {points:,} points"


def sweep(random: np.random.Generator) -> str:
    """10,000 runs of 20 params, of which 12 vary."""
    constant = {"epochs": 20, "dataset": "digits", "seed": 0, "loss": "log", "device": "cpu", "dtype": "float32"}
    constant |= {"shuffle": True, "workers": 2}
    for number in range(10_000):
        rate, decay = float(10 ** random.uniform(-5, -0.5)), float(10 ** random.uniform(-6, -1))
        width, depth, drop = int(2 ** random.integers(4, 10)), int(random.integers(1, 7)), float(random.uniform(0, 0.6))
        optimizer, batch = OPTIMIZERS[random.integers(4)], int(2 ** random.integers(4, 10))
        loss = 0.12 + 0.09 * (math.log10(rate) + 2.6) ** 2 + 0.25 * abs(drop - 0.2) + 0.02 * abs(depth - 3)
        loss = float(loss + 0.03 * (optimizer == "sgd") + abs(random.normal(0, 0.04)))
        with autotrack.start_run(f"trial-{number:05d}", "sweep") as run:
            run.log_params({**constant, "lr": f"{rate:.3g}", "weight_decay": f"{decay:.3g}", "width": width})
            run.log_params({"depth": depth, "dropout": f"{drop:.2f}", "optimizer": optimizer, "batch_size": batch})
            run.log_params(
                {"activation": ("relu", "gelu", "tanh")[random.integers(3)], "norm": bool(random.integers(2))}
            )
            run.log_params({"warmup": int(random.integers(0, 6)), "clip": f"{random.uniform(0.5, 5):.1f}"})
            run.log_params({"schedule": ("constant", "cosine", "step")[random.integers(3)]})
            if number % 250 == 249:
                run.log_metric("train_loss", math.nan)  # one that got nowhere, and has no validation loss
                continue
            run.log_metrics({"val_loss": loss, "val_accuracy": max(0.1, 1 - loss * 0.7), "train_loss": loss * 0.8})
            run.log_metric("seconds_per_epoch", width * depth / 900 + 0.2)
    return "10,000 runs of 20 params"


def wide(random: np.random.Generator) -> str:
    """One run with 100 metrics of 10,000 points; a single spike, at step 5,003 of the first."""
    with autotrack.start_run("wide", "wide") as run:
        run.log_params({"layers": 10, "probes": 10})
        for layer in range(10):
            for probe in range(10):
                values = np.abs(np.exp(-np.arange(10_000) / 3000) + random.normal(0, 0.02, 10_000)).tolist()
                if layer == probe == 0:
                    values[5003] = 99.0
                key = f"layer{layer}/metric_{probe:02d}"
                for step, value in enumerate(values):
                    run.log_metric(key, value, step=step)
    return "1 run, 100 metrics of 10,000 points"


def ups_and_downs(random: np.random.Generator) -> str:
    """What goes wrong: a training that fails, and one of a working tree that nobody has committed."""
    from sklearn.linear_model import Ridge

    x, y, *_ = customers(random, 90)
    with autotrack.start_run("ridge", "ups-and-downs") as run:
        run.log_param("alpha", 0.5)
        run.log_metric("val_score", float(Ridge(alpha=0.5).fit(x, y).score(x, y)))
    try:
        with autotrack.start_run("ridge, wrong shape", "ups-and-downs") as run:
            run.log_param("alpha", 0.5)
            print("fitting 60 rows against 59 answers", file=sys.stderr)
            Ridge(alpha=0.5).fit(x, y[:-1])
    except ValueError:
        return "2 runs, one of which fails with a traceback"
    raise AssertionError("scikit-learn fitted rows of another number than answers")


def _sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(values, -40, 40)))


def _log_loss(logits: Array, truth: Array) -> float:
    return float(np.mean(np.logaddexp(0, np.where(truth == 1, -logits, logits))))


if __name__ == "__main__":
    main(int(sys.argv[1]))
