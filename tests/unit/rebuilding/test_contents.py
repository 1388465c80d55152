"""Files whose bytes differ and which say the same, and files that only look alike."""

from __future__ import annotations

import io
import pickle

import pytest

from autotrack.rebuilding.contents import same_content

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


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("cv_results.csv", b"C,mean_fit_time,score\n1,0.5,0.9\n", b"C,mean_fit_time,score\n1,0.7,0.9\n"),
        ("summary.json", b'{"rmse": 1.5, "fit_time": 3, "folds": [{"time": 1, "k": 2}]}',
         b'{"rmse": 1.5, "fit_time": 4, "folds": [{"time": 9, "k": 2}]}'),
        ("config.yaml", b"data: /home/me/project/rows.csv\n", b"data: /tmp/fresh/code/rows.csv\n"),
        ("model.pkl", pickled(path="/home/me/project/a.py", w=1.5), pickled(path="/tmp/fresh/code/a.py", w=1.5)),
        ("model.pkl", pickled(inner=torch_saved(2)), pickled(inner=torch_saved(2))),
        ("model.pkl", pickled(by="cloudpickle", id="a" * 32, again="a" * 32),
         pickled(by="cloudpickle", id="b" * 32, again="b" * 32)),
    ],
)  # fmt: skip
def test_they_say_the_same(path: str, one: bytes, other: bytes) -> None:
    assert same_content(path, one, other, FOLDERS)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("cv_results.csv", b"C,mean_fit_time,score\n1,0.5,0.9\n", b"C,mean_fit_time,score\n1,0.5,0.8\n"),
        ("cv_results.csv", b"C,score\n1,0.9\n", b"C,score\n1,0.9\n1,0.9\n"),
        ("cv_results.csv", b"C,score\n1,0.9\n", b"C,score\n1,0.9,7\n"),
        ("summary.json", b'{"rmse": 1.5}', b'{"rmse": 1.5, "mae": 1}'),
        ("summary.json", b"{", b"["),
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
    assert not same_content(path, one, other, FOLDERS)


def test_nothing_in_a_pickle_is_run() -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (eval, ("__import__('os').abort()",))

    assert same_content("model.pkl", pickle.dumps([Trap(), "/home/me/project"]),
                        pickle.dumps([Trap(), "/tmp/fresh/code"]), FOLDERS)  # fmt: skip
