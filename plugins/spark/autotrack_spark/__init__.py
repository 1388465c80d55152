"""Models on Spark: ``autotrack.spark_udf``, for batch and for streams.

Nothing here imports pyspark, pandas or a model's library when it is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from autotrack.plugin import hookimpl


@hookimpl
def spark_udf(spark: Any, uri: str, arguments: Mapping[str, Any]) -> Any:
    """``autotrack.spark_udf``."""
    from .functions import spark_udf

    return spark_udf(spark, uri, **arguments)


@hookimpl
def ask_on(platform: str, folder: str, example: Any, trust: bool) -> Any:
    """``spark``: a session of this machine's own, unless there is one."""
    if platform != "spark":
        return None
    from .asking import ask_on_spark

    return ask_on_spark(folder, example, trust)


@hookimpl
def process_role() -> str | None:
    """Python workers of Spark are workers: what they fit belongs to no run of their own."""
    module = getattr(sys.modules.get("__main__"), "__spec__", None)
    is_worker = module is not None and module.name in ("pyspark.daemon", "pyspark.worker")
    return "worker" if is_worker or "pyspark.daemon" in sys.modules else None
