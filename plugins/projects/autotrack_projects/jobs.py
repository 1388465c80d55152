"""What a backend is given, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .grammar import Docker

if TYPE_CHECKING:
    from .following import Elsewhere


@dataclass(frozen=True, slots=True)
class Job:
    """One program of a project, ready to be started: no shell is needed, and nothing in it is text to be parsed again.

    ``argv`` and ``variables`` are what the program is started with in ``folder`` on a machine like this one;
    ``own`` are those of the variables that the run brings (its hand-over, values of a script's parameters), all that
    there is a reason for elsewhere. ``docker`` is the container that the project asks for. ``console`` is the file that
    output is kept in, shown on the terminal, too, if ``shown``. ``inputs`` is a folder of files that values may name.
    ``config`` is what the user told the backend: text from ``-B``, anything that JSON has from ``--backend-config``.
    """

    run_id: str
    name: str
    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)
    folder: Path
    console: Path
    shown: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, str] = field(repr=False, default_factory=dict)
    docker: Docker | None = None
    inputs: Path | None = None

    def on_a_machine(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """The argv and the variables that start it here, or on a machine with the same files: through docker or podman
        where the project wants a container (ProjectError where there is neither)."""
        if self.docker is None:
            return self.argv, dict(self.variables)
        from .containers import container_command

        words = container_command(self.docker, self.argv, self.own, self.folder, self.run_id)
        return words, {**self.variables, **self.own}

    def files_to_start_it(
        self, *, keeping: Iterable[str] | None = None, variables: Mapping[str, str] | None = None
    ) -> dict[str, bytes]:
        """Files by name that start it where they lie together: ``python start.py``. Values are data in ``job.json``.

        Without ``keeping`` they are complete: the project travels as ``project.zip``, and only ``own`` (or
        ``variables``) comes along. With it the program starts in ``folder`` on a machine with the same files, with all
        of its variables; ``keeping`` are beginnings of names that are the scheduler's to say.
        """
        from .travelling import in_place, packed

        if keeping is not None:
            argv, given = self.on_a_machine()
            return in_place(argv, {**given, **(variables or {})}, self.folder, tuple(keeping))
        return packed(self, self.own if variables is None else variables)

    def keep_output(self, blocks: Iterable[bytes]) -> None:
        """Keeps the program's output as it comes, its first and last megabyte, and shows it on the terminal if
        ``shown``. Returns when ``blocks`` ends."""
        from .output import keep

        keep(blocks, self.console, self.shown)

    def follow(self, elsewhere: Elsewhere, name: str, *, every: float) -> Submitted:
        """What a backend answers for a job that its engine calls ``name``: asked about ``every`` so many seconds, its
        output kept, ended with ``cancel()``.

        ``elsewhere`` has ``look``, ``output``, ``stop``, ``standing`` and ``tidy``, as ``following.Elsewhere`` says.
        """
        from .following import Followed

        return Followed(self, elsewhere, name, every)


class Submitted(Protocol):
    """A job that was started.

    A backend's answer may also have ``job``, its name for the job (kept as the tag ``autotrack.project.job``), and
    ``standing()``, a few words of the backend's own on how the job stands ("PENDING, waiting for resources").
    """

    def wait(self) -> int:
        """The program's exit code, once it has ended; negative where a signal ended it."""

    def poll(self) -> int | None:
        """The same, or None while it runs."""

    def cancel(self) -> None:
        """Ends it, with all that it has started. One that has ended stays as it is."""
