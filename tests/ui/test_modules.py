"""What the browser runs: its types, its pure modules, and the parts that others wrote."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from autotrack.server.pages.joining import join
from autotrack.server.pages.shrinking import shrunk

UI = Path(__file__).parents[2] / "autotrack" / "server" / "ui"
OURS = [path for path in UI.rglob("*.js") if "vendor" not in path.parts]


@pytest.mark.parametrize("script", ["types", "test"])
def test_node_finds_nothing_wrong(node: Path, script: str) -> None:
    done = subprocess.run(["npm", "run", script], cwd=node, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_vendored_files_are_those_that_were_published() -> None:
    listed = json.loads((UI / "vendor" / "VENDOR.json").read_text())
    files = {path.name for path in (UI / "vendor").iterdir() if path.suffix in (".js", ".css")}
    assert files == set(listed)
    for name, part in listed.items():
        assert hashlib.sha256((UI / "vendor" / name).read_bytes()).hexdigest() == part["sha256"], name


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(UI).as_posix())
def test_a_module_makes_no_markup_of_text_and_fits_on_a_few_screens(path: Path) -> None:
    text = path.read_text()
    forbidden = r"dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(forbidden, text)
    assert text.count("\n") < 300, "a module of the pages has fewer than 300 lines"
    assert text.startswith("// "), "a module says in its first line what it is for"


def test_what_is_served_is_the_modules_as_they_are_written(node: Path, tmp_path: Path) -> None:
    """Another scanner (acorn) reads the same tokens, on the same lines, before and after; so do strange ones."""
    for number, text in enumerate((*(path.read_text() for path in OURS), _STRANGE)):
        (tmp_path / f"{number}.before").write_text(text)
        (tmp_path / f"{number}.after").write_text(shrunk(text))
    script = """
      const { readFileSync } = require('fs'), { parse } = require('acorn')
      function tokens(file) {
        const onToken = []
        parse(readFileSync(file, 'utf8'), { ecmaVersion: 'latest', sourceType: 'module', locations: true, onToken })
        const said = ({ type, value, loc }) => [type.label, String(value?.pattern ?? value), loc.start.line].join(' ')
        return onToken.map(said)
      }
      const [folder, count] = process.argv.slice(1)
      let all = 0
      for (let at = 0; at < Number(count); at += 1) {
        const before = tokens(`${folder}/${at}.before`), after = tokens(`${folder}/${at}.after`)
        require('assert').deepEqual(after, before)
        all += before.length
      }
      console.log(all)
    """
    command = ["node", "-e", script, str(tmp_path), str(len(OURS) + 1)]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50_000


_STRANGE = r"""
const a = b / c / d
const e = `x ${ `y ${ {f: '}'}.f } // no comment` } /* nor this */ z`, g = /[/'"`]\//gi.test(h) // one
if (a) { /re + /.exec(e) }  /* two
  lines */ ; i = j + +k - -l - --m + n++ + ++o; p = 1 .toFixed() + 1.5.toFixed(); s = typeof /x/
q = r ? /s/ : {}
class T { #u = 1 ; static v = '\\' ; w ( ) { return /x/ in this.#u } }
label: for (const x of [ ] ) { continue label }
"""


def test_modules_are_joined_in_forms_that_are_known() -> None:
    """What the joining of modules does not know is an error when the server starts, not a page that does not work."""
    ours = {path.relative_to(UI).as_posix(): shrunk(path.read_text()) for path in OURS}
    first = join(ours, "main.js")
    assert set(first.places) >= {path for path in ours if path.startswith("screens/")}
    for text in (
        "export default 1",
        "export * from'./html.js'",
        "import*as all from'./html.js'",
        "export let a=1",
        "export{a}",
        "import'./html.js'",
    ):
        with pytest.raises(ValueError, match="knows no"):
            join({**ours, "likeness.js": f"{text}\n{ours['likeness.js']}"}, "main.js")
    with pytest.raises(ValueError, match="in a ring"):
        join({**ours, "likeness.js": f"import{{Finder}}from'./finder.js'\n{ours['likeness.js']}"}, "main.js")
    with pytest.raises(ValueError, match="empty line"):
        shrunk("const a = `b\n\nc`")
