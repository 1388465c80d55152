"""A run that remembers what a probe logs, and a call that drives a probe by hand: no engine, no store."""

from __future__ import annotations

import inspect
import json
import time
import weakref
from typing import Any


class Recorder:
    """Takes everything that a ProbeRun takes; affords what it is told to."""

    def __init__(self, *, affords: bool = True, folded: bool = False, max_children: int = 200) -> None:
        self.name: str | None = None
        self.params: dict[str, Any] = {}
        self.metrics: dict[str, list[tuple[int | None, Any]]] = {}
        self.tags: dict[str, str] = {}
        self.models: dict[str, Any] = {}
        self.examples: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.texts: dict[str, str] = {}
        self.charts: dict[str, Any] = {}
        self.datasets: list[tuple[str | None, str]] = []
        self.kids: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.folded = folded
        self.can_log = True
        self.calls = 0
        self.known: list[Any] = []
        self.last_model: Any = None
        self._affords = affords
        self._settings = {"max_children": max_children}

    @property
    def started(self) -> bool:
        return bool(self.params or self.metrics or self.tags or self.models)

    def log_params(self, params: dict[str, Any]) -> None:
        self.params.update(params)

    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        for key, value in metrics.items():
            self.log_metric(key, value, step)

    def log_metric(self, key: str, value: Any, step: int | None = None) -> None:
        assert isinstance(key, str) and isinstance(float(value), float)
        self.metrics.setdefault(key, []).append((step, value))

    def set_tags(self, tags: dict[str, str]) -> None:
        self.tags.update(tags)

    def log_model(self, model: Any, path: str = "model", *, example: Any = None, answers: Any = None) -> None:
        self.models[path] = model
        self.examples[path] = example
        self.answers[path] = answers

    def log_text(self, text: str, path: str) -> None:
        self.texts[path] = text

    def log_dataset(self, data: Any, name: str | None = None, context: str = "train") -> None:
        self.datasets.append((name, context))

    def log_chart(self, document: dict[str, Any], path: str) -> None:
        assert json.dumps(document, allow_nan=False)
        self.charts[path] = document

    def children(self, runs: list[dict[str, Any]]) -> None:
        self.kids.extend(runs)

    def log_model_at_end(self, model: Any, path: str = "model") -> None:
        self.last_model = weakref.ref(model)

    def no_model_at_end(self, path: str = "model") -> None:
        self.last_model = None

    def note(self, message: str) -> None:
        self.notes.append(message)

    def setting(self, name: str) -> Any:
        return self._settings[name]

    def afford(self, part: str, seconds: float = 0.0) -> bool:
        return self._affords

    def continued(self, obj: Any) -> bool:
        if any(known is obj for known in self.known):
            self.calls += 1
            return True
        self.known.append(obj)
        return False

    def last(self, key: str) -> Any:
        return self.metrics[key][-1][1]


class HandCall:
    """What a probe sees of a call."""

    def __init__(self, function: Any, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.obj, self.args, self.kwargs = obj, args, kwargs
        self.name = function.__name__
        self.site = ("script.py", 1)
        self.target = f"{function.__module__}:{function.__qualname__}"
        self.result: Any = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        self._named = dict(bound.arguments)
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                self._named.update(self._named.pop(name))

    def arg(self, name: str, default: Any = "<missing>") -> Any:
        return self._named.get(name, default)


def drive(probe: Any, function: Any, *args: Any, run: Recorder | None = None, **kwargs: Any) -> Recorder:
    """Calls a function or bound method between the two halves of a probe, as the engine does."""
    run = run or Recorder()
    call = HandCall(function, getattr(function, "__self__", None), args, kwargs)
    generator = probe(call, run)
    next(generator)
    begin = time.perf_counter()
    try:
        call.result = function(*args, **kwargs)
    except Exception as error:
        call.error = error
    call.seconds = time.perf_counter() - begin
    assert next(generator, "end") == "end", "a second yield"
    return run
