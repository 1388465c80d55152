"""What a module is made of, as text and as a few numbers. Reads attributes; calls nothing of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Rows of the table; what lies beyond is counted.
MAX_ROWS = 1000


def parts(module: Any) -> Iterator[tuple[str, Any]]:
    """A module and all below it, each once, with their dotted names; outer ones first."""
    seen: set[int] = set()
    waiting = [("", module)]
    while waiting:
        name, part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield name, part
        below = [(key, inner) for key, inner in vars(part).get("_modules", {}).items() if inner is not None]
        waiting += [(f"{name}.{key}" if name else key, inner) for key, inner in reversed(below)]


def counts(module: Any) -> dict[str, int]:
    """``parameters``: how many numbers the module learns or holds; ``parameters.trainable``: those that it learns."""
    total = trainable = 0
    seen: set[int] = set()
    for _, part in parts(module):
        for tensor in _own(part):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                total += _numel(tensor)
                trainable += _numel(tensor) if tensor.requires_grad else 0
    return {"parameters": total, "parameters.trainable": trainable}


def summary(module: Any) -> str:
    """A table of all parts with class, parameters of their own, and mode; then the totals and the size in memory."""
    rows = [("name", "class", "parameters", "mode")]
    left_out = 0
    for name, part in parts(module):
        if len(rows) > MAX_ROWS:
            left_out += 1
            continue
        own = sum(map(_numel, _own(part)))
        mode = "train" if vars(part).get("training") else "eval"
        rows.append((name or "(itself)", type(part).__name__, f"{own:,}" if own else "", mode))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {own:>{widths[2]}}  {mode}".rstrip()
        for name, kind, own, mode in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    if left_out:
        lines.append(f"... {left_out:,} more")
    total = counts(module)
    frozen = total["parameters"] - total["parameters.trainable"]
    lines += [
        "",
        f"{total['parameters.trainable']:,} trainable parameters, {frozen:,} frozen, {_bytes(module):,} bytes",
    ]
    return "\n".join(lines) + "\n"


def _own(part: Any) -> list[Any]:
    return [tensor for tensor in vars(part).get("_parameters", {}).values() if tensor is not None]


def _numel(tensor: Any) -> int:
    try:
        return int(tensor.numel())
    except (RuntimeError, ValueError):  # a lazy parameter that has no shape yet
        return 0


def _bytes(module: Any) -> int:
    tensors = {id(tensor): tensor for _, part in parts(module) for tensor in _own(part)}
    return sum(count * int(tensor.element_size()) for tensor in tensors.values() if (count := _numel(tensor)))
