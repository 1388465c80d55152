"""What a person reads of how a model does in production."""

from __future__ import annotations

from collections.abc import Mapping

import click

from autotrack.plugin import clean

from .status import Served
from .together import too_few


def show(one: Served) -> None:
    """Prints how it goes: requests, latency, how far columns have moved, what was never seen, how good it is."""
    run, metrics = one.run, one.metrics
    few = too_few(metrics)
    workers = f"  {len(one.runs)} workers" if len(one.runs) > 1 else ""
    _say(f"{run.name}  {str(run.status).lower()}  {run.id[:8]}{workers}")
    _say(
        f"  {metrics.get('requests', 0):,.0f} requests, {metrics.get('rows', 0):,.0f} rows, "
        f"{metrics.get('requests_per_second', 0):,.1f} a second; p50 {metrics.get('p50_ms', 0):.1f} ms, "
        f"p99 {metrics.get('p99_ms', 0):.1f} ms; {metrics.get('refused', 0):,.0f} refused, "
        f"{metrics.get('failed', 0):,.0f} failed"
    )
    if few:
        _say(f"  how far {'some columns have' if 'psi' in metrics else 'it has'} moved is not known yet: {few}")
    for name, psi in one.worst[:5]:
        _say(f"  {name}: {_moved(metrics, '{}/' + name)}{'  shifted' if psi >= 0.25 else ''}")
    for name, names in one.unseen.items():
        _say(f"  {name}: never seen in training: {names}")
    if "prediction_psi" in metrics:
        far = "  shifted" if metrics["prediction_psi"] >= 0.25 else ""
        _say(f"  its predictions: {_moved(metrics, 'prediction_{}')}{far}")
    for text in one.alerts:
        _say(f"  alert: {text}")
    for name, value in one.good.items():
        beside = ", ".join(f"{key} {number:.4g}" for key, number in one.training.items())
        _say(f"  {name} {value:.4g} over {metrics.get('truths', 0):,.0f} truths; in training: {beside or 'not known'}")


def _moved(metrics: Mapping[str, float], key: str) -> str:
    """How far something has moved, in the measures that there are of it."""
    found = [(name, metrics.get(key.format(name))) for name in ("psi", "ks", "missing", "outside", "unseen")]
    return ", ".join(
        f"{name} {value:.3f}" if name in ("psi", "ks") else f"{name} {value:.1%}"
        for name, value in found
        if value is not None
    )


def _say(text: str) -> None:
    """Prints a line of what stands in the store, whoever wrote it there."""
    click.echo(clean(text))
