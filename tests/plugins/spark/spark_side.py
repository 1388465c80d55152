"""Everything that is asked of Spark, in one session: prints a JSON object of what came of each question."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from pyspark.sql import SparkSession
from pyspark.sql.functions import array, col, spark_partition_id, struct
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
from autotrack.cli.platforms import on_platforms

os.environ["PYSPARK_PYTHON"] = sys.executable
work = Path(sys.argv[1])
found: dict[str, Any] = {}


def error_of(ask: Any) -> str:
    try:
        ask()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "none"


def trained() -> dict[str, str]:
    """Models by name: a pipeline of named columns, one of several answers a row, and XGBoost's."""
    autotrack.enable()
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.integers(18, 80, 300), "income": rng.normal(3000, 800, 300)})
    uris = {}
    make_pipeline(StandardScaler(), LogisticRegression()).fit(table, (table.income > 3000).astype(int))
    uris["churn"] = f"runs:/{autotrack.last_run().id}/model"
    matrix = rng.normal(size=(100, 3))
    LinearRegression().fit(matrix, matrix @ np.array([[1, 2], [3, 4], [5, 6.0]]))
    uris["two"] = f"runs:/{autotrack.last_run().id}/model"
    xgboost.XGBRegressor(n_estimators=5).fit(matrix, matrix[:, 0])
    uris["trees"] = f"runs:/{autotrack.last_run().id}/model"
    LinearRegression().fit(matrix, matrix[:, 2])
    uris["last"] = f"runs:/{autotrack.last_run().id}/model"
    table.to_pickle(work / "table.pkl")
    np.save(work / "matrix.npy", matrix)
    return uris


uris = trained()
runs = len(autotrack.search_runs(max_results=1000))
table, matrix = pd.read_pickle(work / "table.pkl"), np.load(work / "matrix.npy")
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.ui.showConsoleProgress", "false")
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")

churn = autotrack.spark_udf(spark, uris["churn"])
rows = spark.createDataFrame(table).repartition(4)
wanted = autotrack.load_pyfunc(uris["churn"]).predict
for name, asked in {
    "by its names": churn(),
    "a struct": churn(struct("age", "income")),
    "a struct in another order": churn(struct(col("income"), col("age"), col("age").alias("more"))),
    "columns": churn("age", "income"),
}.items():
    got = rows.select("age", "income", asked.alias("answer")).toPandas()
    found[name] = got.answer.tolist() == list(wanted(got[["age", "income"]])) and len(got) == 300
spark.udf.register("churn", churn)
rows.createOrReplaceTempView("people")
got = spark.sql("select age, income, churn(age, income) as answer from people").toPandas()
found["sql"] = got.answer.tolist() == list(wanted(got[["age", "income"]]))

numbers = spark.createDataFrame(pd.DataFrame(matrix, columns=list("abc")))
two = autotrack.spark_udf(spark, uris["two"])
expected = autotrack.load_pyfunc(uris["two"]).predict(matrix)
for name, asked in {"several columns": two("a", "b", "c"), "an array": two(array("a", "b", "c"))}.items():
    got = np.array([row[0] for row in numbers.select(asked).collect()])
    found[f"several answers, {name}"] = np.array_equal(got, expected)
named = autotrack.spark_udf(spark, uris["two"], result_type="first: double, second: double")
got = np.array([tuple(row[0]) for row in numbers.select(named("a", "b", "c")).collect()])
found["several answers, named"] = np.array_equal(got, expected)
as_text = autotrack.spark_udf(spark, uris["trees"], result_type="double")
got = np.array([row[0] for row in numbers.select(as_text("a", "b", "c")).collect()])
found["xgboost"] = bool(np.allclose(got, autotrack.load_pyfunc(uris["trees"]).predict(matrix), rtol=1e-6))

rows.write.parquet(str(work / "in"))
stream = spark.readStream.schema(rows.schema).parquet(str(work / "in")).withColumn("answer", churn())
query = stream.writeStream.format("memory").queryName("out").trigger(availableNow=True).start()
query.awaitTermination(60)
got = spark.table("out").toPandas()
found["a stream"] = got.answer.tolist() == list(wanted(got[["age", "income"]])) and len(got) == 300

# A worker loads a model once, whatever the number of its tasks. This one was not asked before.
many = numbers.repartition(16)
loads = Path(os.environ["TMPDIR"], "loads")
before = len(loads.read_text().split())
many.select(autotrack.spark_udf(spark, uris["last"])("a", "b", "c")).collect()
found["tasks"] = many.select(spark_partition_id()).distinct().count()
found["most loads of a worker"] = max(Counter(loads.read_text().split()[before:]).values())

# XGBoost takes nulls for missing values.
holed = [(1.0, None, 0.1), (None, 2.0, 0.2), (0.5, 0.5, None)]
nulls = spark.createDataFrame(holed, "a double, b double, c double")
got = np.array([row[0] for row in nulls.select(as_text("a", "b", "c")).collect()])
found["nulls"] = bool(np.allclose(got, autotrack.load_pyfunc(uris["trees"]).predict(np.array(holed, float)), rtol=1e-6))
found["no rows"] = nulls.filter("a > 99").select(as_text("a", "b", "c")).collect() == []

# Nulls are what they are in pandas: NaN, which the scaler refuses, as it does there.
holes = spark.createDataFrame(pd.DataFrame({"age": [1, 2], "income": [1.0, float("nan")]}))
found["a hole"] = error_of(lambda: holes.select(churn()).collect())
found["too many columns"] = error_of(lambda: churn("age", "income", "age"))
found["one column"] = error_of(lambda: rows.select(churn("age")).collect())
found["no such environment"] = error_of(lambda: autotrack.spark_udf(spark, uris["churn"], env="conda"))
found["no such type"] = error_of(lambda: autotrack.spark_udf(spark, uris["churn"], result_type="doubel"))
found["no names"] = error_of(two)

apart = autotrack.spark_udf(spark, uris["churn"], env="virtualenv")
got = rows.select("age", "income", apart().alias("answer")).toPandas()
found["in an environment of its own"] = got.answer.tolist() == list(wanted(got[["age", "income"]]))
found["its errors"] = error_of(lambda: holes.select(apart()).collect())


def fitted(part: pd.DataFrame) -> pd.DataFrame:
    from sklearn.linear_model import LinearRegression as Inner

    import autotrack as tracked

    tracked.enable()
    Inner().fit(part[["age"]], part["income"])
    return part


rows.groupBy("age").applyInPandas(fitted, rows.schema).count()
found["runs of workers"] = len(autotrack.search_runs(max_results=1000)) - runs

for name in ("churn", "two", "trees"):
    with autotrack.plugin.local_model(uris[name]) as folder:  # type: ignore[attr-defined]
        found[f"verified {name}"] = on_platforms(folder, ["spark"])["spark"].verdict
spark.stop()
found["left behind"] = [path.name for path in Path(os.environ["TMPDIR"]).rglob("autotrack-model-*")]
print("FOUND" + json.dumps(found))
