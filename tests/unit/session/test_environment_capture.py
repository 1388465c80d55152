"""What a program runs on: every distribution as importlib.metadata sees it, at a fraction of its cost."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
import time
from pathlib import Path

import pytest

from autotrack.core.errors import ArtifactError
from autotrack.core.objects import Objects
from autotrack.core.session import distributions as module
from autotrack.core.session.distributions import distributions
from autotrack.core.session.environment import collect_environment, lock_of, relevant_variables
from autotrack.core.session.hardware import memory_bytes, processors


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_is_what_importlib_metadata_finds(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    document, gaps = collect_environment(objects)
    expected: dict[str, str] = {}
    for found in importlib.metadata.distributions():
        expected.setdefault(_normal(found.metadata["Name"]), found.version)
    lock = lock_of(document, objects)
    assert {name: version.partition(" @ ")[0] for name, version in lock.items()} == expected
    assert document["distributions"] == len(expected) > 20 and gaps == []
    assert lock["autotrack"].partition(" @ ")[2].startswith("file://")
    assert json.loads(json.dumps(document)) == document


def test_equal_environments_share_one_lock(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    first, _ = collect_environment(objects)
    module._scanned.clear()
    assert collect_environment(objects)[0] == first
    assert len(list(objects)) == 1


def test_it_is_faster_than_reading_all_metadata() -> None:
    began = time.process_time()
    module._scanned.clear()
    distributions()
    ours = time.process_time() - began
    began = time.process_time()
    for found in importlib.metadata.distributions():
        assert found.metadata["Name"] and found.version
    assert ours < (time.process_time() - began) / 3


def _info(folder: Path, name: str, **files: str) -> None:
    place = folder / name
    place.mkdir(parents=True)
    for file, text in files.items():
        (place / file.replace("_json", ".json").replace("_INFO", "-INFO")).write_text(text)


def test_odd_folders_names_and_origins(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _info(first, "Some.Name-1.0+cu12.dist-info")
    _info(first, "no_version.dist-info", METADATA="Name: Said.Inside\nVersion: 2!3\n\nName: body\n")
    _info(first, "nothing.dist-info")
    _info(first, "legacy.egg-info", PKG_INFO="Metadata-Version: 1\nName: legacy\nVersion: 0.1\n")
    (first / "single-4.egg-info").write_text("Name: single\nVersion: 4\n")
    origin = {"url": "https://anna:hunter2@x.org/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    _info(first, "cloned-1.dist-info", direct_url_json=json.dumps(origin))
    _info(first, "editable-1.dist-info", direct_url_json='{"url": "file:///src", "dir_info": {"editable": true}}')
    _info(first, "broken-1.dist-info", direct_url_json="[}")
    _info(first, "strange-1.dist-info", direct_url_json='{"url": 3, "dir_info": 4}')
    _info(second, "some_name-9.dist-info")
    (tmp_path / "file.zip").write_bytes(b"PK")
    found = distributions([str(first), str(second), str(tmp_path / "file.zip"), str(tmp_path / "gone"), ""])
    by_name = {record["name"]: record for record in found}
    assert by_name["some-name"]["version"] == "1.0+cu12"
    assert by_name["said-inside"]["version"] == "2!3"
    assert by_name["legacy"]["version"] == "0.1" and by_name["single"]["version"] == "4"
    assert by_name["cloned"]["url"] == "https://anna:***@x.org/r.git" and by_name["cloned"]["commit"] == "abc"
    assert by_name["editable"]["editable"] is True
    assert by_name["broken"].keys() == by_name["strange"].keys() == {"name", "version"}
    assert "nothing" not in by_name


def test_a_distribution_installed_meanwhile_is_seen(tmp_path: Path) -> None:
    assert distributions([str(tmp_path)]) == []
    _info(tmp_path, "late-1.dist-info")
    os.utime(tmp_path, (2, 2))
    assert distributions([str(tmp_path)]) == [{"name": "late", "version": "1"}]


@pytest.mark.parametrize("content", [b"[]", b'{"format": 99, "distributions": []}', b'{"distributions": []}'])
def test_a_lock_of_another_format_says_so(tmp_path: Path, content: bytes) -> None:
    objects = Objects(tmp_path)
    with pytest.raises(ArtifactError, match="format"):
        lock_of({"lock": objects.put(content)}, objects)


def test_only_variables_that_matter_and_none_of_their_secrets() -> None:
    planted = {
        "OMP_NUM_THREADS": "4",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "PYTHONHASHSEED": "0",
        "SLURM_JOB_ID": "17",
        "HF_TOKEN": "hf_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF",
        "AUTOTRACK_TRACKING_URI": "postgresql+psycopg://anna:hunter2@host/db",
        "HOME": "/home/anna",
        "AWS_SECRET_ACCESS_KEY": "x",
        "MY_NUMBER": "secret",
        "LD_PRELOAD": "\udcff",
    }
    assert relevant_variables(planted) == {
        "AUTOTRACK_TRACKING_URI": "postgresql+psycopg://anna:***@host/db",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "HF_TOKEN": "***",
        "LD_PRELOAD": "\\udcff",
        "OMP_NUM_THREADS": "4",
        "PYTHONHASHSEED": "0",
        "SLURM_JOB_ID": "17",
    }


def test_the_machine() -> None:
    cpu = processors()
    assert cpu["logical"] == os.cpu_count() and cpu["model"]
    assert cpu["affinity"] == len(os.sched_getaffinity(0))
    assert cpu["physical"] is None or 1 <= cpu["physical"] <= cpu["logical"]
    memory = memory_bytes()
    assert memory is not None and memory > 1 << 26


def test_nothing_is_imported_for_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from autotrack.core.objects import Objects\n"
        "from autotrack.core.session import environment, code, arguments, seeds, random_state, plugin\n"
        "before = set(sys.modules)\n"
        "environment.collect_environment(Objects(Path(sys.argv[1]))); arguments.collect_arguments(); seeds.seeded()\n"
        "print(sorted(set(sys.modules) - before))"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
