"""R36: one planted secret of each kind, in every place that is captured; the whole store is searched for each."""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

from autotrack.core.runs import trackers

from .ring import TRAIN, Ring, ring, store

__all__ = ["ring", "store"]

#: Made up here; put together so that no scanner takes this file for a leak.
BODY = "q7Rw2Zk9Lm4Xc8Vb3Nt6"
TOKENS = {
    "aws": "AK" + "IAQ7RW2ZK9LM4XC8VB",
    "github": "gh" + f"p_{BODY}{BODY}",
    "github-fine": "github" + f"_pat_{BODY}_{BODY}",
    "slack": "xo" + f"xb-123456789012-{BODY}",
    "google": "AI" + f"za{BODY}{BODY[:15]}",
    "huggingface": "h" + f"f_{BODY}{BODY[:14]}",
    "openai": "s" + f"k-proj-{BODY}{BODY}",
    "jwt": "ey" + f"JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{BODY}{BODY}",
    "gitlab": "gl" + f"pat-{BODY}",
    "stripe": "sk" + f"_live_{BODY}",
    "autotrack": "a" + f"t_{BODY}{BODY}",
}
#: What only its name or its place gives away.
PASSWORD = "hunter-Two-" + BODY[:8]
KEY = "\n".join(["-----BEGIN RSA " + "PRIVATE KEY-----", *[f"MII{BODY}{number}{BODY}{BODY}" for number in range(4)],
                 "-----END RSA " + "PRIVATE KEY-----"])  # fmt: skip


def planted(label: str) -> dict[str, str]:
    """A secret of each kind that is this place's alone, so that what is found says where it came from."""
    swap = str.maketrans("q7Rw", f"{label[0]}{label[1]}{label[0].upper()}{label[-1]}")
    found = {kind: token.translate(swap) for kind, token in TOKENS.items()}
    return found | {"aws": TOKENS["aws"].translate(str.maketrans("7Z9", label[:3].upper()))}


def contents(store: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte that the store keeps, compressed ones unpacked; and the database's cells."""
    trackers.close_all()
    for path in store.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield str(path.relative_to(store)), content
        for start in (0, 1):
            try:
                yield f"{path.relative_to(store)} unpacked", zlib.decompress(content[start:])
            except zlib.error:
                pass
    with sqlite3.connect(store / "autotrack.db") as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    raw = cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "surrogatepass")
                    yield f"table {table}", raw
                    if isinstance(cell, bytes):
                        try:
                            yield f"table {table} unpacked", zlib.decompress(cell)
                        except zlib.error:
                            pass
    connection.close()


def leaks(store: Path, secrets: dict[str, str]) -> set[tuple[str, str]]:
    """(which secret, where) for each that is kept anywhere, in whole or its telling half."""
    wanted = {label: secret.encode() for label, secret in secrets.items()}
    found = set()
    for place, content in contents(store):
        found |= {(label, re.sub(r"[0-9a-f]{8,}", "*", place)) for label, secret in wanted.items() if secret in content}
    return found


def as_source(tokens: dict[str, str]) -> str:
    """Code that holds them as literals."""
    return "".join(f"{'T_' + kind.replace('-', '_')} = {token!r}\n" for kind, token in tokens.items())


def test_every_secret_in_every_place(ring: Ring) -> None:
    places = ("diff", "untracked", "outside", "console", "stderr", "argv", "default", "environment", "params", "tags",
              "error", "notes", "names", "commit", "estimator", "child")  # fmt: skip
    secrets = {place: planted(place) for place in places}
    passwords = {
        place: f"{PASSWORD}-{place}"
        for place in """url option option= variable dotenv remote direct diff default
        print error params yaml json header dataset basic argument""".split()
    }
    site = ring.base / "site"
    info = site / "planted-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    url = f"https://someone:{passwords['direct']}@example.org/planted.git"
    (info / "direct_url.json").write_text(json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}))
    (site / "outside.py").write_text(as_source(secrets["outside"]))
    (ring.place / "train.py").write_text("")
    (ring.place / "tracked.py").write_text("a = 1\n")
    (ring.place / ".env").write_text("A=1\n")
    (ring.place / "settings.yaml").write_text("a: 1\n")
    ring.commit()
    ring.git(
        "remote", "add", "origin", f"https://someone:{passwords['remote']}@example.org/x.git?token={TOKENS['github']}"
    )
    (ring.place / "tracked.py").write_text(
        as_source(secrets["diff"]) + f"password = {passwords['diff']!r}\nKEY = '''{KEY}'''\n"
    )
    (ring.place / ".env").write_text(f"DB_PASSWORD={passwords['dotenv']}\n")
    (ring.place / "settings.yaml").write_text(f"db:\n  password: {passwords['yaml']}\n")
    (ring.place / "untracked.py").write_text(
        as_source(secrets["untracked"]) + f'config = {{"password": "{passwords["json"]}"}}\n'
    )
    body = f"""
import argparse, json, os, sys
sys.path.insert(0, {str(site)!r})
given = json.loads(os.environ.pop("PLANTED"))
SWITCH
import autotrack_or_nothing as tracking, outside, tracked, untracked
parser = argparse.ArgumentParser()
for option in ("--token", "--password", "--url"): parser.add_argument(option)
parser.add_argument("names", nargs="*")
for number, token in enumerate(given["default"]): parser.add_argument(f"--default{{number}}", default=token)
parser.add_argument("--db-password", default=given["password-default"])
parser.parse_args()
for token in given["console"]: print("said", token)
for token in given["stderr"]: print("said", token, file=sys.stderr)
print("password:", given["password-print"]); print("Authorization: Basic " + given["password-basic"])
print(given["key"])
{TRAIN}
from sklearn.base import BaseEstimator
class Mine(BaseEstimator):
    def __init__(self, name=None, **more): self.name = name
    def fit(self, X, y=None): self.rows_ = len(X); return self
for token in given["estimator"]: Mine(token).fit([[1.0]])
tracking.log(given)
raise RuntimeError("refused: " + " ".join(given["error"]) + " https://u:" + given["password-error"] + "@host/")
"""
    (ring.place / "autotrack_or_nothing.py").write_text("""
import sys
def log(given):
    autotrack = sys.modules.get("autotrack")
    if autotrack is None: return
    run = autotrack.start_run("named " + given["names"][0])
    for number, token in enumerate(given["params"]):
        run.log_param(f"p{number}", token); run.log_params({"nested": {f"n{number}": [token]}})
    run.log_param("db_password", given["password-params"])
    for number, token in enumerate(given["tags"]): run.set_tag(f"t{number}", token)
    for token in given["notes"]: run.note(token)
    source = "s3://key:" + given["password-dataset"] + "@bucket/"
    for token in given["names"]: run.log_dataset([1.0], name=token, source=source)
""")
    ring.git("add", "autotrack_or_nothing.py")
    ring.git("commit", "-q", "-m", " ".join(secrets["commit"].values()), "autotrack_or_nothing.py")
    given = {place: list(tokens.values()) for place, tokens in secrets.items()}
    given |= {f"password-{place}": password for place, password in passwords.items()} | {"key": KEY}
    arguments = [
        "--token", secrets["argv"]["openai"], *secrets["argv"].values(),
        f"--url=https://someone:{passwords['url']}@example.org/", "--password", passwords["option"],
    ]  # fmt: skip
    environment = {f"TORCH_{kind.upper().replace('-', '_')}": token for kind, token in secrets["environment"].items()}
    environment |= {"HF_TOKEN": TOKENS["huggingface"], "SLURM_PASSWORD": passwords["variable"]}
    ended = ring.twice(body, arguments=arguments, lines=1, PLANTED=json.dumps(given), **environment)
    assert ended.plain.code == 1
    said = ended.plain.out + ended.plain.err  # the planting works
    assert all(token.encode() in said for place in ("console", "stderr", "error") for token in secrets[place].values())
    everything = {f"{place} {kind}": token for place, tokens in secrets.items() for kind, token in tokens.items()}
    everything |= {f"password in {place}": password for place, password in passwords.items()}
    everything |= {f"line {number} of a key": line for number, line in enumerate(KEY.split("\n")[1:-1])}
    everything |= {"remote token": TOKENS["github"], "variable": TOKENS["huggingface"]}
    found = leaks(ring.store, everything)  # what the journal holds, and what lies beside it
    outcome = ring.outcome(ended)
    found |= leaks(ring.store, everything)  # what the database holds
    # A model is the estimator as it is: without what it holds it would be another one.
    found -= {(f"estimator {kind}", "artifacts/*/*/model/model.pkl") for kind in TOKENS}
    assert not found, "\n".join(sorted(map(" in ".join, found)))
    notes = [note for run in outcome.runs for note in run.health.get("notes", ())]
    assert any("secret(s) in the diff are masked" in gap for gap in outcome.gaps), outcome.gaps
    assert any("secret(s) in sources are masked" in gap for gap in outcome.gaps), outcome.gaps
    for what in ("param 'p0'", "param 'db_password'", "tag 't0'", "param 'name'"):
        assert any("looks like a secret" in note and what in note for note in notes), (what, notes)
    (shown,) = [run for run in outcome.runs if run.params.get("db_password")]
    assert shown.params["db_password"] == shown.params["p0"] == "***" and "refused" in (shown.error or "")
    assert outcome.parts["environment"]["variables"]["HF_TOKEN"] == "***"
    assert "said ***" in outcome.console and outcome.parts["arguments"]["parsed"]["password"] == "***"
