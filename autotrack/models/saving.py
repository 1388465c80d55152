"""Models into folders: the flavor writes its files, the rest of the folder is written here, once for all flavors."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrack.core.errors import UsageError
from autotrack.core.guard import attempt
from autotrack.core.plugins.flavor import Flavor

from .asking import asking
from .environment import distributions_of, environment_files, own_modules, version_of
from .flavors import chosen_flavor, registered_flavors, require_flavor
from .inference import table_kind
from .manifest import FILE as MANIFEST
from .manifest import FileDigest, write_manifest
from .mlmodel import MAX_BYTES, NAME, describe
from .signature import Signature, infer_signature

if TYPE_CHECKING:
    from .example import Kept
    from .profile import Known

Content = bytes | Path
#: Columns of a table up to which a folder describes them: each costs a fifth of a millisecond and a line of MLmodel.
MOST_COLUMNS = 2_000


class Details(NamedTuple):
    """What may be known of a model besides itself.

    ``example`` are data that it takes, of which the first rows are kept. ``golden`` are its answers to those rows, by
    method (or just those of ``predict``), where the caller has them; else the model is asked, through ``predictor``
    where one is given. ``signature`` is inferred from example and answers where it is None. ``params`` are the
    parameters of ``predict`` with their defaults. ``seconds`` is what asking may take, None for as long as it does: no
    further method is asked once they are over.
    """

    example: Any = None
    predictor: Callable[[Any], Any] | None = None
    golden: Any = None
    signature: Signature | None = None
    params: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    seconds: float | None = None
    answers: Any = None
    known: Known | None = None


@dataclass(slots=True)
class Filled:
    """A folder's files but the manifest, as bytes or as paths of what the flavor wrote; and what was left out."""

    files: dict[str, Content]
    sizes: dict[str, int]
    notes: list[str] = field(default_factory=list)


def save_model(
    model: Any,
    path: str | Path,
    *,
    flavor: str | None = None,
    flavors: Iterable[Flavor] | None = None,
    example: Any = None,
    predictor: Callable[[Any], Any] | None = None,
    golden: Any = None,
    signature: Signature | None = None,
    params: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    code: Sequence[str | Path] = (),
    artifacts: Mapping[str, str | Path] | None = None,
) -> Path:
    """Saves a model as a folder that ``load_model`` and MLflow load, and answers the folder.

    With an ``example`` (data that the model takes; its first rows are kept) the folder has a signature and golden
    predictions, which each loading replays; ``golden`` hands over the model's answers to those rows where they are at
    hand, ``params`` are the parameters of ``predict`` with their defaults. A model may be Python code: the path of a
    file, or ``"file.py:Class"``; ``code`` are further files and folders that it imports, ``artifacts`` files it reads.

    The folder appears complete or not at all. UsageError where it exists already, no plugin can save the model or an
    argument does not fit it. ``flavors`` are those to choose from (by default all that the plugins bring).
    """
    target = Path(path)
    if target.exists():
        raise UsageError(f"{target} exists already; save the model under another name, or remove it first")
    if isinstance(model, (str, Path)) and (flavors is None or code or artifacts):
        from .python_source import source_of

        model = source_of(model, code, artifacts or {})
    elif code or artifacts:
        raise UsageError("code= and artifacts= go with a model that is Python code: give the path of its file")
    if flavors is None:
        flavors, flavor = registered_flavors(), flavor or chosen_flavor(model)
    chosen = require_flavor(model, flavors, flavor)
    details = Details(example, predictor, golden, signature, params, metadata)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        filled = fill(model, chosen, staging, details)
        digests = {name: _written(content, staging / name) for name, content in filled.files.items()}
        (staging / MANIFEST).write_bytes(write_manifest(digests)[0])
        staging.rename(target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    if filled.notes:
        from autotrack.core.guard import warn

        warn(f"the model in {target} was saved without all: {'; '.join(filled.notes)}")
    return target


def _written(content: Content, place: Path) -> FileDigest:
    if isinstance(content, bytes):
        place.write_bytes(content)
        return digest_of_bytes(content)
    with content.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileDigest(digest, content.stat().st_size)


def digest_of_bytes(content: bytes) -> FileDigest:
    """The digest of a file that is in memory."""
    return FileDigest(hashlib.sha256(content).hexdigest(), len(content))


def fill(
    model: Any,
    flavor: Flavor,
    folder: Path,
    details: Details | None = None,
    *,
    path: str | None = None,
    run_id: str | None = None,
) -> Filled:
    """Has the flavor write the model into an existing empty folder; answers all files of the model's folder.

    A flavor that has ``dump`` writes nothing there: its files come as bytes, and the folder need not exist.
    What cannot be made of the details (an example that JSON cannot hold, a model that does not answer) is left out
    with a note: the model itself is saved all the same.
    """
    details = details or Details()
    entry, files = _saved(model, flavor, folder)
    modules = [class_name(model).rpartition(".")[0], *entry.pop("modules", ())]
    function: Mapping[str, Any] | None = dict(entry.pop("python_function", {}))
    if not callable(attempt(flavor.predictor, model)[0]):
        function = None
    size = sum(map(_size, files.values()))
    filled = Filled(files, {})
    signature, info = _examined(model, flavor, details, filled)
    needed = [
        *flavor.packages,
        *filter(None, [{"series": "pandas"}.get(kind := table_kind(details.example) or "", kind)]),
    ]
    files |= environment_files(distributions_of(needed, modules))
    metadata = dict(details.metadata or {})
    own = own_modules(modules)
    if own:
        metadata["own_modules"] = own
    described = partial(
        describe, flavor, entry, size=size, path=path, run_id=run_id, function=function, example=info, metadata=metadata
    )
    files[NAME] = content = described(signature=None if signature is None else signature.to_dict())
    if len(content) > MAX_BYTES:  # a longer one is refused where it is read
        filled.notes.append(f"signature left out: with it {NAME} would be longer than {MAX_BYTES:,} bytes")
        files[NAME] = described()
    filled.sizes.update((name, _size(content)) for name, content in files.items())
    return filled


def _saved(model: Any, flavor: Flavor, folder: Path) -> tuple[dict[str, Any], dict[str, Content]]:
    """The flavor's entry for MLmodel and its files."""
    if flavor.dump is not None:
        entry, contents = flavor.dump(model)
        return dict(entry), dict(contents)
    entry = flavor.save(model, folder)
    written = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return dict(entry), {file.relative_to(folder).as_posix(): file for file in written}


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def class_name(model: Any) -> str:
    """The full name of the model's class; of a model that is code, of the class in it."""
    from .python_source import PythonSource

    if isinstance(model, PythonSource):
        return f"{model.file.stem}.{model.class_name}"
    kind = type(model)
    return f"{kind.__module__}.{kind.__qualname__}"


def _examined(
    model: Any, flavor: Flavor, details: Details, filled: Filled
) -> tuple[Signature | None, Mapping[str, Any] | None]:
    """Signature and ``saved_input_example_info``, from the example; writes its files and the golden predictions."""
    if details.example is None:
        return details.signature, None
    if table_kind(details.example) is not None and len(getattr(details.example, "columns", ())) > MOST_COLUMNS:
        filled.notes.append(f"signature and example left out: a table of more than {MOST_COLUMNS:,} columns")
        return details.signature, None
    from .example import Kept, write_example
    from .golden import FILE, golden_content
    from .profile_file import FILE as PROFILE
    from .profiling import profile_of

    kept, error = attempt(Kept.of, details.example)
    if kept is None:
        filled.notes.append(f"example left out: {error}")
    info = None
    answers: dict[str, Any] = {}
    more: Any = None
    if kept is not None:
        # Before the model is asked: it may change the rows that it is asked with.
        written, error = attempt(write_example, kept.rows(), details.params)
        if written is None:
            filled.notes.append(f"example left out: {error}")
        else:
            info = written[0]
            filled.files.update(written[1])
        answers, why, more = _answers(model, flavor, details, kept)
        if why is not None:
            filled.notes.append(f"golden predictions left out: {why}")
    profiled, error = attempt(profile_of, details.example, details.known, details.answers if more is None else more)
    if profiled is not None:
        filled.files[PROFILE] = profiled
    elif error is not None:
        filled.notes.append(f"profile left out: {error}")
    signature = details.signature
    if signature is None:
        signature, error = attempt(infer_signature, details.example, answers.get("predict"), details.params)
        if signature is None:
            filled.notes.append(f"signature left out: {error}")
    if answers and kept is not None and kept.document is None:
        filled.notes.append(f"golden predictions left out: {kept.reason}")
    elif answers and kept is not None:
        versions = {name: version_of(name) for name in flavor.packages}
        content, error = attempt(golden_content, kept.document, answers, versions)
        if content is None:
            filled.notes.append(f"golden predictions left out: {error}")
        else:
            filled.files[FILE] = content
    return signature, info


class _Answers(NamedTuple):
    """The model's answers to the example's rows by method, why there are none, or not all; and those to more rows."""

    golden: dict[str, Any]
    why: str | None = None
    more: Any = None


def _answers(model: Any, flavor: Flavor, details: Details, kept: Kept) -> _Answers:
    if details.golden is not None:
        given = details.golden if isinstance(details.golden, Mapping) else {"predict": details.golden}
        return _Answers(dict(given))
    if details.predictor is not None:
        answer, error = attempt(details.predictor, kept.rows())
        return _Answers({"predict": answer}) if error is None else _Answers({}, f"predict raised {_told(error)}")
    found, error = attempt(_asked, model, flavor, kept, details)
    return _Answers({}, _told(error)) if found is None else found


def _asked(model: Any, flavor: Flavor, kept: Kept, details: Details) -> _Answers:
    from .profiling import answers_to_more

    answers: dict[str, Any] = {}
    began = time.perf_counter()
    with asking(model, flavor) as (asks, why):
        if not asks:
            return _Answers({}, why if why and flavor.predictor(model) is not None else None)
        for name, ask in asks.items():
            spent = time.perf_counter() - began
            if details.seconds is not None and spent >= details.seconds:
                return _Answers(answers, f"those of {name}, for {spent:.1f} s were spent on asking")
            answer, error = attempt(ask, kept.rows())
            if error is not None:
                return _Answers({}, f"{name} raised {_told(error)}")
            answers[name] = answer
        spent = time.perf_counter() - began
        left = None if details.seconds is None else details.seconds - spent
        wanted = details.answers is None and "predict" in asks
        more = attempt(answers_to_more, details.example, asks["predict"], spent, left)[0] if wanted else None
    return _Answers(answers, None, more)


def _told(error: Exception | None) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
