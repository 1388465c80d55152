"""The notebook's state as a notebook: what ran in the kernel, in the places of the file's cells (nbformat 4.5)."""

from __future__ import annotations

import json
import math
import platform
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from autotrack.plugin import mask

from .cells import Ran
from .outputs import JSON, LEFT_OUT, Room

Cell = dict[str, Any]
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
#: What is text in an output, and so may hold a secret. Pictures are base64.
_TEXT = ("text/", "application/json", "application/javascript", "image/svg+xml", "application/vnd.")


def notebook(
    ran: list[tuple[Ran, list[Cell]]],
    file: Mapping[str, Any] | None,
    name: str | None = None,
    room: int = 1 << 24,
    deadline: float = math.inf,
    typed: Sequence[str] = (),
) -> dict[str, Any]:
    """The whole notebook, masked. ``ran`` are the executions with their outputs, ``file`` the notebook as it was saved,
    where that is known, ``name`` its file's; ``typed`` are the sources of all executions in order. Outputs of cells
    that did not run take at most ``room`` characters. TimeoutError where ``deadline`` (``time.monotonic()``) passes."""
    saved = cells_of(file)
    metadata = file.get("metadata") if file is not None else None
    kernel = metadata.get("kernelspec") if isinstance(metadata, Mapping) else None
    left = Room(room)
    cells = []
    for cell, found in placed(ran, saved):
        if time.monotonic() > deadline:
            raise TimeoutError("there was no time to mask all that the notebook shows")
        cells.append(_of_file(cell or {}, left) if found is None else _of_kernel(cell, *found))
    return {
        "cells": _with_ids(cells),
        "metadata": {
            "kernelspec": kernel
            if isinstance(kernel, Mapping) and {"name", "display_name"} <= set(kernel)
            else _KERNEL,
            "language_info": {"name": "python", "version": platform.python_version(), "file_extension": ".py"},
            "autotrack": {"file": name, "history": [mask(source, source=True) for source in typed]},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def cells_of(file: Mapping[str, Any] | None) -> list[Cell]:
    """The cells of a notebook file, as far as they are cells; none of one that is not of nbformat 4."""
    found = file.get("cells") if file is not None and file.get("nbformat") == 4 else None
    return [cell for cell in found if isinstance(cell, dict)] if isinstance(found, list) else []


def text_of(value: Any) -> str:
    """A text as nbformat has it: one string, or a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def placed(
    ran: list[tuple[Ran, list[Cell]]], saved: list[Cell]
) -> list[tuple[Cell | None, tuple[Ran, list[Cell]] | None]]:
    """Pairs of a file's cell and the execution that belongs to it, in the order of the file.

    They belong together by the cell's id, else by the same source: the last executions of it, in the order of the
    cells that have it. What ran and is in no cell stands behind what ran before it.
    """
    code = [at for at, cell in enumerate(saved) if cell.get("cell_type") == "code"]
    by_id = {one[0].cell_id: one for one in ran if one[0].cell_id is not None}
    places: dict[int, tuple[Ran, list[Cell]]] = {}
    for at in code:
        one = by_id.get(saved[at].get("id")) if isinstance(saved[at].get("id"), str) else None
        if one is not None:
            places[at] = one
    taken = {id(one[0]) for one in places.values()}
    by_source: dict[str, list[tuple[Ran, list[Cell]]]] = {}
    for one in ran:
        if id(one[0]) not in taken:
            by_source.setdefault(plain(one[0].source), []).append(one)
    open_places: dict[str, list[int]] = {}
    for at in code:
        if at not in places:
            open_places.setdefault(plain(text_of(saved[at].get("source"))), []).append(at)
    former: set[int] = set()
    for source, ats in open_places.items():
        executions = by_source.get(source, [])
        former |= {id(one[0]) for one in executions[: -len(ats)]}
        places.update(zip(ats, executions[-len(ats) :], strict=False))
    return _in_order(ran, saved, places, former)


def _in_order(
    ran: list[tuple[Ran, list[Cell]]], saved: list[Cell], places: dict[int, Any], former: set[int]
) -> list[tuple[Cell | None, Any]]:
    at_of = {id(one[0]): at for at, one in places.items()}
    behind: dict[int, list[Any]] = {}
    at = -1
    for one in ran:
        if id(one[0]) in at_of:
            at = at_of[id(one[0])]
        elif id(one[0]) not in former:
            behind.setdefault(at, []).append(one)
    found: list[tuple[Cell | None, Any]] = [(None, one) for one in behind.get(-1, ())]
    for at, cell in enumerate(saved):
        found.append((cell, places.get(at)))
        found += [(None, one) for one in behind.get(at, ())]
    return found


def plain(source: str) -> str:
    """A source as it is compared: front ends differ in the line ends that they send."""
    return source.replace("\r\n", "\n").rstrip()


def _of_kernel(cell: Cell | None, ran: Ran, outputs: list[Cell]) -> Cell:
    known: Cell = cell if cell is not None else {}
    about: Cell = {"ran": ran.state}
    if ran.state == "unseen":
        outputs = list(_outputs(known)) if known.get("execution_count") == ran.number else []
    else:
        about["began"] = datetime.fromtimestamp(ran.began / 1e9, UTC).isoformat()
        about |= {} if ran.seconds is None else {"seconds": round(ran.seconds, 3)}
    return {
        "cell_type": "code",
        "id": known.get("id") or ran.cell_id,
        "metadata": _metadata(known) | {"autotrack": about},
        "source": mask(ran.source, source=True),
        "execution_count": ran.number,
        "outputs": _all_masked(ran, outputs),
    }


def _all_masked(ran: Ran, outputs: list[Cell]) -> list[Cell]:
    """The outputs masked; the list of the last time where they are the same as then."""
    if ran.masked is None or ran.masked[0] is not outputs:
        ran.masked = outputs, [_masked(output) for output in outputs]
    return ran.masked[1]


def _of_file(cell: Cell, room: Room) -> Cell:
    kind = cell.get("cell_type")
    found: Cell = {"cell_type": kind if kind in ("code", "markdown", "raw") else "raw", "id": cell.get("id")}
    found["metadata"] = _metadata(cell)
    found["source"] = mask(text_of(cell.get("source")), source=kind == "code")
    if kind == "code":
        number = cell.get("execution_count")
        found["execution_count"] = number if type(number) is int and number >= 0 else None
        found["outputs"] = _bounded([_masked(output) for output in _outputs(cell)], room)
        found["metadata"]["autotrack"] = {"ran": "not in this kernel"}
    elif isinstance(cell.get("attachments"), dict):
        found["attachments"] = {
            name: bundle for name, bundle in cell["attachments"].items() if isinstance(bundle, dict)
        }
    return found


def _bounded(outputs: list[Cell], room: Room) -> list[Cell]:
    """The outputs, or a note in their place where there is no room for them."""
    size = sum(len(json.dumps(output, ensure_ascii=False)) for output in outputs)
    if size > room.left:
        note = LEFT_OUT.format(count=size, limit=room.limit)
        return [{"output_type": "stream", "name": "stderr", "text": note}]
    room.used += size
    return outputs


def _metadata(cell: Mapping[str, Any]) -> Cell:
    found = cell.get("metadata")
    return dict(found) if isinstance(found, Mapping) else {}


def _outputs(cell: Mapping[str, Any]) -> Iterable[Cell]:
    found = cell.get("outputs")
    for output in found if isinstance(found, list) else ():
        if isinstance(output, dict):
            kind = output.get("output_type")
            if kind == "stream":
                yield {"output_type": kind, "name": str(output.get("name")), "text": text_of(output.get("text"))}
            elif kind == "error":
                lines = output.get("traceback")
                lines = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
                yield {"output_type": kind, "ename": str(output.get("ename")), "evalue": str(output.get("evalue")),
                       "traceback": lines}  # fmt: skip
            elif kind in ("display_data", "execute_result") and isinstance(output.get("data"), dict):
                bundle = {
                    mime: value if JSON.fullmatch(mime) else text_of(value) for mime, value in output["data"].items()
                }
                number = output.get("execution_count")
                count = {"execution_count": number if type(number) is int else None}
                yield {"output_type": kind, "data": bundle, "metadata": _metadata(output)} | (
                    count if kind == "execute_result" else {}
                )


def _masked(output: Cell) -> Cell:
    """An output with the secrets in its texts masked."""
    kind = output["output_type"]
    if kind == "stream":
        return output | {"text": mask(output["text"])}
    if kind == "error":
        lines = mask("\n".join(output["traceback"])).split("\n") if output["traceback"] else []
        return output | {"evalue": mask(output["evalue"]), "traceback": lines}
    return output | {"data": {mime: _masked_value(mime, value) for mime, value in output["data"].items()}}


def _masked_value(mime: str, value: Any) -> Any:
    if not mime.startswith(_TEXT):
        return value
    if isinstance(value, str):
        return mask(value)
    text = json.dumps(value, ensure_ascii=False)
    hidden = mask(text)
    if hidden == text:
        return value
    try:
        return json.loads(hidden)
    except ValueError:  # the mask stands for more than a text
        return hidden


def _with_ids(cells: list[Cell]) -> list[Cell]:
    """The cells, each with an id of its own that nbformat takes."""
    seen: set[str] = set()
    for number, cell in enumerate(cells):
        known = cell["id"]
        if not isinstance(known, str) or not _ID.fullmatch(known) or known in seen:
            known = f"cell-{number}"
            while known in seen:
                known += "-"
        seen.add(known)
        cell["id"] = known
    return cells
