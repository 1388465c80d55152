"""Random generators set back after a question of ours that may have drawn from them, where nobody else may have.

A generator is the program's, and another thread may draw from it meanwhile: what that drew would come a second time. So
nothing is set back, and the question is not asked, while a thread runs that may be somebody's training.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

_OTHERS = "the model may draw random numbers, and so may another thread of the program meanwhile"

#: Modules whose threads run no code of the program's: by where a thread's work begins, or where its class stands.
_APART = frozenset(
    """autotrack.core.background autotrack_projects.local autotrack_serving.engine execnet.gateway_base tqdm._monitor
    multiprocessing.queues joblib.externals.loky.backend.queues torch.utils.data._utils.pin_memory
    tensorboard.summary.writer.event_file_writer tensorboardX.event_file_writer
    IPython.core.history ipykernel.control ipykernel.heartbeat ipykernel.iostream ipykernel.parentpoller
    ipykernel.shellchannel""".split()
)
#: Modules whose threads look after worker processes: they run what waits for an answer, and nothing where nobody does.
_MANAGING = frozenset({"joblib.externals.loky.process_executor", "concurrent.futures.process"})

#: What each thread does at the moment, by its id.
running = sys._current_frames

Generator = tuple[Callable[[], Any], Callable[[Any], object]]


@contextmanager
def streams_put_back(own: Iterable[Any] = ()) -> Iterator[str | None]:
    """Sets back what is drawn within it from the process's generators, and from numpy's that are a model's ``own``.

    It gives None; or why nothing may be asked within it, for another thread of the program's may draw meanwhile, and
    nothing is set back. A generator from which nothing was drawn is not touched.
    """
    if others_may_draw():
        yield _OTHERS
        return
    kept = [(generator, generator[0]()) for generator in (*_of_the_process(), *map(_of_numpy, own))]
    try:
        yield None
    finally:
        for (read, write), state in kept:
            if not _same(read(), state):
                write(state)


def others_may_draw() -> bool:
    """True where a thread runs beside this one that may be the program's."""
    here = threading.get_ident()
    return any(ident != here and not _is_apart(frame) for ident, frame in running().items())


def _is_apart(frame: FrameType) -> bool:
    begin, each = frame, frame.f_back
    while each is not None:
        if each.f_globals.get("__name__") != "threading":
            begin = each
        each = each.f_back
    holder = begin.f_locals.get(begin.f_code.co_varnames[0]) if begin.f_code.co_argcount else None
    names = {begin.f_globals.get("__name__"), type(holder).__module__}
    if not _MANAGING.isdisjoint(names):
        return not getattr(holder, "pending_work_items", True)
    return not _APART.isdisjoint(names)


def _of_the_process() -> Iterator[Generator]:
    python, numpy, torch = (sys.modules.get(name) for name in ("random", "numpy.random", "torch"))
    if python is not None and hasattr(python, "getstate"):
        yield python.getstate, python.setstate
    if numpy is not None and hasattr(numpy, "get_state"):
        yield lambda: numpy.get_state(legacy=False), numpy.set_state
    if torch is not None and hasattr(torch, "default_generator"):
        yield from map(_of_torch, [torch.default_generator, *_of_devices(torch)])


def _of_devices(torch: ModuleType) -> Iterable[Any]:
    """Those of the CUDA devices that are in use. (Reading one waits for nothing but a graph that is being captured.)"""
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized() or cuda.is_current_stream_capturing():
        return ()
    return tuple(cuda.default_generators)


def _of_torch(generator: Any) -> Generator:
    return generator.get_state, generator.set_state


def _of_numpy(generator: Any) -> Generator:
    """One of ``RandomState`` or ``Generator``."""
    if hasattr(generator, "get_state"):
        return lambda: generator.get_state(legacy=False), generator.set_state
    bits = generator.bit_generator
    return lambda: bits.state, lambda state: setattr(bits, "state", state)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if hasattr(one, "numpy"):
        one, other = one.numpy(), other.numpy()
    return bool(one.tobytes() == other.tobytes() if hasattr(one, "tobytes") else one == other)
