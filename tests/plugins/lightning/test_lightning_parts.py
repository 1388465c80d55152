"""The parts of the Lightning plugin by themselves: values, layers, points, digests of checkpoints."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import pytest
from autotrack_lightning import checkpoints, layers, loaders, values
from autotrack_lightning.points import Points
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class Colour(enum.Enum):
    RED = "red"


def test_values_say_what_they_are_without_the_users_code() -> None:
    import torch

    class Own:
        def __repr__(self) -> str:
            raise AssertionError("the user's code was called")

        __str__ = __repr__

    found = values.shown(
        {
            "plain": 1.5,
            "nested": {"of": (1, "a", [None])},
            "class": dict,
            "function": values.shown,
            "own": Own(),
            "tensor": torch.zeros(3, 2),
            "one": torch.tensor(2.0),
            "colour": Colour.RED,
            "path": Path("a") / "b",
            "long": list(range(300)),
        }
    )
    assert found["plain"] == 1.5 and found["nested"] == {"of": "(1, 'a', [None])"}
    assert found["class"] == "builtins.dict" and found["function"] == "autotrack_lightning.values.shown"
    assert found["own"].endswith("Own") and found["tensor"] == "torch.Tensor of shape (3, 2)"
    assert (found["one"], found["colour"], found["path"]) == (2.0, "red", "a/b")
    assert found["long"].endswith("198, 199, ... 100 more]")


def test_layers_count_shared_frozen_and_lazy_parameters() -> None:
    import torch

    shared = torch.nn.Linear(3, 3)
    model = torch.nn.Sequential(shared, shared, torch.nn.LazyLinear(2), torch.nn.Linear(3, 1))
    model[3].requires_grad_(False)
    assert layers.counts(model) == {"parameters": 16, "parameters.trainable": 12}
    text = layers.summary(model)
    assert "12 trainable parameters, 4 frozen, 64 bytes" in text
    assert [line.split()[:2] for line in text.splitlines()[2:5]] == [
        ["(itself)", "Sequential"],
        ["0", "Linear"],
        ["2", "LazyLinear"],
    ]


def test_points_are_numbers_at_once_or_together_from_elsewhere() -> None:
    import torch

    logged: list[tuple[str, int, float]] = []
    points = Points(lambda metrics, step: logged.extend((key, step, value) for key, value in metrics.items()))
    points.add({"a": torch.tensor(0.5), "b": 2, "c": {"d": torch.tensor(3)}, "text": "no"}, 7)
    assert sorted(logged) == [("a", 7, 0.5), ("b", 7, 2.0), ("c.d", 7, 3)]
    logged.clear()
    # As on an accelerator: a value that is overwritten later is the one that was logged.
    value = torch.tensor(1.0)
    points._waiting.append(("e", 8, value.detach().clone()))
    points._waiting.append(("f", 8, torch.tensor(4, dtype=torch.int64)))
    value.fill_(9.0)
    points.flush()
    points.flush()
    assert logged == [("e", 8, 1.0), ("f", 8, 4)]
    assert points.keys == {"a", "b", "c.d", "e", "f"}


def test_points_from_an_accelerator_wait_and_come_together() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no accelerator here")
    logged: list[Any] = []
    points = Points(lambda metrics, step: logged.append((dict(metrics), step)))
    value = torch.tensor(1.0, device="cuda")
    points.add({"a": value}, 0)
    value.fill_(2.0)
    assert logged == []
    points.flush()
    assert logged == [({"a": 1.0}, 0)]


BYTES = st.binary(min_size=1, max_size=400)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=BYTES, place=st.integers(0, 399), padding=st.integers(0, 3))
def test_a_digest_is_of_the_content_wherever_it_is(tmp_path: Path, content: bytes, place: int, padding: int) -> None:
    """``padding`` makes files of up to 3 MiB: their heads and tails count, as does their size."""
    whole = content + b"\0" * (padding << 20) + content
    changed = bytearray(whole)
    changed[place % len(content)] ^= 1
    first, second, third = tmp_path / "a.ckpt", tmp_path / "b.bin", tmp_path / "c.ckpt"
    first.write_bytes(whole)
    second.write_bytes(whole)
    third.write_bytes(changed)
    found = checkpoints.digest(first)
    assert found is not None and len(found) == 32 and found.isalnum()
    assert checkpoints.digest(str(second)) == found != checkpoints.digest(third)
    third.write_bytes(whole + b"\0")
    assert checkpoints.digest(third) != found


def test_other_weights_of_the_same_size_have_another_digest(tmp_path: Path) -> None:
    import torch

    weights = torch.zeros(2_000_000)
    torch.save({"state_dict": {"w": weights}}, tmp_path / "a.ckpt")
    weights[1_000_000] = 1e-30  # in the middle of the file, which is not read
    torch.save({"state_dict": {"w": weights}}, tmp_path / "b.ckpt")
    assert (tmp_path / "a.ckpt").stat().st_size == (tmp_path / "b.ckpt").stat().st_size
    assert checkpoints.digest(tmp_path / "a.ckpt") != checkpoints.digest(tmp_path / "b.ckpt")


def test_no_file_has_no_digest_and_a_folder_has_one(tmp_path: Path) -> None:
    assert checkpoints.digest(tmp_path / "missing.ckpt") is None and checkpoints.digest(None) is None
    assert checkpoints.digest("s3://bucket/a.ckpt") is None
    folder = tmp_path / "sharded"
    folder.mkdir()
    assert checkpoints.digest(folder) is None
    (folder / "part.0").write_bytes(b"weights")
    first = checkpoints.digest(folder)
    (folder / "part.0").rename(folder / "part.1")
    assert first is not None and checkpoints.digest(folder) != first


def test_loaders_are_described_without_reading_them() -> None:
    from torch.utils.data import DataLoader, Dataset, IterableDataset

    class Mapped(Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return 12

        def __getitem__(self, index: int) -> int:
            raise AssertionError("data were read")

    class Streamed(IterableDataset):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            raise AssertionError("data were read")

    given = {"a": DataLoader(Mapped(), batch_size=3), "b": [DataLoader(Streamed(), batch_size=None), range(3)]}
    found = loaders.described("val", given, [4, float("inf"), 3])
    assert found["val.dataset"] == "Mapped" and found["val.batch_size"] == 3 and found["val.batches"] == 4
    assert found["val_2.dataset"] == "Streamed" and "val_2.batches" not in found and "val_2.batch_size" not in found
    assert found["val_3.dataset"] == "range" and found["val_3.batches"] == 3
