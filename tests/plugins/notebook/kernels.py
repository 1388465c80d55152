"""Real kernels for the tests: started, asked, interrupted and killed as front ends do it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

Message = dict[str, Any]
_SHOWN = ("stream", "display_data", "update_display_data", "execute_result", "error")


class Kernel:
    """One kernel, with a front end that sends cells and hears what they show."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder))
        self.client = self._connect()

    def _connect(self) -> BlockingKernelClient:
        client: BlockingKernelClient = self.manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client

    def run(
        self,
        code: str,
        cell_id: str | None = None,
        *,
        attended: bool = False,
        while_running: Callable[[], None] | None = None,
    ) -> list[tuple[str, Message]]:
        """Runs a cell and answers what it showed; ``while_running`` is called once it has shown something."""
        request = self.send(code, cell_id, attended=attended)
        shown: list[tuple[str, Message]] = []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return shown
            if kind in _SHOWN:
                shown.append((kind, content))
                if while_running is not None:
                    while_running()
                    while_running = None

    def send(self, code: str, cell_id: str | None = None, *, attended: bool = False) -> str:
        """Sends a cell to be run; answers the request's id."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": attended,
            "stop_on_error": False,
        }
        message = self.client.session.msg(
            "execute_request", content, metadata={} if cell_id is None else {"cellId": cell_id}
        )
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def text(self, code: str, cell_id: str | None = None, **how: Any) -> str:
        """What a cell prints and shows as text."""
        shown = self.run(code, cell_id, **how)
        return "".join(
            content.get("text") or content.get("data", {}).get("text/plain") or content.get("ename", "")
            for _, content in shown
        )

    def interrupt(self) -> None:
        """As the stop button does."""
        self.manager.interrupt_kernel()

    def restart(self) -> None:
        """As the restart button does."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=False)
        self.client = self._connect()

    def kill(self) -> None:
        """SIGKILL, which no process survives or hears of."""
        process = self.manager.provisioner.process  # type: ignore[union-attr]
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)

    def stop(self) -> None:
        """As a front end does that is closed."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Waits until the condition holds; answers what it answered."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)
    return found


def files_of(store: Path, run_id: str, name: str = "notebook.ipynb") -> Path:
    """Where a run's notebook is, or would be."""
    return next(iter(store.glob(f"artifacts/*/{run_id}/{name}")), store / "none")


def saved(store: Path, run_id: str) -> Any:
    """The notebook that a run has, as nbformat says that it is valid."""
    text = files_of(store, run_id).read_text("utf-8")
    notebook = json.loads(text)
    nbformat.validate(notebook)
    return notebook


def sources(notebook: Any) -> list[str]:
    return [cell["source"] for cell in notebook["cells"]]


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook file; a cell that begins with ``#:`` is Markdown."""
    v4 = nbformat.v4
    made = [
        v4.new_markdown_cell(cell.removeprefix("#:")) if cell.startswith("#:") else v4.new_code_cell(cell)
        for cell in cells
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)
    return path


def program(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a module as a program (``nbconvert``, ``papermill``)."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done
