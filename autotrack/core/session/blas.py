"""The native libraries that decide how fast, and with which last bits, arrays are multiplied: BLAS and OpenMP.

They are found in ``/proc/self/maps``. To ask the loader from a second thread (``dl_iterate_phdr``, as older
threadpoolctl does) can stop the program for good: it waits for Python's lock, and an import in the first thread waits
for the loader.
"""

from __future__ import annotations

import ctypes
import os
import re
from typing import Any

from ..guard import attempt
from ..private import Ours

_MAPS = "/proc/self/maps"
#: A library's file, by the end of its line there.
_FILE = re.compile(rb"(/[^\n]*/lib(?:scipy_)?(openblas|mkl_rt|blis|gomp|iomp5?|omp)[^/\n]*\.so[^/\n]*)\n")
#: The functions that answer the number of threads. OpenBLAS's have affixes that depend on who built it.
_THREADS = {
    "mkl": "MKL_Get_Max_Threads",
    "blis": "bli_thread_get_num_threads",
    "openmp": "omp_get_max_threads",
}
_AFFIXES = [(before, after) for before in ("", "scipy_") for after in ("", "64_", "_64")]
#: ``openblas_get_parallel``, from OpenBLAS's cblas.h.
_LAYERS = ("disabled", "pthreads", "openmp")


def native_libraries() -> list[dict[str, Any]]:
    """The BLAS and OpenMP libraries that are loaded, by file name; none where the system does not say.

    ``user_api`` ("blas", "openmp"), ``internal_api``, ``num_threads``; of OpenBLAS also ``version``, ``architecture``
    and ``threading_layer``.
    """
    return [_described(path, name) for path, name in _loaded()]


def _loaded() -> list[tuple[str, str]]:
    """Paths of the libraries, and their names."""
    try:
        with open(Ours(_MAPS), "rb") as file:
            found = {*_FILE.findall(file.read())}
    except OSError:
        return []
    named = ((os.fsdecode(path), name.decode()) for path, name in found)
    return sorted(named, key=lambda each: each[0].rpartition("/")[2])


def _described(path: str, name: str) -> dict[str, Any]:
    kind = {"openblas": "openblas", "mkl_rt": "mkl", "blis": "blis"}.get(name, "openmp")
    api = "openmp" if kind == "openmp" else "blas"
    return {"user_api": api, "internal_api": kind} | (attempt(_told, path, kind)[0] or {})


def _told(path: str, kind: str) -> dict[str, Any]:
    library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    if kind == "openblas":
        return _openblas(library)
    return {"num_threads": int(getattr(library, _THREADS[kind])())}


def _openblas(library: Any) -> dict[str, Any]:
    affixes = next((both for both in _AFFIXES if hasattr(library, _called("get_num_threads", both))), None)
    if affixes is None:
        return {}
    ask = {name: getattr(library, _called(f"get_{name}", affixes)) for name in ("config", "corename")}
    for function in ask.values():
        function.argtypes, function.restype = (), ctypes.c_char_p
    config = ask["config"]().decode("ascii", "replace").split()
    layer = getattr(library, _called("get_parallel", affixes))()
    return {
        "version": config[1] if config[:1] == ["OpenBLAS"] else None,
        "num_threads": int(getattr(library, _called("get_num_threads", affixes))()),
        "threading_layer": _LAYERS[layer] if 0 <= layer < len(_LAYERS) else None,
        "architecture": ask["corename"]().decode("ascii", "replace"),
    }


def _called(name: str, affixes: tuple[str, str]) -> str:
    return f"{affixes[0]}openblas_{name}{affixes[1]}"
