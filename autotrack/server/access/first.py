"""The one-time code with which the first administrator of a server names himself. There is no default account."""

from __future__ import annotations

from dataclasses import replace

from ..services import ServerSettings, open_services
from .tokens import new_code, sha256_of_code


def with_first_code(settings: ServerSettings) -> tuple[ServerSettings, str | None]:
    """Settings with the sha256 of a new code, and the code, where users are asked for and there is none yet; otherwise
    as they are, and None (StoreError)."""
    if not settings.auth:
        return settings, None
    services = open_services(settings)
    try:
        if services.access is None or services.access.directory.has_users():
            return settings, None
    finally:
        services.close()
    code = new_code()
    return replace(settings, first_code=sha256_of_code(code)), code
