"""The MLmodel file: MLflow's description of a model folder.

Written by hand as the simple YAML that it is (importing a YAML library would cost the training process more than the
model); read with a safe loader that refuses what a description never needs: objects, aliases, more than a megabyte.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autotrack.core.errors import ArtifactError
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.version import __version__

NAME = "MLmodel"
MAX_BYTES = 1 << 20
DEEPEST = 64

_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Words that YAML 1.1 takes for something else than text.
_WORDS = frozenset("y n yes no on off true false null".split())


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What an MLmodel file says. ``flavors`` maps names to their entries; every other field may be absent.

    ``signature`` holds JSON texts (``models.signature`` reads them), ``example`` is ``saved_input_example_info``.
    """

    flavors: Mapping[str, Mapping[str, Any]]
    run_id: str | None = None
    artifact_path: str | None = None
    created: str | None = None
    size: int | None = None
    uuid: str | None = None
    signature: Mapping[str, Any] | None = None
    example: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def describe(
    flavor: Flavor,
    entry: Mapping[str, Any],
    *,
    size: int,
    path: str | None = None,
    run_id: str | None = None,
    function: Mapping[str, Any] | None,
    signature: Mapping[str, Any] | None = None,
    example: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> bytes:
    """The MLmodel file of a model that ``flavor`` has just saved with this entry; ``size`` in bytes.

    ``function`` is what the entry of ``python_function`` holds besides the usual, None for a model that does not
    predict, which has no such entry; ``signature`` and ``example`` are
    as MLflow writes them (``signature``, ``saved_input_example_info``).
    """
    flavors: dict[str, Any] = {flavor.name: dict(entry)}
    if flavor.mlflow_loader is not None and function is not None:
        data = entry.get("pickled_model") or entry.get("data")
        flavors["python_function"] = {
            "loader_module": flavor.mlflow_loader,
            **({"model_path": data} if data else {}),
            "predict_fn": "predict",
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "python_version": platform.python_version(),
            **function,
        }
    content = {
        "artifact_path": path,
        "flavors": dict(sorted(flavors.items())),
        "metadata": {"autotrack_version": __version__, **(metadata or {})},
        "model_size_bytes": size,
        "model_uuid": os.urandom(16).hex(),
        "run_id": run_id,
        "saved_input_example_info": dict(sorted(example.items())) if example else None,
        "signature": signature,
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    lines: list[str] = []
    _lines({key: value for key, value in content.items() if value is not None}, "", lines)
    return ("\n".join(lines) + "\n").encode()


def _lines(content: Mapping[str, Any], indent: str, lines: list[str]) -> None:
    """YAML blocks of mappings."""
    for key, value in content.items():
        name = key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS else _scalar(key)
        if isinstance(value, Mapping) and value:
            lines.append(f"{indent}{name}:")
            _lines(value, indent + "  ", lines)
        else:
            lines.append(f"{indent}{name}: {_scalar(value)}")


def _scalar(value: Any) -> str:
    """A value as JSON that YAML 1.1 reads the same way: it knows no surrogate pairs and wants a point in floats."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    if isinstance(value, float):
        text = repr(value)
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    return re.sub(r"[^\x20-\x7e]", lambda found: f"\\U{ord(found.group()):08X}", json.dumps(value, ensure_ascii=False))


def read(folder: Path) -> ModelDescription:
    """What the folder's MLmodel says. ArtifactError where there is none, or one that no honest tool wrote."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ArtifactError(f"{folder} is no model folder: {NAME} cannot be read ({error.strerror})") from None
    if len(content) > MAX_BYTES:
        raise ArtifactError(f"{path} is larger than {MAX_BYTES} bytes, which no model description is")
    found = _parse(content, path)
    flavors = found.get("flavors")
    if not isinstance(flavors, dict) or not all(isinstance(entry, dict) for entry in flavors.values()):
        raise ArtifactError(f"{path} names no flavors")
    return ModelDescription(
        flavors={str(name): entry for name, entry in flavors.items()},
        run_id=_text(found, "run_id"),
        artifact_path=_text(found, "artifact_path"),
        created=_text(found, "utc_time_created") or _text(found, "time_created"),
        size=found["model_size_bytes"] if isinstance(found.get("model_size_bytes"), int) else None,
        uuid=_text(found, "model_uuid"),
        signature=found["signature"] if isinstance(found.get("signature"), dict) else None,
        example=found["saved_input_example_info"] if isinstance(found.get("saved_input_example_info"), dict) else None,
        metadata=found["metadata"] if isinstance(found.get("metadata"), dict) else {},
    )


def _text(found: Mapping[str, Any], key: str) -> str | None:
    value = found.get(key)
    return None if value is None else str(value)


def _parse(content: bytes, path: Path) -> dict[str, Any]:
    import yaml

    # The same grammar in C where PyYAML was built with it: reading this file is most of a small model's loading.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(content, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise yaml.YAMLError("aliases are not allowed")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise yaml.YAMLError(f"it is nested more than {DEEPEST} deep")
        reader = loader(content)
        try:
            found = reader.get_single_data()
        finally:
            reader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArtifactError(f"{path} is not a model description: {first}") from None
    if not isinstance(found, dict):
        raise ArtifactError(f"{path} is not a model description: it is not a mapping")
    return found
