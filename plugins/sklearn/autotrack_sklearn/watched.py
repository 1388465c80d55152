"""What of scikit-learn is watched, and where it is defined."""

from __future__ import annotations

from autotrack.plugin import Family, Patch

from .evaluation import measured, predicted, scored, scorer_called
from .fit import fitted
from .validation import cross_validated, quiet

VERSIONS = ">=1.6"
DISTRIBUTION = "scikit-learn"

_VALIDATION = "sklearn.model_selection._validation"
#: Functions whose fits are no trainings of their own: one frame around them, no run.
_QUIET = (
    (_VALIDATION, "sklearn.model_selection", "cross_val_predict"),
    (_VALIDATION, "sklearn.model_selection", "learning_curve"),
    (_VALIDATION, "sklearn.model_selection", "validation_curve"),
    (_VALIDATION, "sklearn.model_selection", "permutation_test_score"),
    ("sklearn.inspection._permutation_importance", "sklearn.inspection", "permutation_importance"),
)
_JUDGING = ("cross_validate", "cross_val_score")

#: The functions of ``sklearn.metrics`` that judge predictions, by the module that defines them.
METRICS = {
    "sklearn.metrics._classification": """accuracy_score balanced_accuracy_score brier_score_loss
        class_likelihood_ratios classification_report cohen_kappa_score confusion_matrix d2_log_loss_score f1_score
        fbeta_score hamming_loss hinge_loss jaccard_score log_loss matthews_corrcoef multilabel_confusion_matrix
        precision_recall_fscore_support precision_score recall_score zero_one_loss d2_brier_score""",
    "sklearn.metrics._ranking": """auc average_precision_score coverage_error dcg_score det_curve
        label_ranking_average_precision_score label_ranking_loss ndcg_score precision_recall_curve roc_auc_score
        roc_curve top_k_accuracy_score""",
    "sklearn.metrics._regression": """d2_absolute_error_score d2_pinball_score d2_tweedie_score
        explained_variance_score max_error mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance
        mean_pinball_loss mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance
        median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error""",
    "sklearn.metrics.cluster._supervised": """adjusted_mutual_info_score adjusted_rand_score completeness_score
        fowlkes_mallows_score homogeneity_completeness_v_measure homogeneity_score mutual_info_score
        normalized_mutual_info_score pair_confusion_matrix rand_score v_measure_score""",
    "sklearn.metrics.cluster._unsupervised": "calinski_harabasz_score davies_bouldin_score silhouette_score",
}
#: Mixins, which are no estimators themselves: methods that a family of estimators does not find.
_MIXED_IN = {
    "sklearn.linear_model._base:LinearClassifierMixin.predict": predicted,
    "sklearn.linear_model._base:LinearClassifierMixin.decision_function": predicted,
    "sklearn.linear_model._ridge:_RidgeClassifierMixin.predict": predicted,
    "sklearn.base:ClassifierMixin.score": scored,
    "sklearn.base:RegressorMixin.score": scored,
    "sklearn.metrics._scorer:_BaseScorer.__call__": scorer_called,
}


def declarations() -> list[Patch | Family]:
    """Every estimator's fits, the users' own included, the functions that fit many times, and what measures models."""
    family = Family(
        base="sklearn.base:BaseEstimator",
        methods=("fit", "fit_predict", "fit_transform", "partial_fit"),
        probe=fitted,
        versions=VERSIONS,
        distribution=DISTRIBUTION,
    )
    judged = [_patch(_VALIDATION, "sklearn.model_selection", name, cross_validated) for name in _JUDGING]
    return [family, *judged, *(_patch(home, shown, name, quiet) for home, shown, name in _QUIET), *_after_fits()]


def _after_fits() -> list[Patch | Family]:
    """Predictions and scores of every estimator; every metric, where it is defined and where users import it from."""
    about = {"versions": VERSIONS, "distribution": DISTRIBUTION}
    estimator = "sklearn.base:BaseEstimator"
    asking = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    found: list[Patch | Family] = [
        Family(estimator, asking, predicted, **about),  # type: ignore[arg-type]
        Family(estimator, ("score",), scored, **about),  # type: ignore[arg-type]
    ]
    found += [Patch(target, probe, optional=True, **about) for target, probe in _MIXED_IN.items()]  # type: ignore[arg-type]
    for home, names in METRICS.items():
        # The functions are in many hands when they are patched (scorers, users' dicts and partials): see `Patch.inner`.
        shown = home.rpartition(".")[0]
        for name in names.split():
            places = (
                (f"{shown}:{name}", f"sklearn.metrics:{name}") if shown != "sklearn.metrics" else (f"{shown}:{name}",)
            )
            found.append(Patch(f"{home}:{name}", measured, also=places, optional=True, inner=True, **about))  # type: ignore[arg-type]
    return found


def _patch(home: str, shown: str, name: str, probe: object) -> Patch:
    """A function where it is defined and where users import it from: one object in both, so that it still pickles."""
    return Patch(
        target=f"{home}:{name}",
        also=(f"{shown}:{name}",),
        probe=probe,  # type: ignore[arg-type]
        versions=VERSIONS,
        distribution=DISTRIBUTION,
    )
