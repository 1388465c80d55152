"""Modules that a model's code brings: under a private name, where the program's and other models' of the same name are
not in the way, and where the model's code finds them whenever it imports them.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

PREFIX = "autotrack_model_"


class _Space(ModuleType):
    """The package that holds a model's modules; ``own`` are their names at the top, as the code imports them."""

    def __init__(self, name: str, folders: Iterable[Path], own: frozenset[str]) -> None:
        super().__init__(name)
        self.__path__ = [str(folder.resolve()) for folder in folders]
        self.own = own


class _Loader(SourceFileLoader):
    """Has a module import the model's own modules by their private names. No bytecode is read or written."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        space = sys.modules[fullname.partition(".")[0]]
        assert isinstance(space, _Space)
        tree = _Renamed(space).visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class _Renamed(ast.NodeTransformer):
    """Import statements of the model's own modules, as ones of modules in its space."""

    def __init__(self, space: _Space) -> None:
        self._space = space

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if not node.level and self._is_own(node.module or ""):
            node.module = f"{self._space.__name__}.{node.module}"
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        return [ast.copy_location(each, node) for alias in node.names for each in self._imports(alias)]

    def _imports(self, alias: ast.alias) -> Iterator[ast.stmt]:
        if not self._is_own(alias.name):
            yield ast.Import([alias])
            return
        top, _, below = alias.name.partition(".")
        if below:  # under the given name, or (then the space's own name is bound as well) for what stands above it
            yield ast.Import([ast.alias(f"{self._space.__name__}.{alias.name}", alias.asname)])
        if not (below and alias.asname):
            yield ast.ImportFrom(self._space.__name__, [ast.alias(top, alias.asname)], 0)

    def _is_own(self, name: str) -> bool:
        return name.partition(".")[0] in self._space.own


class _Finder:
    """Finds modules in the spaces of models, and no others."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if path is None or not name.startswith(PREFIX):
            return None
        portions: list[str] = []
        for folder in path:
            spec = FileFinder(folder, *_LOADERS).find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
            portions += (spec and spec.submodule_search_locations) or ()
        if not portions:
            return None
        found = ModuleSpec(name, None, is_package=True)
        found.submodule_search_locations = portions
        return found


_LOADERS: Any = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (_Loader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)
_finder = _Finder()


def run(file: Path, folders: Sequence[Path], own: Iterable[str]) -> ModuleType:
    """The module that a file is, run with modules of the names ``own`` found in the folders, now and later.

    Nothing is locked or swapped meanwhile but what any import locks. What the code raises passes.
    """
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    stem = file.stem if file.stem.isidentifier() else "model"
    space = _Space(PREFIX + os.urandom(6).hex(), folders, frozenset(own))
    name = f"{space.__name__}.{stem}"
    spec = importlib.util.spec_from_file_location(name, file, loader=_Loader(name, str(file)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[space.__name__], sys.modules[name] = space, module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for each in [each for each in list(sys.modules) if each.partition(".")[0] == space.__name__]:
            del sys.modules[each]
        raise
    return module


def importable(folders: Iterable[Path], all_folders: bool) -> set[str]:
    """Names under which the folders' content can be imported; a folder in them if there is Python in it, or any one
    with ``all_folders``."""
    suffixes = tuple(SOURCE_SUFFIXES + EXTENSION_SUFFIXES + BYTECODE_SUFFIXES)
    names = set()
    for place in (place for folder in folders for place in folder.iterdir()):
        name = place.name.partition(".")[0]
        if place.is_dir():
            found = place.name == name and (all_folders or any(place.glob("*.py")) or any(place.glob("*/*.py")))
        else:
            found = place.name.endswith(suffixes)
        if found and name.isidentifier():
            names.add(name)
    return names
