"""What tests of the pages share besides fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: The fixture ``open_page``: ``open_page(url, width=1440, height=900, theme="light", trouble=("expected message",))``.
Open = Callable[..., "Page"]
