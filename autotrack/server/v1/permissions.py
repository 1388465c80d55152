"""Who may use the routes of the native API."""

from __future__ import annotations

from ..routing import Of, Permission, Role

READ_RUN = Permission(Role.VIEWER, Of.RUN, ("run",))
WRITE_RUN = Permission(Role.EDITOR, Of.RUN, ("run",))
READ_EXPERIMENT = Permission(Role.VIEWER, Of.EXPERIMENT, ("experiment",))
WRITE_EXPERIMENT = Permission(Role.EDITOR, Of.EXPERIMENT, ("experiment",))
READ_SESSION = Permission(Role.VIEWER, Of.SESSION, ("session",))
#: The handler leaves out what the user may not see (``visible``), or asks for the experiment that it finds.
SEARCH = Permission(Role.VIEWER, Of.ANY)
WRITE = Permission(Role.EDITOR, Of.ANY)
CREATE = Permission(Role.EDITOR)
