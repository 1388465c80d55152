"""The notebook that is kept with each run: by nbconvert, papermill and kernels of front ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import autotrack
from tests.plugins.notebook.conftest import Start
from tests.plugins.notebook.kernels import Kernel, files_of, program, saved, sources, until, write_notebook

ENABLE = "import autotrack; autotrack.enable()"


@pytest.fixture
def folder(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for notebooks, with IPython's and Jupyter's defaults."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return tmp_path


def outputs(cell: Any) -> list[Any]:
    return [output.get("text") or output.get("data") or output.get("ename") for output in cell["outputs"]]


def test_nbconvert_leaves_both_files_on_each_run(folder: Path, store: Path) -> None:
    path = write_notebook(
        folder / "study.ipynb",
        "#:# A *study*",
        ENABLE,
        "print('before'); run = autotrack.start_run('first')",
        "run.finish(); 6 * 7",
        "with autotrack.start_run('second'): print('inside')",
        # What was saved when the cells above were over is there before this one shows anything.
        "import pathlib, time\n"
        "kept = lambda: pathlib.Path('.autotrack').rglob('notebook.ipynb')\n"
        "while sum(file.read_text().count('\"ok\"') > 2 for file in kept()) < 2: time.sleep(0.02)\n"
        "print('the last cell')",
    )
    program("nbconvert", "--to", "notebook", "--execute", path, "--output", "out.ipynb", cwd=folder)
    runs = autotrack.search_runs()
    assert {run.name for run in runs} == {"first", "second"}
    for run in runs:
        assert {artifact.path for artifact in run.artifacts} >= {"notebook.ipynb", "notebook.html"}
        notebook = saved(store, run.id)
        assert sources(notebook) == ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
        code = notebook["cells"][1:]
        assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4, 5]
        assert [outputs(cell) for cell in code] == [
            [],
            ["before\n"],
            [{"text/plain": "42"}],
            ["inside\n"],
            ["the last cell\n"],
        ]
        page = files_of(store, run.id, "notebook.html").read_text("utf-8")
        assert "<h1>A <em>study</em></h1>" in page and "the last cell" in page and "study.ipynb" in page


def test_nbconvert_writes_the_same_notebook_with_and_without_autotrack(folder: Path) -> None:
    cells = (
        "import sys, random; print('a'); print('b', file=sys.stderr); print('c', end='')",
        "from sklearn.linear_model import Ridge; Ridge().fit([[0.0], [1.0]], [0.0, 1.0]).coef_.tolist()",
        "from IPython.display import display, HTML, clear_output; h = display(HTML('<b>x</b>'), display_id='d')",
        "h.update(HTML('<i>y</i>')); print('gone'); clear_output(); print('stays')",
        "import asyncio; await asyncio.sleep(0); _, __, Out, sorted(globals())[:3], sys.displayhook.__class__.__name__",
        "sys.stdout.write('x' * 100_000); random.seed(1); random.random()",
        "try:\n    1/0\nexcept ZeroDivisionError as error:\n    print(repr(error), error.__traceback__.tb_next)",
        "%%time\nprint(len(In), In[-1])",
    )
    written = []
    for first in (ENABLE, "import autotrack"):
        path = write_notebook(folder / f"{len(written)}.ipynb", first, *cells)
        program("nbconvert", "--to", "notebook", "--execute", "--inplace", path, cwd=folder)
        notebook = json.loads(path.read_text())
        shown = [
            json.dumps([cell["source"], cell["execution_count"], cell["outputs"]]) for cell in notebook["cells"][1:]
        ]
        written.append([text for text in shown if "%%time" not in text])
    assert written[0] == written[1]


def test_papermill_keeps_the_notebook_with_its_parameters(folder: Path, store: Path) -> None:
    path = write_notebook(
        folder / "in.ipynb", "#:notes", "alpha = 1", ENABLE, "run = autotrack.start_run('mill'); print(alpha)"
    )
    notebook = json.loads(path.read_text())
    notebook["cells"][1]["metadata"]["tags"] = ["parameters"]
    path.write_text(json.dumps(notebook))
    program("papermill", path, folder / "out.ipynb", "-p", "alpha", "7", "--no-progress-bar", cwd=folder)
    (run,) = autotrack.search_runs()
    found = saved(store, run.id)
    assert run.status.value == "FINISHED"
    assert sources(found)[:2] == ["notes", "alpha = 1"] and sources(found)[2].endswith("alpha = 7")
    assert outputs(found["cells"][-1]) == ["7\n"]
    assert found["metadata"]["autotrack"]["file"] == "out.ipynb"


def test_without_a_file_what_ran_is_the_notebook(kernel: Kernel, store: Path) -> None:
    kernel.run("x = 1; print('one')")
    kernel.run("run = autotrack.start_run('r')")
    kernel.run("run.finish(); print('two')", "named")
    kernel.run("print('three')", "named")
    kernel.run("1/0")
    kernel.stop()
    (run,) = autotrack.search_runs()
    notebook = saved(store, run.id)
    assert sources(notebook) == [
        ENABLE,
        "x = 1; print('one')",
        "run = autotrack.start_run('r')",
        "print('three')",
        "1/0",
    ]
    assert outputs(notebook["cells"][3]) == ["three\n"] and notebook["cells"][3]["id"] == "named"
    assert outputs(notebook["cells"][4]) == ["ZeroDivisionError"]
    assert [cell["metadata"]["autotrack"]["ran"] for cell in notebook["cells"]] == ["ok"] * 4 + ["error"]


def test_cells_that_ran_before_tracking_was_on_are_told(start: Start, store: Path) -> None:
    kernel = start()
    kernel.run("%time early = 1; print('unseen')")
    kernel.run(f"{ENABLE}\n%time pass\n")
    kernel.run("with autotrack.start_run('r'): pass")
    kernel.stop()
    notebook = saved(store, autotrack.search_runs()[0].id)
    assert sources(notebook)[:2] == ["%time early = 1; print('unseen')", f"{ENABLE}\n%time pass\n"]
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2, 3]
    assert notebook["cells"][0]["metadata"]["autotrack"] == {"ran": "unseen"}


def test_the_file_that_a_front_end_names_gives_the_cells_that_did_not_run(
    start: Start, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(
        tmp_path / "lab.ipynb", "#:intro", ENABLE, "run = autotrack.start_run('lab')", "print('not run')"
    )
    ids = [cell["id"] for cell in json.loads(path.read_text())["cells"]]
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    kernel = start()
    kernel.run(ENABLE, ids[1])
    kernel.run("run = autotrack.start_run('lab') # changed, not saved", ids[2])
    kernel.run("scratch = 1", "a-cell-that-was-never-saved")
    kernel.stop()
    notebook = saved(store, autotrack.search_runs()[0].id)
    assert sources(notebook) == [
        "intro",
        ENABLE,
        "run = autotrack.start_run('lab') # changed, not saved",
        "scratch = 1",
        "print('not run')",
    ]
    assert notebook["cells"][-1]["metadata"]["autotrack"] == {"ran": "not in this kernel"}
    assert [cell["id"] for cell in notebook["cells"]] == [*ids[:3], "a-cell-that-was-never-saved", ids[3]]


def test_a_killed_kernel_leaves_the_notebook_as_it_was_when_the_run_ended(kernel: Kernel, store: Path) -> None:
    kernel.run("with autotrack.start_run('r') as run: print('kept')")
    run_id = kernel.text("print(run.id)").strip()
    until(lambda: "kept" in files_of(store, run_id).read_text() if files_of(store, run_id).exists() else False)
    kernel.kill()
    assert until(lambda: [str(run.status) for run in autotrack.search_runs()]) == ["FINISHED"]
    assert outputs(saved(store, run_id)["cells"][1]) == ["kept\n"]


def test_a_run_that_ends_in_a_long_cell_is_saved_while_the_cell_runs(kernel: Kernel, store: Path) -> None:
    code = (
        "import time\nwith autotrack.start_run('r') as run: print(run.id, flush=True)\n"
        "while not go.exists(): time.sleep(0.02)\nprint('the end of the cell')"
    )
    go = store.parent / "go"
    kernel.run(f"import pathlib; go = pathlib.Path({str(go)!r})")
    request = kernel.send(code)
    found = until(lambda: list(store.glob("artifacts/*/*/notebook.html")))
    assert found and request
    run_id = found[0].parent.name
    assert saved(store, run_id)["cells"][-1]["metadata"]["autotrack"]["ran"] == "running"
    go.touch()
    until(lambda: "the end of the cell\\n" in files_of(store, run_id).read_text())


def test_secrets_are_masked_in_sources_and_outputs(kernel: Kernel, store: Path) -> None:
    key = "sk-" + "a1B2c3D4" * 5
    kernel.run(f"run = autotrack.start_run('r'); api_key = '{key}'; print('token', api_key)")
    kernel.run(f"from IPython.display import HTML, display; display(HTML('<b>{key}</b>')); raise ValueError(api_key)")
    kernel.stop()
    (run,) = autotrack.search_runs()
    for name in ("notebook.ipynb", "notebook.html"):
        assert key not in files_of(store, run.id, name).read_text("utf-8")
    assert "***" in sources(saved(store, run.id))[1]


def test_outputs_are_bounded_with_a_note(start: Start, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_NOTEBOOK_MAX_MB", "0.05")
    kernel = start()
    kernel.run(ENABLE)
    kernel.run("run = autotrack.start_run('r'); print('x' * 200_000)")
    kernel.run("from IPython.display import HTML, display; display(HTML('y' * 200_000))")
    kernel.run("for i in range(3000): print('progress', i, end='\\r')")
    kernel.stop()
    notebook = saved(store, autotrack.search_runs()[0].id)
    first, second, _ = notebook["cells"][1:]
    assert first["outputs"][0]["text"] == "x" * 50_000 and "150001 more characters" in first["outputs"][1]["text"]
    assert "more characters" in second["outputs"][-1]["text"]
    assert files_of(store, autotrack.search_runs()[0].id).stat().st_size < 100_000


def test_no_notebook_is_kept_where_the_settings_say_so(
    start: Start, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOTRACK_NOTEBOOK_KEEP", "0")
    kernel = start()
    kernel.run(ENABLE)
    kernel.run("with autotrack.start_run('r'): pass")
    kernel.stop()
    assert not autotrack.search_runs()[0].artifacts


def test_output_of_threads_and_of_watched_calls_is_part_of_the_cell(kernel: Kernel, store: Path) -> None:
    kernel.run(
        "import threading\nfrom IPython.display import display\nfrom sklearn.linear_model import Ridge\n"
        "class Loud(Ridge):\n    def fit(self, X, y):\n        display({'in': 'a fit'}); return super().fit(X, y)\n"
        "thread = threading.Thread(target=print, args=('from a thread',)); thread.start(); thread.join()\n"
        "model = Loud().fit([[0.0], [1.0]], [0.0, 1.0])"
    )
    kernel.stop()
    notebook = saved(store, autotrack.search_runs()[0].id)
    assert sorted(map(str, outputs(notebook["cells"][1]))) == ["from a thread\n", "{'text/plain': \"{'in': 'a fit'}\"}"]


def test_disable_stops_it_and_leaves_the_kernel_as_it_was(kernel: Kernel, store: Path) -> None:
    kernel.run("with autotrack.start_run('r') as run: pass")
    kernel.run("autotrack.disable()")
    watched = (
        "shell = get_ipython(); print('send' in vars(shell.kernel.session), "
        "[len(shell.events.callbacks[event]) for event in ('pre_run_cell', 'post_run_cell')])"
    )
    without = kernel.text(watched)
    assert without.startswith("False")
    kernel.run("print('unseen')")
    kernel.run("autotrack.enable()")
    assert kernel.text(watched) != without
    kernel.run("with autotrack.start_run('s'): print('seen again')")
    kernel.stop()
    notebook = saved(store, autotrack.search_runs("name = 's'")[0].id)
    assert sources(notebook)[0] == ENABLE and outputs(notebook["cells"][-1]) == ["seen again\n"]


def test_a_script_loads_nothing_of_it(store: Path, script: Any) -> None:
    done = script(
        """
        import sys, autotrack
        autotrack.enable()
        with autotrack.start_run("plain"): pass
        print([n for n in sys.modules if n.startswith(("IPython", "ipykernel", "markdown_it", "autotrack_notebook."))])
        import IPython
        with autotrack.start_run("imported"): pass
        print([n for n in sys.modules if n.startswith(("markdown_it", "autotrack_notebook."))])
        """,
        IPYTHONDIR=str(store.parent / "ipython"),
    )
    assert done.stdout == "[]\n[]\n", done.stderr


def test_the_line_below_a_cell_is_for_those_who_sit_there(kernel: Kernel) -> None:
    code = "run = autotrack.start_run('shown <b>'); print('text')"
    assert [kind for kind, _ in kernel.run(code, "c")] == ["stream"]
    shown = kernel.run(code, "c", attended=True)
    assert [kind for kind, _ in shown] == ["stream", "display_data"]
    line = shown[1][1]
    run_id = kernel.text("print(run.id)").strip()
    assert line["data"]["text/plain"] == f"autotrack: run shown <b> is running · autotrack runs show {run_id[:8]}"
    assert "shown &lt;b&gt;" in line["data"]["text/html"]
    later = kernel.run("run.finish()", "d", attended=True)
    assert [kind for kind, _ in later] == ["update_display_data"]
    assert later[0][1]["transient"] == line["transient"] and "finished" in later[0][1]["data"]["text/plain"]
    again = kernel.run(code, "c", attended=True)
    assert again[1][1]["transient"] == line["transient"]
    assert kernel.run("with autotrack.start_run('quiet'): 1/0", "e", attended=True)[-1][0] == "display_data"


def test_the_line_is_no_output_of_the_notebooks_and_can_be_switched_off(
    start: Start, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for link, expected in (("1", 1), ("0", 0)):
        monkeypatch.setenv("AUTOTRACK_NOTEBOOK_LINK", link)
        kernel = start()
        kernel.run(ENABLE)
        shown = kernel.run(f"with autotrack.start_run('link {link}'): pass", attended=True)
        assert len(shown) == expected
        kernel.stop()
        (run,) = [run for run in autotrack.search_runs() if run.name == f"link {link}"]
        assert outputs(saved(store, run.id)["cells"][1]) == []


def test_switching_on_again_changes_nothing(kernel: Kernel, store: Path) -> None:
    count = "print([len(each) for each in get_ipython().events.callbacks.values()])"
    once = kernel.text(count)
    kernel.run("autotrack.enable()", "enable")
    kernel.run("autotrack.enable(models=False)", "enable")
    assert kernel.text(count) == once
    kernel.run("with autotrack.start_run('r'): print('once')")
    kernel.stop()
    notebook = saved(store, autotrack.search_runs()[0].id)
    assert outputs(notebook["cells"][-1]) == ["once\n"]
    assert sources(notebook)[0] == count and sources(notebook).count("autotrack.enable(models=False)") == 1
