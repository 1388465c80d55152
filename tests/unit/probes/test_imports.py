"""What waits for a module neither imports it nor loads one that its user has made lazy."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from autotrack.core.probes.imports import when_imported


def lazily(name: str, file: Path) -> ModuleType:
    """As the documentation of ``importlib`` has it."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def test_a_lazy_module_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "module_that_is_lazy"
    (tmp_path / "lazy.py").write_text("import sys\nsys.ran = True\nVALUE = 3\n")
    monkeypatch.setattr(sys, "ran", False, raising=False)
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    module = lazily(name, tmp_path / "lazy.py")
    heard: list[ModuleType] = []
    cancel = when_imported(name, heard.append)
    when_imported(name, heard.append)
    assert not sys.ran and not heard, "nobody has used it"  # type: ignore[attr-defined]
    assert module.VALUE == 3 and heard == [module, module]
    assert type(module.__spec__.loader).__name__ == "SourceFileLoader"  # type: ignore[union-attr]
    cancel()


def test_a_wish_for_a_lazy_module_can_be_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "module_that_is_lazy_too"
    (tmp_path / "lazy.py").write_text("VALUE = 3\n")
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    module = lazily(name, tmp_path / "lazy.py")
    heard: list[ModuleType] = []
    when_imported(name, heard.append)()
    assert module.VALUE == 3 and not heard


def test_one_that_fails_is_not_taken_for_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "module_that_is_lazy_and_broken"
    (tmp_path / "lazy.py").write_text("raise RuntimeError('broken')\n")
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    module = lazily(name, tmp_path / "lazy.py")
    heard: list[ModuleType] = []
    cancel = when_imported(name, heard.append)
    with pytest.raises(RuntimeError, match="broken"):
        module.anything
    assert not heard
    cancel()
