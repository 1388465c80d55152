"""A model as a function of columns: made on the driver, called on the workers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Union

from autotrack.plugin import SchemaError, UsageError, load_pyfunc, local_model, read_mlmodel, signature_of

from .types import Answer, answer_of
from .worker import Shipped, predicted

_ENVIRONMENTS = ("local", "virtualenv")
NO_SPARK = "spark_udf needs pyspark with pandas and pyarrow: pip install 'autotrack[spark]'"


def spark_udf(
    spark: Any,
    uri: str,
    result_type: Any = None,
    env: str = "local",
    params: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Any:
    """See ``autotrack.spark_udf``."""
    if env not in _ENVIRONMENTS:
        raise UsageError(f"env should be local or virtualenv, not {env!r}")
    try:
        import pandas as pd
        from pyspark.sql.functions import pandas_udf, struct
    except ImportError as error:
        raise UsageError(f"{NO_SPARK} ({error})") from error
    with local_model(uri) as folder:
        entry = read_mlmodel(folder).signature
        signature = None if entry is None else signature_of(entry)
        if env == "local":  # a model that does not load, or answers otherwise here, is seen before anything is shipped
            load_pyfunc(uri, trust=trust)
        content = _zipped(folder)
    names = [str(name) for name in signature.inputs.names] if signature is not None and signature.inputs else []
    answer = answer_of(result_type, signature)
    shipped = Shipped(
        _sent(spark, content), names, answer.kind, answer.fields, env, dict(params or {}), env == "local" or bool(trust)
    )

    def predict(batches: Any) -> Any:
        return predicted(shipped, batches)

    columns = tuple[Union[pd.Series, pd.DataFrame], ...]  # noqa: UP007 - pyspark asks the hint for its origin
    one = pd.DataFrame if answer.kind == "struct" else pd.Series
    predict.__annotations__ = {"batches": Iterator[columns], "return": Iterator[one]}  # type: ignore[valid-type]
    function = pandas_udf(predict, returnType=answer.type)
    return _named(function, names, struct, uri, answer)


def _named(function: Any, names: list[str], struct: Callable[..., Any], uri: str, answer: Answer) -> Any:
    """The function, which called without columns takes those that the model's signature names."""

    def asked(*columns: Any) -> Any:
        if not columns and not names:
            raise UsageError(f"{uri} does not say which columns it takes; name them: udf('a', 'b')")
        if len(columns) > 1 and names and len(columns) != len(names):
            said = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
            raise SchemaError(f"{uri} takes {len(names)} columns ({said}), and {len(columns)} were given")
        return function(*columns) if columns else function(struct(*names))

    # What ``spark.udf.register`` asks a function for.
    for name in ("func", "returnType", "evalType", "deterministic", "asNondeterministic"):
        setattr(asked, name, getattr(function, name))
    asked.__doc__ = f"Predictions of {uri}: {answer.type.simpleString()}."
    return asked


def _zipped(folder: Path) -> bytes:
    """The files of a model's folder, in one piece."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, path.read_bytes())
    return buffer.getvalue()


def _sent(spark: Any, content: bytes) -> Any:
    """What workers ask for the bytes: a broadcast, where the session has any (Spark Connect has none)."""
    context = getattr(spark, "_sc", None)
    return content if context is None else context.broadcast(content)
