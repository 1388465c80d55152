"""A path that is an address elsewhere is fetched, whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest
from autotrack_projects.fetching import fetch, is_fetched

import autotrack
from autotrack.core.errors import ProjectError
from autotrack.core.plugins.registry import forget_plugins

ROWS = b"1,2\n3,4\n"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/rows.csv"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(ROWS) + (5 if "half" in self.path else 0)))
            self.end_headers()
            self.wfile.write(ROWS)
        else:
            self.send_error(404)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_program_gets_the_file_and_the_run_the_address(store: Path, tmp_path: Path, site: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "MLproject").write_text(
        'entry_points: {main: {parameters: {data: path}, command: "python show.py {data}"}}'
    )
    (project / "show.py").write_text("import sys; print(sys.argv[1].split('/')[-1], open(sys.argv[1]).read())")
    run = autotrack.run_project(str(project), "main", {"data": f"{site}/rows.csv?token=x"}).run
    console = Path(run.artifact_uri, "project/console.txt").read_text()
    assert console.split() == ["rows.csv", "1,2", "3,4"]
    assert autotrack.get_run(run.id).params["data"].startswith(f"{site}/rows.csv")


def test_what_cannot_be_had_whole_is_not_had(tmp_path: Path, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, (uri, says) in enumerate(
        (
            (f"{site}/nothing.csv", "the server answers 404"),
            (f"{site}/rows.csv?half", r"cannot fetch .* for the parameter data: .*IncompleteRead"),
            ("http://127.0.0.1:9/rows.csv", "cannot fetch http://127.0.0.1:9/rows.csv for the parameter data"),
            ("memory://nothing/here.csv", "cannot fetch memory://nothing/here.csv"),
        )
    ):
        with pytest.raises(ProjectError, match=says):
            fetch(uri, tmp_path / str(number), "data")
    monkeypatch.setenv("AUTOTRACK_PROJECTS_LARGEST_BYTES", "5")
    forget_plugins()
    with pytest.raises(ProjectError, match="more than 5 bytes; AUTOTRACK_PROJECTS_LARGEST_BYTES"):
        fetch(f"{site}/rows.csv", tmp_path / "large", "data")
    forget_plugins()


def test_a_folder_of_a_store_of_objects(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    for name in ("a.csv", "deep/b.csv"):
        memory.pipe(f"/fetched/data/{name}", name.encode())
    folder = fetch("memory://fetched/data", tmp_path / "there", "data")
    assert folder == tmp_path / "there" / "data"
    assert {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.csv")} == {
        "a.csv": "a.csv",
        "deep/b.csv": "deep/b.csv",
    }
    memory.rm("/fetched", recursive=True)


@pytest.mark.parametrize(
    "value",
    ["/a/b", "a.csv", "file:///etc/passwd", "zip::http://h/a", "http://h/a::b", "http://", "s3:/b", "runs:/a/b"],
)
def test_what_is_no_address_that_is_fetched(value: str) -> None:
    assert not is_fetched(value)
