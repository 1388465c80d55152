"""The cookie of a browser's session: what it is called, how it is set, what it says."""

from __future__ import annotations

from collections.abc import Mapping

from ..calls import Call
from ..errors import ApiError
from ..gate import SAFE

#: Over TLS the name says to the browser that no other host and no plain connection may set it.
NAME, SAFE_NAME = "autotrack-session", "__Host-autotrack-session"


def cookie(call: Call, secret: str, seconds: int) -> str:
    """The header Set-Cookie that keeps a secret for so long (0: takes it away)."""
    secure = call.scope.get("scheme") == "https"
    name = SAFE_NAME if secure else NAME
    return f"{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def secret_of(headers: Mapping[bytes, bytes]) -> str:
    """The secret in a request's cookies, empty where there is none."""
    pairs = (pair.strip().partition("=") for pair in headers.get(b"cookie", b"").decode("latin-1").split(";"))
    found = {name: value for name, _, value in pairs}
    return found.get(SAFE_NAME) or found.get(NAME) or ""


def authorization_of(call: Call) -> bytes:
    """What stands for the header Authorization in a browser's request (ApiError 403 where it could be forged)."""
    secret = secret_of(call.headers)
    if secret and call.scope["method"] not in SAFE and not call.headers.keys() & {b"origin", b"sec-fetch-site"}:
        raise ApiError(403, "PERMISSION_DENIED", "a change by a cookie has to say which page it comes from (Origin)")
    return f"Bearer {secret}".encode("latin-1") if secret else b""
