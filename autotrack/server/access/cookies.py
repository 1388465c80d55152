"""A browser's token: in a cookie that no script can read, and that no other site can have sent along.

The cookie is for this host, ``HttpOnly`` and ``SameSite=Strict``, and ``Secure`` where the page came over HTTPS. A
request that shows it and changes something has to say, besides, that it comes from a page of this server: browsers do.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..calls import Call
from ..errors import ApiError
from ..gate import SAFE
from .tokens import is_token

COOKIE = "autotrack_session"
_FORGED = "a request with a browser's cookie comes from a page of this server; this one does not say that it does"


def cookie_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The token in a request's cookie; None where there is none."""
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and is_token(value):
            return value
    return None


def check_page(method: str, headers: Mapping[bytes, bytes]) -> None:
    """ApiError 403 for a change that shows a cookie and not where it comes from (``gate`` refuses other sites)."""
    if method not in SAFE and b"origin" not in headers and headers.get(b"sec-fetch-site") != b"same-origin":
        raise ApiError(403, "PERMISSION_DENIED", _FORGED)


def set_cookie(call: Call, token: str, seconds: int) -> str:
    """The header that has a browser keep a token for so long; 0: forget it."""
    secure = "; Secure" if call.header("origin").lower().startswith("https://") else ""
    return f"{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
