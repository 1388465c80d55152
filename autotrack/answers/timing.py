"""Names under which autotrack and libraries log how long something took: it differs though nothing else does.

Only names that mean nothing else are here. By its words alone a name says too little: ``survival_time`` and ``rmse_ms``
are results, and so is a ``duration`` that a model foretells.
"""

from __future__ import annotations

import re

_KNOWN = frozenset(
    # autotrack's plugins
    "fit_seconds train_seconds cv_seconds steps_per_second samples_per_second "
    # scikit-learn: cross_validate, cv_results_, learning_curve
    "fit_time score_time mean_fit_time std_fit_time mean_score_time std_score_time refit_time fit_times score_times "
    # AutoGluon's leaderboard
    "fit_time_marginal pred_time_val pred_time_test pred_time_val_marginal pred_time_test_marginal "
    # Ray, Detectron2, CatBoost, Optuna's trials
    "time_this_iter_s time_total_s time_since_restore eta_seconds passed_time remaining_time datetime_start "
    "datetime_complete".split()
)
#: Trainer of Hugging Face, whose stages have names; Stable-Baselines3; Lightning's ThroughputMonitor.
_SHAPES = re.compile(
    r"(?:train|eval|test|predict)_(?:runtime|(?:samples|steps|tokens)_per_second)|"
    r"(?:.*/)?time/(?:fps|time_elapsed)|(?:.*/)?device/(?:batches|samples|items|flops)_per_sec"
)
#: Words that end a name which sounds like a measure of time: enough to show it last, too little to leave it out.
_SOUNDS = re.compile(r"(^|[^a-z])(seconds?|secs?|time|times|duration|elapsed|latency|ms|per_second|per_sec)$")
_PLACE = re.compile(r"[./]")


def is_timing(key: str) -> bool:
    """True for a name under which autotrack or a library is known to log how long something took; what stands before
    the last dot or slash says of what (``Ridge_2.fit_seconds``)."""
    last = _PLACE.split(key)[-1]
    return last in _KNOWN or _SHAPES.fullmatch(last) is not None or _SHAPES.fullmatch(key) is not None


def sounds_like_time(key: str) -> bool:
    """True for a name that may tell how long something took, and may be a result."""
    return _SOUNDS.search(key.lower()) is not None
