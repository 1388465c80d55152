"""A server with users as it is really started, the command line of its users, and where no secret may be left (R36)."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from asgi_calls import basic, bearer
from server_process import Response, ServerProcess

from autotrack.cli.main import main
from autotrack.core import credentials
from autotrack.core.credentials import server_url, token_for

PASSWORD, WRONG, GRACES = "Kohlrabi-und-Sellerie-7", "Petersilie-und-Lauch-8", "Schnittlauch-mit-Dill-9"
CODE = re.compile(r"\b[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}\b")


@dataclass(frozen=True)
class Said:
    out: str
    err: str


@pytest.fixture
def autotrack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Said]]:
    """Runs the command line; what is typed comes by standard input, a line each."""
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    hook = sys.excepthook

    def run(*arguments: str, typed: str = "", code: int = 0) -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        said = Said(*capsys.readouterr())
        assert stop.value.code == code, said
        return said

    yield run
    sys.excepthook = hook


def secrets_in(folder: Path, secrets: list[str]) -> list[str]:
    """Files under a folder that hold one of them."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    assert files
    return [str(file) for file in files if any(each.encode() in file.read_bytes() for each in secrets)]


def processes_under(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def test_from_the_first_start_to_the_last_token(
    new_server: Callable[..., ServerProcess], autotrack: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server("--auth", "--workers", "2")
    code = CODE.search(server.output())
    assert code is not None, server.output()
    answers: list[Response] = []

    def asked(method: str, path: str, body: object = None, **headers: str) -> int:
        answers.append(server.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()}))
        return answers[-1].status

    # The first administrator, over two workers, either of which may be asked.
    typed = f"{code[0]}\nAda\n{PASSWORD}\n"
    said = autotrack("login", server.url, typed=typed)
    assert "as ada" in said.err
    token = token_for(server.url + "/")
    assert token is not None and asked("GET", "/api/v1/me", authorization=bearer(token)) == 200
    file = credentials.credentials_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert " 409" not in said.err and asked("POST", "/api/v1/login", {"user": "eve", "password": WRONG}) == 401

    # An administrator's work, with the token that login has kept.
    there = ("--store", server.url)
    autotrack("users", "add", "grace", "--role", "viewer", *there, typed=f"{GRACES}\n")
    assert (
        "there is a user 'grace' already" in autotrack("users", "add", "grace", *there, typed=f"{GRACES}\n", code=2).err
    )
    autotrack("users", "role", "grace", "editor", *there)
    made = autotrack("tokens", "create", "--user", "grace", "--name", "ci", "--scope", "viewer", *there)
    ci = made.out.strip()
    assert asked("GET", "/api/v1/me", authorization=basic("grace", ci)) == 200
    assert b'"role":"viewer"' in answers[-1].content
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv(credentials.VARIABLE, ci)
        refused = autotrack("users", "list", *there, code=1)
    assert "does not let you do this" in refused.err and ci not in refused.err + refused.out
    assert autotrack("users", "list", *there).out.split() == "user role in experiments ada admin grace editor".split()
    autotrack("experiments", "create", "churn", *there)
    autotrack("users", "grant", "grace", "churn", "admin", *there)
    assert "admin of churn" in autotrack("users", "list", *there).out
    with monkeypatch.context() as elsewhere:  # who is known is not sent to log in once more
        elsewhere.setenv(credentials.VARIABLE, ci)
        refused = autotrack("experiments", "create", "other", *there, code=1)
    assert "an administrator can grant it" in refused.err and "login" not in refused.err

    # What a client sends that gets no further. Answers with a token are kept nowhere, not even for a repetition.
    again = {"idempotency_key": "one", "authorization": bearer(token)}
    assert asked("POST", "/api/v1/users/grace/tokens", {"name": "kept?"}, **again) == 200
    shown = answers.pop().json()["token"]
    for headers in (
        {"authorization": basic("grace", WRONG)},
        {"authorization": bearer(ci[:-1] + "x")},
        {"authorization": f"Basic {WRONG}"},
        {"authorization": WRONG},
    ):
        assert asked("GET", "/api/v1/me", **headers) == 401
    body = {"user": "grace", "password": WRONG, "wrong": WRONG}
    assert asked("POST", "/api/v1/login", body) == 422
    assert asked("POST", "/api/v1/login", {"user": WRONG, "password": PASSWORD}) == 401
    assert (
        asked(
            "POST",
            "/api/v1/login",
            b'{"user": "grace", "password": "' + WRONG.encode(),
            content_type="application/json",
        )
        == 400
    )
    assert asked("POST", "/api/v1/me/password", {"old": WRONG, "new": GRACES}, authorization=bearer(token)) == 401
    secrets = [PASSWORD, WRONG, GRACES, token, token[3:], ci, ci[3:], shown, shown[3:]]
    bodies = b"".join(answer.content for answer in answers)
    assert not [each for each in secrets if each.encode() in bodies]

    # Where they must not be while the server runs, and what it has left when it has ended.
    for pid in processes_under(server.process.pid):
        for what in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{what}").read_bytes()
            assert not [each for each in (*secrets, code[0]) if each.encode() in content], what
    autotrack("logout", server.url)
    assert token_for(server.url) is None and asked("GET", "/api/v1/me", authorization=bearer(token)) in (200, 401)
    assert "there is no token" in autotrack("logout", server.url, code=2).err
    assert server.close() == 0
    assert secrets_in(server.store, [*secrets, code[0], code[0].replace("-", "")]) == []
    assert not [each for each in secrets if each in server.output()]

    # On the server's own machine, with its store: a second start has no code, and the tokens are as they were.
    local = ("--store", str(server.store))
    listed = autotrack("tokens", "list", "--user", "ada", *local).out
    assert "no: revoked" in listed
    autotrack("users", "disable", "grace", *local)
    assert "only administrator" in autotrack("users", "disable", "ada", *local, code=2).err
    autotrack("users", "password", "ada", *local, typed=f"{GRACES}\n")
    second = new_server("--auth", store=server.store)
    assert CODE.search(second.output()) is None
    assert second.get("/api/v1/me", headers={"authorization": basic("ada", GRACES)}).status == 200
    assert second.get("/api/v1/me", headers={"authorization": basic("ada", PASSWORD)}).status == 401
    assert second.get("/api/v1/me", headers={"authorization": bearer(ci)}).status == 401
    autotrack("login", second.url, "--token", typed=f"{ci}\n", code=1)
    assert server_url(second.url) not in credentials.kept()


def test_a_runs_capture_masks_what_opens_a_server(
    script: Callable[..., subprocess.CompletedProcess[str]], store: Path
) -> None:
    """Also where it is a plain word, and where the program prints its whole environment."""
    token, bare, password = "at_" + "4f" * 32, "eyJhbGciOi.plain-looking-token", "Sauerampfer"
    done = script(
        """
        import argparse, os
        import autotrack
        autotrack.enable()
        parser = argparse.ArgumentParser()
        parser.add_argument("--token")
        parser.add_argument("--tracking-password")
        parser.parse_args()
        run = autotrack.start_run()
        run.log_params({"token": os.environ["AUTOTRACK_TOKEN"], "password": os.environ["MLFLOW_TRACKING_PASSWORD"]})
        for name in ("AUTOTRACK_TOKEN", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD"):
            print(f"{name}={os.environ[name]}")
        print({name: value for name, value in os.environ.items() if "TRACKING" in name or "AUTOTRACK" in name})
        run.finish()
        """,
        "--token",
        token,
        f"--tracking-password={password}",
        AUTOTRACK_TOKEN=token,
        MLFLOW_TRACKING_TOKEN=bare,
        MLFLOW_TRACKING_USERNAME="ada",
        MLFLOW_TRACKING_PASSWORD=password,
        MLFLOW_TRACKING_URI=f"http://ada:{password}@127.0.0.1:1",
    )
    assert done.returncode == 0, done.stderr
    from autotrack.store.store import Store

    opened = Store.open(store)
    found = opened.runs()
    assert len(found) == 1 and opened.console(found[0].session or "")
    opened.close()
    assert secrets_in(store, [token, token[3:], bare, password]) == []
