"""Pictures of figures, bounded in number and bytes, each content once a run."""

from __future__ import annotations

import copy
import hashlib
import io
import os
import sys
import weakref
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from autotrack.plugin import Ours, Run, attempt, open_run, settings

FOLDER = "figures"


@dataclass(slots=True)
class Kept:
    """What a run has of figures: their contents by digest, how often each name was given, and their bytes."""

    digests: set[str] = field(default_factory=set)
    names: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as the bytes of a picture, with its name."""

    name: str
    content: bytes


_kept: weakref.WeakKeyDictionary[Run, Kept] = weakref.WeakKeyDictionary()


def keep_saved(target: Any, form: str | None) -> None:
    """Keeps the file that a figure was saved to. What went to an open file or a buffer stays the user's alone."""
    run = open_run()
    if run is None or not isinstance(target, str | os.PathLike):
        return
    path = Path(os.fspath(target))
    if not path.suffix:
        path = path.with_name(f"{path.name}.{form or sys.modules['matplotlib'].rcParams['savefig.format']}")
    try:
        size = path.stat().st_size
        if _kept.get(run, Kept()).bytes + size > settings("matplotlib")["bytes"]:
            _say_full(run)
            return
        with open(Ours(path), "rb") as file:
            content = file.read()
    except OSError:
        return
    keep(run, Picture(path.name, content))


def pictures_of_open() -> list[Picture]:
    """The figures of pyplot, drawn from copies: drawing moves axes, and calls what the user has connected to it."""
    run, pyplot = open_run(), sys.modules.get("matplotlib.pyplot")
    if run is None or pyplot is None or _kept.setdefault(run, Kept()).full:
        return []
    found = []
    for number in pyplot.get_fignums()[: settings("matplotlib")["most"]]:
        figure = sys.modules["matplotlib._pylab_helpers"].Gcf.figs[number].canvas.figure
        content, _ = attempt(_drawn, figure)  # an artist of the user's own may refuse to be copied
        if content is not None:
            found.append(Picture(f"{_plain(figure.get_label()) or f'figure-{number}'}.png", content))
    return found


def keep(run: Run, picture: Picture) -> None:
    """Keeps a picture under ``figures/``, unless the run has it or is full; a second one of a name is numbered."""
    kept = _kept.setdefault(run, Kept())
    digest = hashlib.sha256(picture.content).hexdigest()
    if digest in kept.digests or kept.full:
        return
    limits = settings("matplotlib")
    if len(kept.digests) >= limits["most"] or kept.bytes + len(picture.content) > limits["bytes"]:
        _say_full(run)
        return
    count = kept.names[picture.name] = kept.names.get(picture.name, 0) + 1
    name = PurePath(picture.name)
    _, error = attempt(
        run.put,
        f"{FOLDER}/{picture.name if count == 1 else f'{name.stem}-{count}{name.suffix}'}",
        picture.content,
        durable=False,
    )
    if error is not None:
        run.note(f"the figure {picture.name} could not be kept: {error}")
        return
    kept.digests.add(digest)
    kept.bytes += len(picture.content)


def _say_full(run: Run) -> None:
    kept = _kept.setdefault(run, Kept())
    if not kept.full:
        kept.full = True
        run.note("more figures are not kept: the plugin's settings `most` and `bytes` say how many are")


def _drawn(figure: Any) -> bytes:
    """A picture of a copy of the figure, on a canvas of its own; pyplot never hears of the copy."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    twin = type(figure).__new__(type(figure))
    state = figure.__getstate__()
    state.pop("_restore_to_pylab", None)
    twin.__setstate__(copy.deepcopy(state, {id(figure): twin}))
    canvas = FigureCanvasAgg(twin)
    stream = io.BytesIO()
    canvas.print_png(stream)
    return stream.getvalue()


def _plain(label: str) -> str:
    """A figure's label as a file name."""
    return "".join(c if c.isalnum() or c in "-_. " else "_" for c in label).strip(" .")[:80]
