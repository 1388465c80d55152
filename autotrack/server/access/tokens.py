"""Tokens: 256 random bits, shown once. A store has their sha256, and finding that is the comparison."""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "at_"
_TOKEN = re.compile(r"at_[0-9a-f]{64}")


def new_token() -> str:
    """A token. Hexadecimal, so that masking knows every one of them by its shape."""
    return PREFIX + secrets.token_hex(32)


def is_token(text: str) -> bool:
    """True for what has a token's shape."""
    return _TOKEN.fullmatch(text) is not None


def sha256_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_code() -> str:
    """A one-time code for people to type: 100 random bits as four groups of five letters and digits."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def sha256_of_code(code: str) -> str:
    """The same for a one-time code, however it was typed."""
    return sha256_of(re.sub(r"[^A-Z0-9]", "", code.upper()))
