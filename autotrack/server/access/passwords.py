"""Passwords: what may be one, and its hash by scrypt (RFC 7914), kept with the parameters that made it."""

from __future__ import annotations

import hashlib
import hmac
import os
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import dataclass

from autotrack.core.errors import UsageError

from .tokens import is_token

SHORTEST, LONGEST = 12, 1024


@dataclass(frozen=True, slots=True)
class Passwords:
    """Makes and checks hashes. ``n`` (a power of two), ``r`` and ``p`` are scrypt's: a check takes 128*n*r bytes."""

    n: int = 1 << 15
    r: int = 8
    p: int = 1

    def hashed(self, password: str) -> str:
        """A hash as it is stored: ``scrypt$n$r$p$salt$hash``."""
        salt = os.urandom(16)
        found = _scrypt(password, salt, self.n, self.r, self.p)
        return f"scrypt${self.n}${self.r}${self.p}${b64encode(salt).decode()}${b64encode(found).decode()}"

    def match(self, password: str, stored: str | None) -> bool:
        """True for the right password. Without a hash it takes the same time and is False."""
        if stored is None:
            _scrypt(password, b"nobody has this.", self.n, self.r, self.p)
            return False
        _, n, r, p, salt, expected = stored.split("$")
        found = _scrypt(password, b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, b64decode(expected))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    data = unicodedata.normalize("NFC", password).encode()
    return hashlib.scrypt(data, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def check_password(password: str, user: str) -> str:
    """A password that may be one (UsageError)."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST} characters, not {len(password)}")
    if any("\ud800" <= letter <= "\udfff" for letter in password):
        raise UsageError("this password has half a surrogate pair in it, which cannot be written")
    if is_token(password):
        raise UsageError("this is a token and no password")
    if len(set(password)) < 4 or password.lower().strip("0123456789") in (user, "password"):
        raise UsageError(
            "this password is guessed at once: take one that is neither the user's name nor one sign again"
        )
    return password
