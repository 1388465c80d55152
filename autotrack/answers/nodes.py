"""Runs, files, models, data sets and code as nodes of a lineage: what each is known by, and how it is called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from autotrack.core.entities import DatasetRecord, ModelRecord, RunRecord, Status

from .graph import Node


def run_node(run: RunRecord) -> Node:
    """A run, by its id; the label says how it ended where that is not as it should."""
    detail = {
        "run": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": str(run.status),
        "started_ns": run.started,
    }
    ended = "" if run.status is Status.FINISHED else f"  {str(run.status).lower()}"
    return Node(f"run:{run.id}", "run", f"{run.id[:8]}  {run.name}{ended}", detail)


def file_node(path: str, sha256: str | None, size: int | None) -> Node:
    """A file, by its content; one whose content nobody knows, by its path."""
    identity = f"file:{sha256}" if sha256 else f"file:?{path}"
    said = f"{path}  {sha256[:12]}" if sha256 else f"{path}  content not known"
    return Node(identity, "file", said, {"path": path, "sha256": sha256, "size": size})


def model_node(run: RunRecord, model: ModelRecord) -> Node:
    """A model folder, by the run that made it and its path there."""
    uri = f"runs:/{run.id}/{model.path}"
    detail = {"uri": uri, "class_name": model.class_name, "digest": model.digest}
    short = model.class_name.rpartition(".")[2]
    return Node(f"model:{run.id}/{model.path}", "model", f"runs:/{run.id[:8]}/{model.path}  {short}", detail)


def data_node(data: DatasetRecord) -> Node:
    """A data set, by its digest."""
    shape = "" if data.rows is None else f"  {data.rows:,} x {max(len(data.columns), 1):,}"
    detail = {"digest": data.digest, "name": data.name, "rows": data.rows}
    return Node(f"data:{data.digest}", "data", f"{data.name}{shape}  {data.digest[:12]}", detail)


def code_node(part: Mapping[str, Any]) -> Node | None:
    """The code that a program was, as its collector found it: by its commit, and what is not in that. None where it was
    not captured."""
    sources = part.get("sources")
    kept = {
        str(path): str(entry.get("sha256"))
        for path, entry in (sources.items() if isinstance(sources, Mapping) else ())
        if isinstance(entry, Mapping)
    }
    typed = [part[name].get("sha256") for name in ("cells", "command") if isinstance(part.get(name), Mapping)]
    commit, changes, entry = part.get("commit"), part.get("diff"), str(part.get("entry") or "")
    if not (commit or kept or typed):
        return None
    content = json.dumps([commit, changes, kept, typed, entry], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    branch = f" ({part['branch']})" if part.get("branch") else ""
    if commit:
        said = f"at {str(commit)[:9]}{branch}{' with changes' if changes or kept else ''}"
    else:
        said = f"{max(len(kept), 1)} {'file' if len(kept) < 2 else 'files'}  {digest[:12]}"
    detail = {
        "entry": entry,
        "commit": commit,
        "branch": part.get("branch"),
        "root": part.get("root"),
        "digest": digest,
    }
    return Node(f"code:{digest}", "code", f"{entry}  {said}".strip(), detail)
