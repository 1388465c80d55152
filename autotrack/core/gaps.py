"""What could not be captured: said plainly, with the way to close the hole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not known about a run.

    ``part`` is what it belongs to (``code``, ``files``, ``data``, ``console``, ``seeds``, ``environment``,
    ``arguments``); ``what`` says what is missing and why in one sentence without a full stop; ``close`` is what the
    user can do about it, as an imperative, or empty where nothing helps.
    """

    part: str
    what: str
    close: str = ""

    def document(self) -> dict[str, str]:
        """The gap as it is kept in JSON."""
        return {"part": self.part, "what": self.what, "close": self.close}
