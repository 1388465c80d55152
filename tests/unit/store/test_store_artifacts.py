from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.artifact_paths import TEMPORARY, check_artifact_path
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.store.files.local import LocalArtifacts
from autotrack.store.plugin import open_artifacts

REFUSED = [
    "",
    "/etc/passwd",
    "..",
    "../x",
    "a/../b",
    "a/..",
    ".",
    "./a",
    "a/./b",
    "a//b",
    "a/",
    "...//",
    "\\",
    "..\\x",
    "a\\b",
    "\\\\host\\share",
    "C:/x",
    "C:x",
    "c:",
    "/C:/x",
    "a/C:x",
    "%2e%2e/x",
    "a%2fb",
    "%252e",
    "%5c",
    "..%c0%af",
    "%u002e%u002e/",
    "a%00b",
    "a\0b",
    "%09../",
    "..%0d%0aX",
    "x%3f/../",
    "a\nb",
    "a\x7fb",
    "a\x85b",
    "CON",
    "con.txt",
    "nul",
    "a/NUL.txt",
    "COM1",
    "lpt9.log",
    "con .txt",
    "a.",
    "a ",
    "a./b",
    "~root/x",
    "~",
    "-rf",
    "a/-x",
    "x" * 256,
    "é" * 128,
    "/".join("a" * 101),
    "x/" * 2100 + "x",
    "e\u0301",
    "\ud800",
    "a\u2028b",
    f"{TEMPORARY}x",
    f"a/{TEMPORARY}x",
]
FINE = [
    "a",
    "a/b/c.txt",
    "model/MLmodel",
    "plots/loss (1).png",
    "é.txt",
    "日本/😀",
    ".hidden",
    "a..b",
    "100%",
    "x#y",
    "a;b",
    "a?b",
    "consult",
    "a=b",
    "x" * 255,
]


@pytest.fixture(params=["local", "memory"])
def artifacts(request, tmp_path):
    return open_artifacts(str(tmp_path / "art") if request.param == "local" else f"memory://{tmp_path.name}")


@pytest.mark.parametrize("path", REFUSED)
def test_names_that_could_lead_elsewhere_are_refused(path, artifacts, tmp_path):
    with pytest.raises(ArtifactError):
        check_artifact_path(path)
    for call in (lambda: artifacts.put_bytes("e/r", path, b"x"), lambda: artifacts.open("e/r", path)):
        with pytest.raises(ArtifactError):
            call()
    with pytest.raises(ArtifactError):
        artifacts.put_bytes(path, "x", b"x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", FINE)
def test_other_names_are_fine(path, artifacts):
    record = artifacts.put_bytes("e/r", path, b"hello")
    assert (record.path, record.size, record.sha256) == (path, 5, hashlib.sha256(b"hello").hexdigest())
    with artifacts.open("e/r", path) as stream:
        assert stream.read() == b"hello"


@given(st.text(max_size=40) | st.lists(st.sampled_from(["..", "/", "a", "%", "2e", "\\", ".", " ", ":"])).map("".join))
def test_an_accepted_path_stays_below(path):
    try:
        segments = check_artifact_path(path)
    except ArtifactError:
        return
    assert "/".join(segments) == path
    assert os.path.normpath(f"/root/{path}").startswith("/root/")


def test_put_list_open_delete(artifacts, tmp_path):
    source = tmp_path / "source.bin"
    data = os.urandom(3_000_000)
    source.write_bytes(data)
    record = artifacts.put_file("e/r", "m/big.bin", source)
    assert (record.size, record.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    artifacts.put_bytes("e/r", "m/a.txt", b"1")
    artifacts.put_bytes("e/r", "m/a.txt", b"22")
    artifacts.put_bytes("e/r", "z", b"")
    assert [(entry.path, entry.size, entry.is_folder) for entry in artifacts.list("e/r")] == [
        ("m", 0, True),
        ("z", 0, False),
    ]
    assert [(entry.path, entry.size) for entry in artifacts.list("e/r", "m")] == [
        ("m/a.txt", 2),
        ("m/big.bin", len(data)),
    ]
    assert artifacts.list("e/other") == []
    with pytest.raises(NotFoundError):
        artifacts.open("e/r", "m/none")
    assert artifacts.delete("e/r", "m") == len(data) + 2
    assert [entry.path for entry in artifacts.list("e/r")] == ["z"]
    with pytest.raises(NotFoundError):
        artifacts.delete("e/r", "m")
    with pytest.raises(ArtifactError):
        artifacts.put_file("e/r", "x", tmp_path / "missing")


def test_links_are_not_followed_and_pipes_do_not_hang(tmp_path):
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "secret.txt").write_text("CANARY-7731")
    artifacts = LocalArtifacts(tmp_path / "art")
    artifacts.put_bytes("e/r", "d/x", b"x")
    run = tmp_path / "art/e/r"
    (run / "link").symlink_to(canary)
    (run / "d/file").symlink_to(canary / "secret.txt")
    os.mkfifo(run / "pipe")
    for path in ("link/secret.txt", "d/file", "pipe"):
        with pytest.raises(ArtifactError):
            artifacts.open("e/r", path)
    with pytest.raises(ArtifactError):
        artifacts.put_bytes("e/r", "link/new.txt", b"x")
    with pytest.raises(ArtifactError):
        artifacts.put_file("e/r", "y", run / "pipe")
    assert artifacts.list("e/r") == [entry for entry in artifacts.list("e/r") if entry.path == "d"]
    artifacts.delete("e/r")
    assert (canary / "secret.txt").read_text() == "CANARY-7731" and len(list(canary.iterdir())) == 1


def test_a_folder_swapped_for_a_link_never_leads_out(tmp_path):
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "x").write_text("CANARY-7731")
    artifacts = LocalArtifacts(tmp_path / "art")
    artifacts.put_bytes("e/r", "d/x", b"good")
    folder, aside = tmp_path / "art/e/r/d", tmp_path / "art/e/r/aside"
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            folder.rename(aside)
            folder.symlink_to(canary)
            folder.unlink()
            aside.rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for _ in range(2000):
            try:
                with artifacts.open("e/r", "d/x") as stream:
                    seen.add(stream.read())
            except (ArtifactError, NotFoundError):
                continue
    finally:
        stop.set()
        thread.join()
    assert seen <= {b"good"}


def test_two_writers_of_one_name_leave_one_whole_file(tmp_path):
    artifacts = LocalArtifacts(tmp_path)
    contents = [bytes([n]) * 300_000 for n in range(4)]

    def write(data):
        for _ in range(10):
            artifacts.put_bytes("e/r", "same", data, durable=False)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "e/r/same").read_bytes() in contents
    assert [path.name for path in (tmp_path / "e/r").iterdir()] == ["same"]


def test_the_training_process_pays_for_no_database(tmp_path):
    code = (
        "import sys; from autotrack.store.files.local import LocalArtifacts; import autotrack.store.plugin\n"
        "from pathlib import Path; LocalArtifacts(Path(sys.argv[1])).put_bytes('e/r', 'x', b'x')\n"
        "print(sorted(name for name in ('sqlalchemy', 'numpy', 'fsspec', 'sqlite3') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_uris(tmp_path):
    assert open_artifacts(f"file://{tmp_path}/a%20b").root == tmp_path / "a b"
    for bad in ("file://host/x", "file:///x?y", "file:///x#y"):
        with pytest.raises(ArtifactError):
            open_artifacts(bad)
    with pytest.raises(ArtifactError):
        open_artifacts("nothing-known://x")
