"""A model asked on Spark for what it answers to a few rows."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autotrack.plugin import UsageError

from .functions import NO_SPARK, spark_udf

if TYPE_CHECKING:
    from collections.abc import Iterator


def ask_on_spark(folder: str, example: Any, trust: bool) -> Any:
    """The answers, in the order of the rows (UsageError without pyspark)."""
    try:
        import pandas as pd
        from pyspark.sql import functions
    except ImportError as error:
        raise UsageError(f"{NO_SPARK} ({error})") from error
    table = example if isinstance(example, pd.DataFrame) else pd.DataFrame(_rows(example))
    named = table.set_axis([f"c{at}" for at in range(table.shape[1])], axis=1)
    with _session() as spark:
        predict = spark_udf(spark, folder, trust=trust or None)
        rows = spark.createDataFrame(named.assign(row=range(len(named))))
        if isinstance(example, pd.DataFrame):
            asked = predict(
                functions.struct(*[functions.col(n).alias(str(c)) for n, c in zip(named, table, strict=True)])
            )
        else:
            asked = predict(functions.array(*named.columns))
        found = rows.select("row", asked.alias("answer")).orderBy("row").collect()
    answers = [row["answer"] for row in found]
    return pd.DataFrame([row.asDict() for row in answers]) if answers and hasattr(answers[0], "asDict") else answers


def _rows(example: Any) -> Any:
    return example.toarray() if hasattr(example, "toarray") else example


@contextmanager
def _session() -> Iterator[Any]:
    """The session that is there, or one of two threads, which ends with the question."""
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").appName("autotrack models verify")
    quiet = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.ui.showConsoleProgress": "false"}
    for name, value in quiet.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()
