"""Files whose bytes differ and which say the same, and files that only look alike."""

from __future__ import annotations

import io
import pickle
import zipfile

import pytest

from autotrack.rebuilding.contents import likeness

FOLDERS = {"/tmp/fresh/code": "/home/me/project"}


class Point:
    """Pickled by its state."""

    def __init__(self, **state: object) -> None:
        self.__dict__.update(state)


def pickled(**state: object) -> bytes:
    return pickle.dumps(Point(**state), protocol=5)


def torch_saved(value: float, dtype: str = "float32") -> bytes:
    """A module as torch wrote it before its zip files: with addresses in it."""
    import torch

    buffer = io.BytesIO()
    made = [torch.zeros(3) for _ in range(int(value))]  # another address each time
    torch.save(
        {"w": torch.full((4,), value, dtype=getattr(torch, dtype))}, buffer, _use_new_zipfile_serialization=False
    )
    del made
    return buffer.getvalue()


def zipped(top: str, **entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(f"{top}/{name}", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("cv_results.csv", b"C,mean_fit_time,score\n1,0.5,0.9\n", b"C,mean_fit_time,score\n1,0.7,0.9\n"),
        ("summary.json", b'{"rmse": 1.5, "fit_time": 3, "folds": [{"score_time": 1, "k": 2}]}',
         b'{"rmse": 1.5, "fit_time": 4, "folds": [{"score_time": 9, "k": 2}]}'),
        ("mac.csv", b"C,fit_time\r1,0.5\r", b"C,fit_time\r1,0.7\r"),
        ("log.jsonl", b'{"loss": 1}\n{"train_runtime": 2}\n', b'{"loss": 1}\n{"train_runtime": 3}\n'),
        ("set.json", b'{"a": 1, "b": 2}', b'{"b": 2, "a": 1}'),
        ("last.ckpt", zipped("epoch=3", data=b"1", where=b"/home/me/project"),
         zipped("epoch=4", data=b"1", where=b"/home/me/project")),
        ("config.yaml", b"data: /home/me/project/rows.csv\n", b"data: /tmp/fresh/code/rows.csv\n"),
        ("model.pkl", pickled(path="/home/me/project/a.py", w=1.5), pickled(path="/tmp/fresh/code/a.py", w=1.5)),
        ("model.pkl", pickled(inner=torch_saved(2)), pickled(inner=torch_saved(2))),
        ("model.pkl", pickled(by="cloudpickle", id="a" * 32, again="a" * 32),
         pickled(by="cloudpickle", id="b" * 32, again="b" * 32)),
    ],
)  # fmt: skip
def test_they_say_the_same(path: str, one: bytes, other: bytes) -> None:
    assert likeness(path, one, other, FOLDERS).same


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("cv_results.csv", b"C,mean_fit_time,score\n1,0.5,0.9\n", b"C,mean_fit_time,score\n1,0.5,0.8\n"),
        ("cv_results.csv", b"C,score\n1,0.9\n", b"C,score\n1,0.9\n1,0.9\n"),
        ("cv_results.csv", b"C,score\n1,0.9\n", b"C,score\n1,0.9,7\n"),
        ("summary.json", b'{"rmse": 1.5}', b'{"rmse": 1.5, "mae": 1}'),
        ("summary.json", b"{", b"["),
        ("summary.json", b'{"rmse_seconds": 1}', b'{"rmse_seconds": 9}'),
        ("summary.json", b'{"ok": true}', b'{"ok": 1}'),
        ("summary.json", b'{"n": 1}', b'{"n": 1.0}'),
        ("summary.json", b'{"n": "1"}', b'{"n": 1}'),
        ("summary.json", b'{"n": 1, "n": 2}', b'{"n": 3, "n": 2}'),
        ("summary.json", b'{"fit_time": 1}', b'{}'),
        ("summary.json", b'{"fit_time": 1}', b'{"fit_time": null}'),
        ("cv_results.csv", b"C,fit_time\n1,2\n", b"C\n1\n"),
        ("predictions.csv", b"id,survival_time\n1,5.0\n", b"id,survival_time\n1,99.0\n"),
        ("predictions.csv", b"id,fit_time\n1,5.0\n", b"id,fit_time\n1,99.0\n"),
        ("rows.csv", b"id,vec\n1," + b"a" * 140_000, b"id,vec\n1," + b"b" * 140_000),
        ("rows.csv", b"id,vec\n1,a\rb\n", b"id,vec\n1,a\rc\n"),
        ("last.ckpt", zipped("epoch=3", data=b"1"), zipped("epoch=3", data=b"2")),
        ("last.ckpt", zipped("epoch=3", data=b"1"), zipped("epoch=3", data=b"1", more=b"2")),
        ("notes.txt", b"one", b"two"),
        ("model.bin", b"\xff\x00", b"\xff\x01"),
        ("model.pkl", pickled(w=1.5), pickled(w=1.25)),
        ("model.pkl", pickled(w=[1, 2]), pickled(w=[1, 2, 3])),
        ("model.pkl", pickled(inner=torch_saved(2)), pickled(inner=torch_saved(3))),
        ("model.pkl", pickled(inner=torch_saved(2)), pickled(inner=torch_saved(2, "float64"))),
        ("model.pkl", pickled(by="cloudpickle", id="a" * 32, again="a" * 32),
         pickled(by="cloudpickle", id="b" * 32, again="c" * 32)),
        ("model.pkl", pickled(id="a" * 32), pickled(id="b" * 32)),
        ("model.pkl", pickled(w=1)[:-3], pickled(w=1)[:-2]),
    ],
)  # fmt: skip
def test_they_do_not(path: str, one: bytes, other: bytes) -> None:
    assert not likeness(path, one, other, FOLDERS).same


def test_nothing_in_a_pickle_is_run() -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (eval, ("__import__('os').abort()",))

    assert likeness("model.pkl", pickle.dumps([Trap(), "/home/me/project"]),
                    pickle.dumps([Trap(), "/tmp/fresh/code"]), FOLDERS).same  # fmt: skip


def test_what_was_left_out_is_named_in_both_kinds_of_file() -> None:
    one, other = b"C,fit_time,refit_time\n1,2,3\n", b"C,fit_time,refit_time\n1,4,5\n"
    assert likeness("results.csv", one, other, {}).timing == ("fit_time", "refit_time")
    assert likeness("a.json", b'[{"fit_time": 1}]', b'[{"fit_time": 2}]', {}).timing == ("fit_time",)
    assert not likeness("results.csv", one, other, {}, None).same  # of a model's files nothing is left out
