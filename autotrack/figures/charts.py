"""What a chart document may say (docs/charts.md), and what is wrong with one that says something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeGuard

from autotrack.core.errors import ArtifactError

VERSION = 1
#: Values, rows and parts that are drawn at most; a larger document is refused before anything is made of it.
MOST = 1_000_000
DEEPEST = 50
LARGEST = 1e300

Document = Mapping[str, Any]


def read(content: bytes | str) -> Document:
    """The chart in a JSON file. ArtifactError where it holds none."""
    try:
        document = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"this file holds no chart: it is not JSON ({error})") from None
    validate(document)
    checked: Document = document
    return checked


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON's; a missing one is null")


def validate(document: object) -> None:
    """Raises ArtifactError, which names the part and what was found there, unless the document is a chart."""
    if not isinstance(document, Mapping):
        raise ArtifactError(f"a chart is a JSON object, not a {type(document).__name__}")
    version = document.get("chart")
    if version != VERSION or isinstance(version, bool):
        raise ArtifactError(f'this chart has the format {version!r}, and this autotrack draws "chart": {VERSION}')
    kind = document.get("kind")
    check = KINDS.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise ArtifactError(f"there is no kind of chart {document.get('kind')!r}; there are {', '.join(KINDS)}")
    for name in ("title", "note"):
        if not isinstance(document.get(name, ""), str):
            raise _wrong(name, "text", document[name])
    for name in ("x", "y"):
        _axis(document.get(name, {}), name)
    check(document)


def several(document: Document) -> dict[str, Document]:
    """The charts by name in a document of the kind "several"; {"": document} for any other."""
    return dict(document["charts"]) if document["kind"] == "several" else {"": document}


def _several(document: Document) -> None:
    charts = document.get("charts")
    if not isinstance(charts, Mapping) or len(charts) > 1000:
        raise _wrong("charts", "an object of charts by name", charts)
    for one in charts.values():
        if isinstance(one, Mapping) and one.get("kind") == "several":
            raise _wrong("charts", "charts of other kinds", "several")
        validate(one)


def _wrong(place: str, wanted: str, found: object) -> ArtifactError:
    return ArtifactError(f"this chart's {place} is {str(found)[:60]!r}, and {wanted} is wanted there")


def _axis(axis: Any, name: str) -> None:
    if not isinstance(axis, Mapping):
        raise _wrong(name, "an object with a label", axis)
    if not isinstance(axis.get("label", ""), str):
        raise _wrong(f"{name}.label", "text", axis["label"])
    if axis.get("scale", "linear") not in ("linear", "log"):
        raise _wrong(f"{name}.scale", '"linear" or "log"', axis["scale"])
    limits = axis.get("range")
    if limits is not None and not (_is_list(limits, 2) and all(_is_number(end) for end in limits)):
        raise _wrong(f"{name}.range", "two numbers", limits)


def _series(document: Document) -> None:
    series = document.get("series")
    if not isinstance(series, list) or not series or len(series) > 1000:
        raise _wrong("series", "a list of one to 1,000 objects", series)
    for at, one in enumerate(series):
        if not isinstance(one, Mapping):
            raise _wrong(f"series[{at}]", "an object with name, x and y", one)
        if not isinstance(one.get("name", ""), str):
            raise _wrong(f"series[{at}].name", "text", one["name"])
        if one.get("style", "solid") not in ("solid", "dashed", "steps"):
            raise _wrong(f"series[{at}].style", '"solid", "dashed" or "steps"', one["style"])
        across, up = one.get("x"), one.get("y")
        if not _is_list(across) or not _is_list(up) or len(across) != len(up):
            raise ArtifactError(f"this chart's series[{at}] needs two lists of one length, x and y")
        for value in up:
            if value is not None and not _is_number(value):
                raise _wrong(f"series[{at}].y", "numbers or null", value)
        for value in across:
            if not (value is None or _is_number(value) or (document["kind"] == "bars" and isinstance(value, str))):
                raise _wrong(f"series[{at}].x", "numbers or null (of bars: or text)", value)


def _texts(document: Document, name: str) -> list[str]:
    labels = document.get(name)
    if not _is_list(labels) or not labels or not all(isinstance(label, str) for label in labels):
        raise _wrong(name, "a list of texts", labels)
    return labels


def _matrix(document: Document) -> None:
    rows, columns = _texts(document, "rows"), _texts(document, "columns")
    values = document.get("values")
    if len(rows) * len(columns) > MOST or not _is_list(values, len(rows)):
        raise _wrong("values", "a list for each row", values)
    for row in values:
        if not _is_list(row, len(columns)) or not all(value is None or _is_number(value) for value in row):
            raise _wrong("values", "a number (or null) for each column", row)


def _table(document: Document) -> None:
    columns, rows = _texts(document, "columns"), document.get("rows")
    if not _is_list(rows):
        raise _wrong("rows", "a list of lists", rows)
    for row in rows:
        if not _is_list(row, len(columns)):
            raise _wrong("rows", "a value for each column", row)
        for value in row:
            if value is not None and not isinstance(value, (str, bool)) and not _is_number(value):
                raise _wrong("rows", "text, numbers, true, false or null", value)


def _tree(document: Document) -> None:
    waiting, count = [(document.get("root"), 0)], 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if not isinstance(node, Mapping) or not isinstance(node.get("name"), str):
            raise _wrong("root", "an object with a name", node)
        if not isinstance(node.get("detail", ""), str):
            raise _wrong("root", "a detail that is text", node["detail"])
        children = node.get("children", [])
        if not _is_list(children) or depth > DEEPEST or count > 10_000:
            raise _wrong("root", f"a list of children, no deeper than {DEEPEST}", children)
        waiting += [(child, depth + 1) for child in children]


def _is_list(value: object, length: int | None = None) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and len(value) <= MOST and (length is None or len(value) == length)


def _is_number(value: object) -> bool:
    # What is larger overflows in the drawing; NaN is not smaller than anything.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


#: The kinds of charts, each with its check.
KINDS: dict[str, Callable[[Document], None]] = {
    "lines": _series,
    "points": _series,
    "bars": _series,
    "matrix": _matrix,
    "table": _table,
    "tree": _tree,
    "several": _several,
}
