"""What a run of a project keeps of its command and output, without secrets: their shapes, names, and given values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from autotrack.plugin import mask, mask_argv, mask_value

_MASK = "***"
#: A given secret of fewer characters is masked where it stands alone, and not inside of words.
_SHORT = 5


def secrets_of(values: Mapping[str, str]) -> tuple[str, ...]:
    """Values of parameters whose names say that they are secrets, the longest first."""
    found = {value for name, value in values.items() if value != _MASK and mask_value(name, value) == _MASK}
    return tuple(sorted(found, key=len, reverse=True))


def hidden_argv(argv: Sequence[str], secrets: Iterable[str]) -> list[str]:
    """The words of a command line with ``***`` for each secret."""
    known = tuple(secrets)
    return [_MASK if word in known else _without(word, known) for word in mask_argv(argv)]


def hidden_output(file: Path, secrets: Iterable[str]) -> tuple[Path, bool]:
    """A program's output with ``***`` for each secret, in a file beside it, and whether there were any. Any bytes."""
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    masked = _without(mask(text), tuple(secrets))
    if masked == text:
        return file, False
    target = file.with_name("masked.txt")
    target.write_bytes(masked.encode("utf-8", "surrogateescape"))
    return target, True


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if len(secret) >= _SHORT:
            text = text.replace(secret, _MASK)
    return text
