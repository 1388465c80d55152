"""The IPython shell of this process, and the kernel around it where there is one: all that is asked of the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any

Listener = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Request:
    """What a front end asked for: the request's id, the code, the cell's id where it says one, and whether somebody
    sits there: nbconvert, papermill and other programs say that nobody answers ``input()``."""

    message: str = ""
    code: str = ""
    cell_id: str | None = None
    is_attended: bool = False


class Shell:
    """An ``InteractiveShell``. Used, and never changed but for what ``attach`` and ``tap`` put there and take away."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        #: None in a terminal.
        self.kernel = getattr(shell, "kernel", None)

    @property
    def names(self) -> Mapping[str, Any]:
        """The user's variables."""
        names: Mapping[str, Any] = self._shell.user_ns
        return names

    def earlier(self) -> list[str]:
        """The cells that were begun so far, as they were typed."""
        cells = getattr(getattr(self._shell, "history_manager", None), "input_hist_raw", None)
        return [str(cell) for cell in cells[1:]] if isinstance(cells, list) else []

    def request(self) -> Request:
        """The request that the cell which runs was sent with; an empty one in a terminal."""
        if self.kernel is None:
            return Request()
        parent = self.kernel.get_parent("shell")
        header, content = parent.get("header") or {}, parent.get("content") or {}
        cell_id = (parent.get("metadata") or {}).get("cellId")
        return Request(
            str(header.get("msg_id", "")),
            str(content.get("code", "")),
            cell_id if isinstance(cell_id, str) else None,
            bool(content.get("allow_stdin")),
        )

    def attach(self, event: str, listener: Listener) -> Callable[[], object]:
        """Has IPython tell of its event; answers what takes the listener out again."""
        events = self._shell.events
        events.register(event, listener)

        def take_out() -> None:
            if listener in events.callbacks[event]:
                events.unregister(event, listener)

        return take_out

    def tap(self, listener: Listener) -> Callable[[], object]:
        """Has every message told that the kernel sends, after it was sent; answers what takes that back.

        All that a front end shows goes by here, from every thread, whoever prints or displays it.
        """
        session = self.kernel.session
        original = session.send
        before = vars(session).get("send")

        def send(*args: Any, **kwargs: Any) -> Any:
            message = original(*args, **kwargs)
            if message is not None:
                # In a context of its own: what a watched call shows is output as any other.
                Context().run(listener, message)
            return message

        session.send = send

        def take_out() -> None:
            if vars(session).get("send") is not send:
                return
            if before is None:
                del session.send
            else:
                session.send = before

        return take_out

    def show(self, data: Mapping[str, str], mark: str, display_id: str, *, update: bool) -> None:
        """Shows something below the cell, or anew where it was shown under this id; marked in its metadata."""
        self._shell.display_pub.publish(dict(data), {mark: {}}, transient={"display_id": display_id}, update=update)
