"""Tracks notebooks: the notebook as it was is kept with each run that it made, and runs end where their cells do.

Nothing here imports IPython: where there is none, or no shell of it, nothing is watched and nothing more is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Hook, hookimpl

if TYPE_CHECKING:
    from types import ModuleType

    from autotrack.plugin import Run

    from .watching import Notebook

_SHELL, _SHELLS = "IPython.core.interactiveshell", ">=8.12,<10"
_KERNEL, _KERNELS = "ipykernel.kernelbase", ">=6.20,<8"
_notebook: Notebook | None = None

Listener = Callable[..., None]


@hookimpl
def register_patches() -> Sequence[Hook]:
    """IPython's own events around a cell, and the messages in which a kernel shows what a cell puts out."""
    return [
        Hook(_SHELL, _before_cells, cell_begins, versions=_SHELLS, distribution="ipython"),
        Hook(_SHELL, _after_cells, cell_ends, versions=_SHELLS, distribution="ipython"),
        Hook(_KERNEL, _at_messages, message_sent, versions=_KERNELS, distribution="ipykernel"),
    ]


@hookimpl
def register_settings() -> Mapping[str, Any]:
    """``keep``: False keeps no notebook. ``max_mb``: what all outputs of a notebook may take, in millions of
    characters. ``link``: whether a line below a cell names the runs that it made."""
    return {"keep": True, "max_mb": 20.0, "link": True}


@hookimpl
def run_started(run: Run) -> None:
    """The run belongs to the cell that runs."""
    if _notebook is not None:
        _notebook.run_started(run)


@hookimpl
def run_ended(run: Run, status: str) -> None:
    """The notebook as it is now is kept with the run."""
    if _notebook is not None:
        _notebook.run_ended(run, status)


def cell_begins(info: Any) -> None:
    """A cell is about to run (``pre_run_cell``, with IPython's ExecutionInfo)."""
    if _notebook is not None:
        _notebook.cell_begins(info)


def cell_ends(result: Any = None) -> None:
    """A cell has run (``post_run_cell``, with IPython's ExecutionResult, or None where it was cancelled)."""
    if _notebook is not None:
        _notebook.cell_ends(result)


def message_sent(message: Any) -> None:
    """The kernel has sent a message to its front ends."""
    if _notebook is not None:
        _notebook.message_sent(message)


def _before_cells(module: ModuleType, listener: Listener) -> Callable[[], object]:
    return _at_event(module, "pre_run_cell", listener)


def _after_cells(module: ModuleType, listener: Listener) -> Callable[[], object]:
    return _at_event(module, "post_run_cell", listener)


def _at_event(module: ModuleType, event: str, listener: Listener) -> Callable[[], object]:
    """Registers with the shell that runs in this process; without one nothing is watched."""
    notebook = _of(module)
    return (lambda: None) if notebook is None else notebook.attach(event, listener)


def _at_messages(module: ModuleType, listener: Listener) -> Callable[[], object]:
    shells = sys.modules.get(_SHELL)
    notebook = _of(shells) if shells is not None else None
    return (lambda: None) if notebook is None else notebook.listen(listener)


def _of(module: ModuleType) -> Notebook | None:
    """What is known of the notebook that this process runs; it goes on where ``disable()`` and ``enable()`` come."""
    global _notebook
    if _notebook is None and module.InteractiveShell.initialized():
        from .watching import Notebook

        _notebook = Notebook(module.InteractiveShell._instance)
    return _notebook
