"""Answers that wait for truths: in memory, in a file that processes share, and how good they were."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from autotrack_serving.monitoring import ledger as keeping
from autotrack_serving.monitoring import truths as judging
from autotrack_serving.monitoring.ledger import Ledger, ledger_of

import autotrack
from tests.plugins.serving.observed import seen


def test_truths_are_joined_once_and_bounded() -> None:
    truths = Ledger(None, most_rows=5)
    truths.remember("a", np.array([0, 1, 1]))
    assert truths.join("a", [0, 1, 0]) == 3 and truths.join("a", [0, 1, 0]) is None
    assert truths.measures() == {"accuracy": 2 / 3}
    with pytest.raises(ValueError, match="had 2 rows"):
        truths.remember("b", np.array([1, 1]))
        truths.join("b", [1])
    for name in "cdef":
        truths.remember(name, np.array([1, 1]))
    assert [truths.join(name, [1, 1]) for name in "cdef"] == [None, None, 2, 2]
    numbers = Ledger(None)
    numbers.remember("x", np.array([1.0, 2.0]))
    numbers.join("x", [2.0, 4.0])
    assert numbers.measures() == {"mae": 1.5, "rmse": pytest.approx(2.5**0.5)}


def test_processes_share_what_they_answered(tmp_path: Path) -> None:
    """Whoever a truth comes to joins it, once; the sums are everybody's; what does not fit changes nothing."""
    one, other = Ledger(tmp_path / "l.db", most_rows=6), Ledger(tmp_path / "l.db", most_rows=6)
    one.record([seen("a", [0, 1, 1]), seen("b", ["yes", "no"]), seen("", [1])])
    assert other.join("a", [0, 1, 0]) == 3
    assert one.join("a", [0, 1, 0]) is None and other.join("a", [0, 1, 0]) is None
    with pytest.raises(ValueError, match="had 2 rows"):
        other.join("b", ["yes"])
    assert one.join("b", ["yes", "yes"]) == 2
    assert one.measures() == other.measures() == {"accuracy": 3 / 5} and one.count == other.count == 5
    one.record([seen(f"r{at}", [1, 1]) for at in range(5)])
    one._swept = -1e9
    one.tick()
    assert [other.join(f"r{at}", [1, 1]) for at in range(5)] == [None, None, 2, 2, 2]
    numbers = Ledger(tmp_path / "n.db")
    numbers.record([seen("x", [1.0, float("nan")])])
    numbers.join("x", [2.0, 4.0])
    assert numbers.count == 2


def test_answers_outlive_their_server(store: Path) -> None:
    """Joined from memory or from the file, by this server or the next, each truth counts once; nobody else may read."""
    first = ledger_of("ab" * 32, alone=True)
    first.remember("young", np.array([1, 0]))
    assert first.settles == 0 and first.join("young", [1, 1]) == 2
    first.record([seen("young", [1, 0]), seen("old", ["yes"])])  # recorded only now, and joined already
    first.remember("last", np.array([1.5]))
    assert first.join("young", [1, 1]) is None
    first.close()
    with pytest.raises(ValueError, match="going down"):
        first.join("old", ["yes"])
    (path,) = (Path(autotrack.Client().root) / "serving").glob("*.db")
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    second = ledger_of("ab" * 32, alone=False)
    assert second.settles > 0 and second.count == 2
    assert [second.join(name, truth) for name, truth in (("old", ["yes"]), ("last", [1.0]), ("young", [1, 1]))] == [
        1,
        1,
        None,
    ]
    second.remember("again", np.array([1]))
    second.remember("again", np.array([0, 0]))  # a request that was asked again has its last answers
    assert second.join("again", [0, 0]) == 2
    second.close()
    os.utime(path, (1, 1))
    ledger_of("cd" * 32, alone=True).close()
    assert not path.exists()  # nobody has served it for months
    shutil.rmtree(path.parent)
    path.parent.write_text("in the way")
    here = ledger_of("ab" * 32, alone=True)
    here.record([seen("a", [1])])
    assert here.join("a", [1]) == 1
    here.close()


def test_no_write_ahead_log_where_the_store_is_on_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "l.db"
    Ledger(path).close()  # begun where it was on a local disk
    monkeypatch.setattr(keeping, "file_system", lambda folder: "nfs4")
    one, other = Ledger(path), Ledger(path)
    one.record([seen("a", [1, 0])])
    assert other.join("a", [1, 1]) == 2 and one.measures() == {"accuracy": 0.5}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [each.name for each in tmp_path.iterdir()] == ["l.db"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_PATIENCE", 0.05)


@pytest.mark.usefixtures("impatient")
def test_answers_that_could_not_be_written_down_are_kept(tmp_path: Path) -> None:
    """The newest of them, no more than there is room for; a request that was asked again has its last answers."""
    one, other = Ledger(tmp_path / "l.db", most_rows=6), Ledger(tmp_path / "l.db")
    with closing(sqlite3.connect(tmp_path / "l.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        for answers in ([seen("a", [1, 1]), seen("b", [0, 0]), seen("c", [1, 1])], [seen("b", [1, 1])]):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                one.record(answers)
        one.remember("b", np.array([1, 1]))
        one.remember("d", np.array([1, 1]))
    one.tick()
    assert [other.join(name, [1, 1]) for name in "abcd"] == [None, 2, 2, 2] and other.count == 6
    assert one.measures() == {"accuracy": 1.0}
    one.record([seen("d", [1, 1])])  # recorded only now, and joined already
    assert one.join("d", [1, 1]) is None


@pytest.mark.usefixtures("impatient")
def test_a_truth_that_could_not_be_written_down_can_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "file_system", lambda folder: "nfs4")  # where who reads keeps others from committing
    ledger = Ledger(tmp_path / "l.db")
    ledger.remember("a", np.array([1, 1]))
    with closing(sqlite3.connect(tmp_path / "l.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN")
        somebody.execute("SELECT * FROM score").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            ledger.join("a", [1, 0])
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            ledger.write()
    assert ledger.count == 0 and ledger.join("a", [1, 0]) == 2 and ledger.join("a", [1, 0]) is None
    assert ledger.measures() == {"accuracy": 0.5}


def test_a_full_disk_costs_no_answer(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.db")
    connection = ledger._connection
    assert connection is not None
    connection.execute("PRAGMA max_page_count=4")
    ledger.remember("a", np.array(["x" * 50_000]))
    with pytest.raises(sqlite3.OperationalError, match="full"):
        ledger.write()
    connection.execute("PRAGMA max_page_count=4000")
    ledger.write()
    assert Ledger(tmp_path / "l.db").join("a", ["y"]) == 1


def test_answers_that_come_while_others_are_written_down_are_the_last(tmp_path: Path) -> None:
    ledger, other = Ledger(tmp_path / "l.db", most_rows=2), Ledger(tmp_path / "l.db")
    ledger.remember("a", np.array([0]))
    ledger.remember("b", np.array([0]))
    with closing(sqlite3.connect(tmp_path / "l.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        writing = threading.Thread(target=ledger.write)
        writing.start()
        while not ledger._lock.locked():
            pass
        ledger.remember("a", np.array([1]))
        ledger.remember("c", np.array([1]))  # there is no room for b any more, which is being written down
    writing.join(10)
    assert other.join("b", [1]) == 1
    ledger.record([seen("b", [0])])  # recorded only now, and written down already
    assert [ledger.join(name, [1]) for name in "abc"] == [1, None, 1] and ledger.measures() == {"accuracy": 2 / 3}


def aged(folder: Path, name: str = "*") -> list[Path]:
    """The files of a ledger, none of which was written to for months."""
    found = sorted(folder.glob(f"{name}.db*"))
    for path in found:
        os.utime(path, (1, 1), follow_symlinks=False)
    return found


def test_the_ledger_of_a_model_that_is_served_is_never_old(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(autotrack.Client().root) / "serving"
    used = ledger_of("ab" * 32, alone=False)
    used.record([seen("a", [1])])
    (path,) = folder.glob("*.db")
    os.utime(path, (1, 1))  # what is new is in the write-ahead log only
    ledger_of("cd" * 32, alone=True).close()
    assert path.exists()
    aged(folder, path.stem)
    used._swept = -1e9
    used.tick()  # nobody asks, but it is served
    ledger_of("cd" * 32, alone=True).close()
    assert path.exists()
    used.close()
    monkeypatch.setattr(keeping, "file_system", lambda folder: "nfs4")
    ledger_of("ab" * 32, alone=True).close()
    aged(folder, path.stem)
    again = ledger_of("ab" * 32, alone=True)  # opened only, and without a write-ahead log
    ledger_of("cd" * 32, alone=True).close()
    assert path.exists() and again.join("a", [1]) == 1
    again.close()


def test_an_old_ledger_that_cannot_be_removed_is_in_nobodys_way(store: Path) -> None:
    folder = Path(autotrack.Client().root) / "serving"
    ledger_of("ab" * 32, alone=True).close()
    (folder / "0.db").mkdir()
    (folder / "1.db").symlink_to("nowhere")
    aged(folder)
    ledger_of("cd" * 32, alone=True).close()
    assert sorted(path.name for path in folder.iterdir()) == ["0.db", "1.db", f"{'cd' * 16}.db"]


def test_a_model_that_has_grown_bad_is_not_hidden_by_its_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "WINDOW", 200)
    for name, good, bad in (("kinds", [1] * 50, [0] * 50), ("numbers", [1.0] * 50, [3.0] * 50)):
        ledger, other = Ledger(tmp_path / f"{name}.db"), Ledger(tmp_path / f"{name}.db")
        for at, truths in enumerate([good] * 100 + [bad] * 8):
            ledger.remember(f"r{at}", np.array(good))
            assert ledger.join(f"r{at}", truths) == 50
        found = other.measures()
        assert other.count == 5400  # of all that there were
        assert found.get("accuracy", 0.0) < 0.25 and found.get("mae", 2.0) > 1.5 and found.get("rmse", 2.0) > 1.7


def test_a_ledger_without_a_window_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones had no other count than that of their sums."""
    monkeypatch.setattr(judging, "WINDOW", 200)
    with closing(sqlite3.connect(tmp_path / "l.db")) as first, first:
        first.execute("CREATE TABLE score (count INTEGER, right INTEGER, absolute REAL, squared REAL, numbers INTEGER)")
        first.execute("INSERT INTO score VALUES (100000, 90000, 0.0, 0.0, 0)")
    ledger = Ledger(tmp_path / "l.db")
    assert ledger.count == 100_000 and ledger.measures() == {"accuracy": 0.9}
    ledger.remember("a", np.array([1] * 100))
    ledger.join("a", [0] * 100)
    assert Ledger(tmp_path / "l.db").count == 100_100 and 0.4 < ledger.measures()["accuracy"] < 0.65


def test_what_is_no_number_spoils_no_score() -> None:
    ledger = Ledger(None)
    for name, truths in (("a", [None, 1.5]), ("b", [float("nan"), 1e200]), ("c", [float("inf"), 0.5])):
        ledger.remember(name, np.array([1.0, 1.0]))
        ledger.join(name, truths)
    assert ledger.count == 6 and ledger.measures() == {"mae": 0.5, "rmse": 0.5}
    ledger.remember("d", np.array([1.0]))
    for truth in ("six", 10**400):
        with pytest.raises(ValueError, match="to float"):
            ledger.join("d", [truth])
    assert ledger.join("d", [1.5]) == 1 and ledger.count == 7
