"""The native libraries of a program are found without the loader's help, and say what threadpoolctl says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import json
import numpy, sklearn.cluster
from autotrack.core.session.blas import native_libraries
ours = native_libraries()
from threadpoolctl import threadpool_info
print(json.dumps([ours, threadpool_info()]))
"""
SAID = ("user_api", "internal_api", "num_threads", "version", "threading_layer", "architecture")


def asked(code: str, **variables: str) -> Any:
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_what_is_loaded_is_told_as_threadpoolctl_tells_it(threads: str) -> None:
    ours, theirs = asked(PROGRAM, OPENBLAS_NUM_THREADS=threads, OMP_NUM_THREADS=threads)
    wanted = [{name: pool[name] for name in SAID if pool.get(name) is not None} for pool in theirs]
    assert {each["user_api"] for each in ours} == {"blas", "openmp"}
    assert sorted(map(spelled, ours)) == sorted(map(spelled, wanted))


def spelled(library: dict[str, Any]) -> str:
    return json.dumps(library, sort_keys=True)


def test_nothing_is_loaded_for_it() -> None:
    code = "import json, sys; from autotrack.core.session.blas import native_libraries as ask\n"
    code += "print(json.dumps([ask(), 'numpy' in sys.modules]))"
    assert asked(code) == [[], False]
