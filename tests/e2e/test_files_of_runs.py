"""Files that autotrack itself opens while it records are no files of the program."""

from __future__ import annotations

from pathlib import Path

from autotrack.client.client import Client
from tests.conftest import Script


def test_our_own_files_are_no_data(store: Path, tmp_path: Path, script: Script) -> None:
    (tmp_path / "data.csv").write_text("1\n2\n")
    done = script(
        """
        import autotrack
        autotrack.enable()
        from sklearn.linear_model import LinearRegression
        values = [[float(line)] for line in open("data.csv")]
        model = LinearRegression().fit(values, [1.0, 2.0])
        autotrack.search_runs()[0].log_text("a", "a.txt")
        open("out.txt", "w").write(str(model.coef_))
        """
    )
    assert done.returncode == 0, done.stderr
    client = Client()
    (run,) = client.search_runs()
    session = run.session
    assert session
    found = {(Path(file.path).name, file.role) for file in client.sink.files(sessions=[session])}
    assert found == {("data.csv", "read"), ("out.txt", "written")}
    assert set(client.sink.session(session).parts["code"]["sources"]) == {"script.py"}  # and no plugin of ours
    assert "files" not in client.sink.session(session).parts  # it would hold gaps
