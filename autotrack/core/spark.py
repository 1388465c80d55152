"""``autotrack.spark_udf``: what the spark plugin (or another one) does for whoever calls it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .errors import PluginError
from .plugins.registry import plugins


def spark_udf(
    spark: Any,
    uri: str | os.PathLike[str],
    result_type: Any = None,
    env: str = "local",
    *,
    params: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Any:
    """A model as a function of columns, for batch and streaming DataFrames of Spark.

        predict = autotrack.spark_udf(spark, "models:/churn@champion")
        df.withColumn("churn", predict())                      # the columns that its signature names
        df.withColumn("churn", predict(struct("age", "plan")))  # or a struct of them, or one by one, in their order
        spark.udf.register("churn", predict)                   # for SQL

    ``result_type`` is a type of Spark's or its name (``"double"``, ``"array<double>"``); by default what the signature
    says of the predictions, else ``double``. The model's files travel with the function, each Python worker loads them
    once. ``env="virtualenv"``: in an environment of its own with the packages that the model asks for, built once on
    each machine; ``local``: in the worker's. ``trust`` as for ``load_model``. UsageError without pyspark, SchemaError
    where the signature's answer is no type of Spark's, or columns are not as many as it names.
    """
    arguments = {"result_type": result_type, "env": env, "params": params, "trust": trust}
    found = plugins().choose("spark_udf", spark=spark, uri=os.fspath(uri), arguments=arguments)
    if found is None:
        raise PluginError("no plugin brings models to Spark; the plugin `spark` is blocked or not installed")
    return found


__all__ = ["spark_udf"]
