"""What one execution of a program was: its code, environment, arguments, files and output, captured once.

``record`` is what is known at once. Each other module collects one part in the background and knows nothing of runs,
journals or stores: it answers a plain document, and what could not be captured as gaps.
"""

from __future__ import annotations

from .record import entry_point, session_record, user_name

__all__ = ["entry_point", "session_record", "user_name"]
