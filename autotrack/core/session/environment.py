"""What a program runs on: distributions, Python, operating system, machine, threads, and the variables that matter."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import ArtifactError
from ..gaps import Gap
from ..guard import attempt
from ..keys import printable
from ..objects import Objects
from ..sink import Contents
from .blas import native_libraries
from .distributions import distributions
from .hardware import gpu_driver, gpus, memory_bytes, processors
from .masking import mask_value

LOCK_FORMAT = 1

#: The variables that change what a training does, or where it does it. No other is looked at.
_VARIABLES = re.compile(
    r"(?:OMP|MKL|OPENBLAS|BLIS|GOTO|VECLIB|NUMEXPR|KMP|GOMP|NUMBA|JOBLIB|LOKY|SKLEARN|POLARS|RAYON|ARROW)_\w+"
    r"|(?:CUDA|CUBLAS|CUDNN|NCCL|NVIDIA|NVTE|ROCR|HIP|HSA|GPU|MIOPEN|ROCM|TPU|XLA|JAX|ONEAPI|SYCL|ZE)_\w+"
    r"|(?:TF|TORCH|PYTORCH|TORCHINDUCTOR|TRITON|KERAS|LIGHTNING|PL|ACCELERATE|DEEPSPEED|XGBOOST|LIGHTGBM)_\w+"
    r"|(?:HF|TRANSFORMERS|TOKENIZERS|DATASETS|SAFETENSORS|DIFFUSERS|SPARK|RAY|DASK)_\w+"
    r"|(?:SLURM|PBS|LSB|SGE|JSM|OMPI|PMI|MPI|KUBERNETES|SM)_\w+"
    r"|PYTHON\w+|RANK|LOCAL_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|GROUP_RANK|MASTER_ADDR|MASTER_PORT|NODE_RANK"
    r"|CONDA_DEFAULT_ENV|CONDA_PREFIX|VIRTUAL_ENV|LD_PRELOAD|LD_LIBRARY_PATH|MALLOC_\w+|TZ|LANG|LC_ALL|AUTOTRACK_\w+"
)
_LONGEST_VALUE = 2000


def collect_environment(objects: Objects) -> tuple[dict[str, Any], list[Gap]]:
    """What the program runs on, in milliseconds and without a subprocess.

    ``lock`` is the sha256 of an object that lists every distribution, the same for equal environments (``lock_of``
    reads it). ``gpus`` are those that the program uses where torch has started CUDA, else those of the machine.
    """
    found = distributions()
    gaps: list[Gap] = []
    lock = json.dumps({"format": LOCK_FORMAT, "distributions": found}, sort_keys=True, separators=(",", ":"))
    cards, error = attempt(gpus)
    if cards is None:
        gaps.append(Gap("environment", f"graphics cards are not known: {printable(str(error))[:200]}", ""))
    document = {
        "lock": objects.put(lock.encode()),
        "distributions": len(found),
        "python": _python(),
        "os": _system(),
        "cpu": processors(),
        "memory_bytes": memory_bytes(),
        "gpus": cards or [],
        "gpu_driver": gpu_driver(),
        "threads": _threads(),
        "blas": _blas(),
        "variables": relevant_variables(os.environ),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        document["cuda"] = getattr(getattr(torch, "version", None), "cuda", None)
    return document, gaps


def lock_of(document: Mapping[str, Any], objects: Contents) -> dict[str, str]:
    """Name and version of every distribution of an environment, for comparisons.

    A distribution that came from a URL has it behind the version (``1.0 @ https://...``). ArtifactError where the
    object is of a format that this autotrack does not read.
    """
    lock = json.loads(objects.get(str(document["lock"])))
    number = lock.get("format") if isinstance(lock, dict) else None
    if number != LOCK_FORMAT:
        raise ArtifactError(
            f"the environment {document['lock']} is of format {number!r}, and this autotrack reads format "
            f"{LOCK_FORMAT}: update autotrack"
        )
    return {record["name"]: _full_version(record) for record in lock["distributions"]}


def relevant_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Those environment variables that can change a training, masked and sorted."""
    chosen = sorted(name for name in list(environment) if _VARIABLES.fullmatch(name))
    return {name: mask_value(name, printable(environment.get(name, ""))[:_LONGEST_VALUE]) for name in chosen}


def _full_version(record: Mapping[str, Any]) -> str:
    if "url" not in record:
        return str(record["version"])
    commit = f"@{record['commit']}" if "commit" in record else ""
    return f"{record['version']} @ {record['url']}{commit}"


def _python() -> dict[str, Any]:
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": printable(sys.executable or ""),
        "compiler": platform.python_compiler(),
    }


def _system() -> dict[str, Any]:
    said = os.uname() if hasattr(os, "uname") else None
    name = None
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            found = re.search(r'^PRETTY_NAME="?([^"\n]*)', file.read(65536), re.MULTILINE)
            name = found.group(1) if found else None
    except OSError:
        pass  # another system, or a container without one: the kernel's name is there
    return {
        "system": said.sysname if said else sys.platform,
        "release": said.release if said else None,
        "distribution": name,
        "libc": libc(),
    }


def libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None


def _threads() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    threads: dict[str, Any] = {}
    for name in ("get_num_threads", "get_num_interop_threads"):
        ask = getattr(torch, name, None)
        if ask is not None:
            threads[f"torch.{name}"], _ = attempt(ask)
    return threads


def _blas() -> list[dict[str, Any]]:
    """The linear algebra libraries that are loaded, with their threads; else what numpy was built with."""
    known = native_libraries()
    if known:
        return known
    config = getattr(sys.modules.get("numpy.__config__"), "CONFIG", None)
    built = config.get("Build Dependencies", {}).get("blas", {}) if isinstance(config, dict) else {}
    return [{"internal_api": built.get("name"), "version": built.get("version")}] if built else []
