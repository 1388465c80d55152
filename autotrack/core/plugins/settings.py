"""Settings that plugins declare: ``AUTOTRACK_<PLUGIN>_<NAME>`` over ``[tool.autotrack.<plugin>]`` over the default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from ..config import Settings, convert
from ..errors import UsageError


def in_force(
    plugin: str, defaults: Mapping[str, Any], table: Mapping[str, Any], refused: list[UsageError] | None = None
) -> Mapping[str, Any]:
    """The plugin's settings, each of the type of its default (any type where that is None).

    ``table`` is ``[tool.autotrack]``. A value that is not of that type is a UsageError, or, where there is a list of
    ``refused``, one more in it, and the default is in force.
    """
    given = table.get(plugin)
    written: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    found = {}
    for name, default in defaults.items():
        variable = f"AUTOTRACK_{plugin}_{name}".upper().replace("-", "_")
        value = os.environ.get(variable) or None
        source = variable
        if value is None and name in written:
            value, source = written[name], f"[tool.autotrack.{plugin}]"
        found[name] = default
        if value is not None:
            try:
                found[name] = _like(default, f"{plugin}.{name}", value, source)
            except UsageError as error:
                if refused is None:
                    raise
                refused.append(error)
    return MappingProxyType(found)


def _like(default: Any, name: str, value: Any, source: str) -> Any:
    if default is None or isinstance(default, Mapping):
        return value
    kind = "tuple" if isinstance(default, list) else type(default).__name__
    converted = convert(name, value, kind, source)
    return list(converted) if isinstance(default, list) else converted


def unknown(table: Mapping[str, Any], declared: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What ``[tool.autotrack]`` says that nothing reads, a sentence each. ``declared`` are the plugins' settings.

    A table is left out where no plugin of its name declares settings: that plugin may be installed elsewhere only.
    """
    names = [field.name for field in fields(Settings)]
    for key, value in table.items():
        if key in names:
            continue
        if not isinstance(value, Mapping):
            yield f"unknown setting {key!r} in [tool.autotrack]; there are: {', '.join(names)}"
        elif key in declared:
            for name in value:
                if name not in declared[key]:
                    there = ", ".join(declared[key])
                    yield f"unknown setting {name!r} in [tool.autotrack.{key}]; there are: {there}"
