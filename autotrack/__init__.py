"""autotrack: what ran, with what, and what came out of any machine-learning training, with one line or none.

    import autotrack

    autotrack.enable()

Names are loaded when they are first used, so that importing this costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .core.late import late_names
from .core.version import __version__

_HOMES = {
    "enable": ".core.switch",
    "disable": ".core.switch",
    "is_enabled": ".core.switch",
    "start_run": ".core.runs.starting",
    "active_run": ".core.runs.active",
    "Run": ".core.runs.run",
    "Status": ".core.entities",
    "Client": ".client",
    "RunList": ".client",
    "get_run": ".client",
    "last_run": ".client",
    "search_runs": ".client",
    "diff": ".client.answers",
    "export_runs": ".client.answers",
    "import_runs": ".client.answers",
    "lineage": ".client.answers",
    "bisect": ".rebuilding",
    "rebuild": ".rebuilding",
    "register_model": ".client.answers",
    "load_model": ".models",
    "load_pyfunc": ".models",
    "save_model": ".models",
    "run_project": ".core.projects",
    "spark_udf": ".core.spark",
    "AutotrackError": ".core.errors",
    **dict.fromkeys(
        (
            "log_metric log_metrics log_param log_params set_tag set_tags log_artifact log_artifacts log_text log_dict "
            "log_figure log_image log_table log_dataset log_model"
        ).split(),
        ".core.runs.module_api",
    ),
}

if TYPE_CHECKING:
    from autotrack.core.runs.active import active_run
    from autotrack.core.runs.module_api import (
        log_artifact,
        log_artifacts,
        log_dataset,
        log_dict,
        log_figure,
        log_image,
        log_metric,
        log_metrics,
        log_model,
        log_param,
        log_params,
        log_table,
        log_text,
        set_tag,
        set_tags,
    )
    from autotrack.core.runs.run import Run
    from autotrack.core.runs.starting import start_run

    from .client import Client, RunList, get_run, last_run, search_runs
    from .client.answers import diff, export_runs, import_runs, lineage, register_model
    from .core.entities import Status
    from .core.errors import AutotrackError
    from .core.projects import run_project
    from .core.spark import spark_udf
    from .core.switch import disable, enable, is_enabled
    from .models import load_model, load_pyfunc, save_model
    from .rebuilding import bisect, rebuild

__all__ = [
    "AutotrackError",
    "Client",
    "Run",
    "RunList",
    "Status",
    "__version__",
    "active_run",
    "bisect",
    "diff",
    "disable",
    "enable",
    "export_runs",
    "get_run",
    "import_runs",
    "is_enabled",
    "last_run",
    "lineage",
    "load_model",
    "load_pyfunc",
    "log_artifact",
    "log_artifacts",
    "log_dataset",
    "log_dict",
    "log_figure",
    "log_image",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "rebuild",
    "register_model",
    "run_project",
    "save_model",
    "search_runs",
    "set_tag",
    "set_tags",
    "spark_udf",
    "start_run",
]

__getattr__ = late_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
