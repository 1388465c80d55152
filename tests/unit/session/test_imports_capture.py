"""Which distributions the imported modules came with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autotrack.core.session.distributions import distributions
from autotrack.core.session.imports import imported_distributions

INFO = "Metadata-Version: 2.1\nName: {}\nVersion: 1.0\n"


def install(folder: Path, name: str, **files: str) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(INFO.format(name))
    for file, text in files.items():
        (info / file.replace("_txt", ".txt")).write_text(text)


def test_modules_lead_to_the_distributions_that_brought_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "Named_Otherwise", top_level_txt="seen_one\n")
    install(
        tmp_path, "compiled", RECORD="seen_two.cpython-311-x86_64-linux-gnu.so,,\ncompiled-1.0.dist-info/RECORD,,\n"
    )
    install(tmp_path, "shares", RECORD="seen_space/shares/x.py,,\nshares-1.0.dist-info/RECORD,,\n")
    install(tmp_path, "shares_too", RECORD="seen_space/too.py,,\n")
    install(tmp_path, "unseen", RECORD="unseen/x.py,,\n../../bin/seen_two,,\nunseen-1.0.dist-info/seen_one,,\n")
    install(tmp_path, "from_a_folder", RECORD="from_a_folder.pth,,\nfrom_a_folder-1.0.dist-info/RECORD,,\n")
    (tmp_path / "from_a_folder-1.0.dist-info" / "direct_url.json").write_text('{"url": "file:///work"}')
    install(tmp_path, "called_as_it_is", RECORD="called_as_it_is.py,,\n")
    for entry in ("seen_one", "seen_space", "unseen"):
        (tmp_path / entry).mkdir()
    for entry in ("seen_two.cpython-311-x86_64-linux-gnu.so", "called_as_it_is.py"):
        (tmp_path / entry).touch()
    assert imported_distributions([str(tmp_path)]) == ["from-a-folder"]
    monkeypatch.setitem(sys.modules, "called_as_it_is", sys)
    assert imported_distributions([str(tmp_path)]) == ["called-as-it-is", "from-a-folder"]
    for name in ("seen_one", "seen_one.part", "seen_two", "seen_space"):
        monkeypatch.setitem(sys.modules, name, sys)
    found = imported_distributions([str(tmp_path)])
    assert found == ["called-as-it-is", "compiled", "from-a-folder", "named-otherwise", "shares", "shares-too"]


def test_a_well_known_name_is_looked_up_in_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it does not, all others are asked."""
    install(tmp_path, "PyYAML", top_level_txt="yaml\n")
    (tmp_path / "yaml").mkdir()
    monkeypatch.setitem(sys.modules, "yaml", sys)
    assert imported_distributions([str(tmp_path)]) == ["pyyaml"]
    other = tmp_path / "other"
    other.mkdir()
    install(other, "PyYAML", top_level_txt="something\n")
    install(other, "yaml_ng", top_level_txt="yaml\n")
    (other / "yaml").mkdir()
    assert imported_distributions([str(other)]) == ["yaml-ng"]


def test_what_is_imported_here_is_found() -> None:
    found = imported_distributions()
    assert {"pytest", "pluggy"} <= set(found) < {record["name"] for record in distributions()}
