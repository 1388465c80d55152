"""A server that is away, comes and goes, or is no server: training does not notice, and no point is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import FaultyProxy
from server_process import ServerProcess

import autotrack
from autotrack.client.remote import shipping
from autotrack.client.remote.sink import RemoteSink
from autotrack.core.addresses import MARK, mark
from autotrack.core.config import find_store
from autotrack.core.entities import Status
from autotrack.core.errors import NotFoundError
from autotrack.core.journal import JournalWriter, bringing
from autotrack.core.runs import trackers

NewServer = Callable[..., ServerProcess]


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[FaultyProxy]:
    found = FaultyProxy((server.host, server.port))
    yield found
    found.close()


@pytest.fixture
def machine(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, with an .autotrack folder for what waits."""
    place = tmp_path / "machine"
    (place / ".autotrack").mkdir(parents=True)
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AUTOTRACK_TRACKING_URI")
    yield place
    trackers.close_all()


@contextmanager
def stored_at(url: str) -> Iterator[RemoteSink]:
    sink = RemoteSink(url)
    try:
        yield sink
    finally:
        sink.close()


def use(url: str, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    trackers.close_all()
    for name, value in {"tracking_uri": url, **settings}.items():
        monkeypatch.setenv(f"AUTOTRACK_{name.upper()}", value)


def python(source: str, place: Path, **environment: str) -> subprocess.Popen[str]:
    (place / "train.py").write_text(source)
    return subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=place,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def sync(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`autotrack sync` as it is typed there."""
    return subprocess.run(
        [sys.executable, "-m", "autotrack", *arguments], cwd=place, capture_output=True, text=True, timeout=60
    )


STEPS = """
import sys, time
import autotrack
from autotrack.core.runs import trackers
with autotrack.start_run("steps") as run:
    print(run.id, flush=True)
    for step in range(200):
        run.log_metric("loss", 1 / (step + 1), step=step)
        if step == 20:
            while trackers.tracker().sink().deliver(trackers.tracker().location.journal).busy:
                time.sleep(0.01)
            print("at 20", flush=True)
            sys.stdin.readline()
            begun = time.perf_counter()
    run.log_text("the end", "end.txt")
    print(time.perf_counter() - begun, flush=True)
print("done", flush=True)
"""


def test_a_server_that_is_killed_costs_no_point_and_no_second(
    new_server: NewServer, machine: Path, tmp_path: Path
) -> None:
    """R3: killed at step 20 of 200, it never comes back before the program's end."""
    first = new_server()
    proxy = FaultyProxy((first.host, first.port))
    (machine / "train.py").write_text(STEPS)
    process = subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=machine,
        env={**os.environ, "AUTOTRACK_TRACKING_URI": proxy.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    run_id = process.stdout.readline().strip()
    assert process.stdout.readline() == "at 20\n"
    first.process.kill()
    first.process.wait()
    process.stdin.write("\n")
    process.stdin.flush()
    trained = float(process.stdout.readline())
    assert process.stdout.readline() == "done\n"
    ended = time.perf_counter()
    assert process.wait(30) == 0
    said = process.stderr.read()
    assert trained < 1 and time.perf_counter() - ended < 2.5  # the end of the interpreter itself included
    assert "179 points kept locally" in said and said.count("did not take the runs") == 1 and "Traceback" not in said, (
        said
    )

    left = sync(machine, "sync")
    assert left.returncode == 1 and "179 metric points in 1 journal kept" in left.stdout
    again = new_server(store=first.store)
    proxy.target = (again.host, again.port)
    done = sync(machine, "sync", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["points"] == 179
    with stored_at(again.url) as sink:
        found = sink.metric_history(run_id, "loss")
        assert found.steps.tolist() == list(range(200))
        record = sink.run(run_id)
        assert record.status is Status.FINISHED and [file.path for file in record.artifacts] == ["end.txt"]
        with sink.artifacts.open(record.files, "end.txt") as file:
            assert file.read() == b"the end"
    assert not list((machine / ".autotrack").rglob("*.atj"))
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    proxy.close()


class Answering(BaseHTTPRequestHandler):
    """Answers everything in one way."""

    status, kind, content = 200, "text/html", b"<html><script>alert(1)</script></html>"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(self.content)))
        if self.status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere?token=hunter2hunter2")
        self.end_headers()
        self.wfile.write(self.content)

    do_GET = do_POST = do_PUT = do_HEAD = _answer

    def log_message(self, *_: object) -> None: ...


@contextmanager
def answering(status: int = 200, kind: str = "text/html", content: bytes = b"<html>", tls: bool = False) -> Any:
    handler = type("Handler", (Answering,), {"status": status, "kind": kind, "content": content})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_self_signed())
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _self_signed() -> tuple[str, str]:
    """A certificate that nobody has signed but itself."""
    import datetime
    import tempfile

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    folder = Path(tempfile.mkdtemp())
    (folder / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pkcs8 = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return str(folder / "cert.pem"), str(folder / "key.pem")


@contextmanager
def silent() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def absent() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def nameless() -> Iterator[str]:
    yield "http://no-such-host.invalid:5000"


_ERROR = b'{"error_code": "os.system", "message": "\\u001b[2Jtouch pwn", "module_name": "os", "class_name": "system"}'
BROKEN: dict[str, Callable[[], Any]] = {
    "absent": absent,
    "no such name": nameless,
    "certificate": lambda: answering(tls=True),
    "401": lambda: answering(401, "application/json", _ERROR),
    "500": lambda: answering(500, "application/json", _ERROR),
    "429": lambda: answering(429, "text/plain", b"slow down"),
    "hangs": silent,
    "html": answering,
    "elsewhere": lambda: answering(302),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_server_costs_a_warning(
    kind: str, machine: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """R4: the run begins at once, is kept here, and one line says why."""
    with BROKEN[kind]() as url:
        use(url, monkeypatch, exit_timeout="1")
        begun = time.perf_counter()
        with autotrack.start_run() as run:
            run.log_metrics({"loss": 0.5, "accuracy": 0.75})
        assert time.perf_counter() - begun < 2
        begun = time.perf_counter()
        trackers.close_all()
        assert time.perf_counter() - begun < 2
        # Here, and not when the place is gone as well: a thread may then still say that it was not reached.
        lines = [record.getMessage() for record in caplog.records if record.name == "autotrack"]
    said = "\n".join(lines)
    assert sum("did not take the runs" in line for line in lines) <= 1 and "\x1b" not in said
    assert "2 points kept locally" in lines[-1] and len(lines) == (1 if kind == "hangs" else 2), said
    assert "hunter2" not in said and not Path("pwn").exists()
    assert len(list((machine / ".autotrack").rglob("*.atj"))) == 1


def test_the_end_comes_in_time_with_much_to_send_and_nobody_there(machine: Path) -> None:
    """R11: 100,000 points, a server that takes the connection and says no more, a program that has torn down much."""
    source = """
import atexit, logging, sys, tempfile, time
import autotrack
autotrack.start_run("late")
folder = tempfile.TemporaryDirectory()
@atexit.register
def first():
    logging.shutdown()
    folder.cleanup()
for step in range(100_000):
    autotrack.log_metric("loss", step, step=step)
print(time.time(), flush=True)
"""
    with silent() as url:
        process = python(source, machine, AUTOTRACK_TRACKING_URI=url)
        out, err = process.communicate(timeout=60)
        ended = time.time()
    assert process.returncode == 0 and "Traceback" not in err and "100,000 points kept locally" in err
    assert ended - float(out) < 6.5
    from autotrack.core.journal.sent import points_kept

    (journal,) = (machine / ".autotrack").rglob("*.atj")
    assert points_kept(journal) == 100_000


NIGHTLY = pytest.mark.skipif("AUTOTRACK_TEST_NIGHTLY" not in os.environ, reason="set AUTOTRACK_TEST_NIGHTLY=1")


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("flaps", "seconds", "pause"), [(26, 0.4, 0.1), pytest.param(180, 1.0, 1.8, marks=NIGHTLY, id="three minutes")]
)
def test_points_arrive_once_through_a_network_that_flaps(
    server: ServerProcess,
    proxy: FaultyProxy,
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    flaps: int,
    seconds: float,
    pause: float,
) -> None:
    """R5, scaled unless nightly: up and down by turns, answers cut in the middle, 50,000 points."""
    use(proxy.url, monkeypatch, silent="1")
    over = threading.Event()

    def flap() -> None:
        cuts = [None, 40, None, 100, 0]
        for number in range(flaps):
            proxy.cut_answer = cuts[number % len(cuts)]
            proxy.set("down" if number % 2 else "pass")
            over.wait(seconds)
        proxy.cut_answer = None
        proxy.set("pass")
        over.set()

    flapping = threading.Thread(target=flap)
    flapping.start()
    with autotrack.start_run() as run:
        for step in range(50_000):
            run.log_metric("loss", step / 3, step=step)
            if step % 500 == 499 and flapping.is_alive():
                over.wait(pause)
        flapping.join()
        drained = time.monotonic() + 30
        with stored_at(server.url) as direct:
            while time.monotonic() < drained:
                found = _count(direct, run.id)
                if found == 50_000:
                    break
                over.wait(0.1) if not over.is_set() else threading.Event().wait(0.2)
            assert found == 50_000
            history = direct.metric_history(run.id, "loss")
    assert history.steps.tolist() == list(range(50_000)) and history.values.tolist() == [n / 3 for n in range(50_000)]


def _count(sink: RemoteSink, run: str) -> int:
    if not any(record.id == run for record in sink.runs()):
        return 0
    return next((each.count for each in sink.metric_summaries(run) if each.key == "loss"), 0)


KILLED = """
import os, signal, subprocess, sys
import autotrack
with autotrack.start_run("killed") as run:
    print(run.id, flush=True)
    for step in range(1000):
        run.log_metric("loss", float(step), step=step)
    run.log_text("kept", "a/b.txt")
    child = "import autotrack; r = autotrack.Client().sink; autotrack.core"
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_program_that_is_killed_is_delivered_once_from_two_copies_of_its_folder(
    server: ServerProcess, machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it could reach nobody; then its folder is delivered from two machines at once."""
    with absent() as nobody:
        process = python(KILLED, machine, AUTOTRACK_TRACKING_URI=nobody)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    run_id = out.strip()
    (waiting,) = (machine / ".autotrack" / "remote").iterdir()
    _readdress(waiting, server.url)
    other = tmp_path / "other machine"
    shutil.copytree(machine / ".autotrack", other / ".autotrack")
    both = [
        subprocess.Popen([sys.executable, "-m", "autotrack", "sync", ".autotrack"], cwd=place, stdout=subprocess.PIPE)
        for place in (machine, other)
    ]
    said = [each.communicate(timeout=60)[0].decode() for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    with stored_at(server.url) as sink:
        record = sink.run(run_id)
        assert record.status is Status.CRASHED
        assert sink.metric_history(run_id, "loss").values.tolist() == list(range(1000))
        with sink.artifacts.open(record.files, "a/b.txt") as file:
            assert file.read() == b"kept"
        assert sink.session(str(record.session)).parts


def test_sync_finds_what_waits_in_the_home_directory(server: ServerProcess, machine: Path, tmp_path: Path) -> None:
    """Where no folder of ours is near, runs for a server wait at home; `autotrack sync` is all that one types."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    nothing = sync(folder, "sync")
    assert nothing.returncode == 1 and "there are no runs yet" in nothing.stderr
    with absent() as nobody:
        process = python("import autotrack\nautotrack.log_metric('a', 1.0)\n", folder, AUTOTRACK_TRACKING_URI=nobody)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "`autotrack sync` delivers them" in err
    away = sync(folder, "sync")
    assert away.returncode == 1 and "1 metric point in 1 journal kept" in away.stdout
    (waiting,) = (tmp_path / "home" / ".autotrack" / "remote").iterdir()
    _readdress(waiting, server.url)
    done = sync(folder, "sync")
    assert done.returncode == 0 and "delivered 1 metric point" in done.stdout and server.url in done.stdout
    assert not (folder / ".autotrack").exists()


def _readdress(waiting: Path, url: str) -> None:
    """Makes the journals there those of another address, as if the server had come back under its own."""
    from autotrack.core.journal import layout
    from autotrack.core.journal.reader import read_header

    for journal in waiting.glob("journal/*.atj"):
        header = read_header(journal)
        wanted = {**header.meta, MARK: mark(url, journal.parent)}
        import dataclasses

        with journal.open("r+b") as file:
            file.write(layout.encode_header(dataclasses.replace(header, meta=wanted)))


def test_a_journal_that_is_refused_keeps_no_other_waiting(
    server: ServerProcess, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record larger than a server takes: its journal is kept and named, tried again later, and others go on."""
    use(server.url, monkeypatch)
    location = find_store(server.url)
    marked = {MARK: mark(server.url, location.journal)}
    big = JournalWriter(location.journal, meta=marked)
    big.event({"k": "tags", "t": 1, "r": "a" * 32, "tags": {"big": "x" * (65 << 20)}})
    big.close()
    with autotrack.start_run() as run:
        run.log_metric("loss", 1.0)
    with stored_at(server.url) as sink:
        delivery = sink.deliver(location.journal, deadline=time.monotonic() + 30)
        assert delivery.left == 1 and str(big.path) in delivery.kept[0] and "at most" in delivery.kept[0]
        assert sink.run(run.id).metrics == {"loss": 1.0}
        begun = time.perf_counter()
        again = sink.deliver(location.journal, deadline=time.monotonic() + 30)
        assert again.kept and time.perf_counter() - begun < 0.5  # not sent again at once
    assert big.path.exists() and shipping.PATIENCE > 1
    trackers.close_all()
    done = sync(machine, "sync", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 1 and document["left"] == 1 and str(big.path) in document["kept"][0], done.stdout


def test_a_journal_stays_until_the_files_that_it_names_are_there(
    server: ServerProcess, proxy: FaultyProxy, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records go first, and points are not held up by a large file that does not get through."""
    use(proxy.url, monkeypatch, exit_timeout="2", silent="1")
    proxy.cut_after = 2 << 20
    data = os.urandom(9 << 20)
    (machine / "large.bin").write_bytes(data)
    with autotrack.start_run() as run:
        run.log_artifact("large.bin")
        run.log_metric("loss", 0.5)
    trackers.close_all()
    with stored_at(server.url) as direct:
        assert direct.run(run.id).metrics == {"loss": 0.5}
        files = direct.run(run.id).files
        with pytest.raises(NotFoundError):
            direct.artifacts.open(files, "large.bin")
        assert len(list(machine.rglob("*.atj"))) == 1
        proxy.cut_after = None
        with stored_at(proxy.url) as sink:
            with monkeypatch.context() as hurried:  # no time for files in this pass
                hurried.setattr(bringing, "FILES_AT_A_TIME", -1.0)
                assert sink.deliver(find_store(proxy.url).journal, deadline=time.monotonic() + 30).left == 1
            assert len(list(machine.rglob("*.atj"))) == 1
            delivery = sink.deliver(find_store(proxy.url).journal)
        assert (delivery.points, delivery.artifacts, delivery.left, delivery.gone) == (0, 1, 0, 0)
        with direct.artifacts.open(files, "large.bin") as file:
            assert file.read() == data
    assert not list(machine.rglob("*.atj"))


def test_who_delivers_goes_on_from_where_the_server_is(
    server: ServerProcess, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two deliver one folder by turns: each remembers a place that the other has left behind."""
    use(server.url, monkeypatch)
    folder = find_store(server.url).journal
    with stored_at(server.url) as one, stored_at(server.url) as other, autotrack.start_run() as run:
        for turn in range(6):
            run.log_metric("loss", float(turn), step=turn)
            sink = (one, other)[turn % 2]
            while (delivery := sink.deliver(folder)).busy:
                time.sleep(0.01)
            assert not delivery.kept and not delivery.left
            assert one.metric_history(run.id, "loss").values.tolist() == [float(n) for n in range(turn + 1)]


def test_two_processes_write_to_one_run_through_one_folder(
    server: ServerProcess, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rank that logs to the main process's run has a journal of its own; one of them delivers both."""
    use(server.url, monkeypatch)
    with autotrack.start_run() as run:
        run.log_metric("loss", 1.0)
        assert run.metrics == {"loss": 1.0}
        rank = python(
            f"import autotrack\nautotrack.get_run('{run.id}').log_metrics({{'rank/1': 5.0}})\n",
            machine,
        )
        _, err = rank.communicate(timeout=60)
        assert rank.returncode == 0, err
    found = autotrack.get_run(run.id)
    assert found.metrics == {"loss": 1.0, "rank/1": 5.0} and found.status == "FINISHED"
