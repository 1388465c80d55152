"""Models into folders: the flavor writes its files, the rest of the folder is written here, once for all flavors."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from autotrack.core.errors import UsageError
from autotrack.core.guard import attempt
from autotrack.core.plugins.flavor import Flavor

from .asking import asking
from .environment import distributions_of, environment_files, own_modules, version_of
from .flavors import require_flavor
from .inference import table_kind
from .manifest import FILE as MANIFEST
from .manifest import FileDigest, write_manifest
from .mlmodel import NAME, describe
from .registered import chosen_flavor, registered_flavors
from .signature import Signature, infer_signature

Content = bytes | Path


class Details(NamedTuple):
    """What may be known of a model besides itself.

    ``example`` are data that it takes, of which the first rows are kept. ``golden`` are its answers to those rows, by
    method (or just those of ``predict``), where the caller has them; else the model is asked, through ``predictor``
    where one is given. ``signature`` is inferred from example and answers where it is None. ``params`` are the
    parameters of ``predict`` with their defaults.
    """

    example: Any = None
    predictor: Callable[[Any], Any] | None = None
    golden: Any = None
    signature: Signature | None = None
    params: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None


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
    files[NAME] = describe(
        flavor,
        entry,
        size=size,
        path=path,
        run_id=run_id,
        function=function,
        signature=None if signature is None else signature.to_dict(),
        example=info,
        metadata=metadata,
    )
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
    from .example import write_example
    from .golden import FILE, golden_file

    few, error = attempt(_kept_rows, details.example)
    if few is None:
        filled.notes.append(f"example left out: {error or 'one row of it is too large'}")
    answers: dict[str, Any] = {}
    if few is not None:
        answers, why = _answers(model, flavor, details, few)
        if why is not None:
            filled.notes.append(f"golden predictions left out: {why}")
    signature = details.signature
    if signature is None:
        signature, error = attempt(infer_signature, details.example, answers.get("predict"), details.params)
        if signature is None:
            filled.notes.append(f"signature left out: {error}")
    if few is None:
        return signature, None
    written, error = attempt(write_example, few, details.params)
    if written is None:
        filled.notes.append(f"example left out: {error}")
    else:
        filled.files.update(written[1])
    if answers:
        versions = {name: version_of(name) for name in flavor.packages}
        content, error = attempt(golden_file, few, answers, versions)
        if content is None:
            filled.notes.append(f"golden predictions left out: {error}")
        else:
            filled.files[FILE] = content
    return signature, None if written is None else written[0]


def _kept_rows(example: Any) -> Any:
    """The first rows as they will be read back: asked with the same layout in memory, a model answers the same bits."""
    from .exact import CannotKeep, decode, encode
    from .example import first_rows

    few = first_rows(example)
    kept, error = attempt(encode, few)
    if error is not None and not isinstance(error, CannotKeep):
        raise error
    return few if kept is None else decode(kept)


def _answers(model: Any, flavor: Flavor, details: Details, few: Any) -> tuple[dict[str, Any], str | None]:
    """The model's answers to the example's rows by method, and why there are none."""
    if details.golden is not None:
        given = details.golden if isinstance(details.golden, Mapping) else {"predict": details.golden}
        return dict(given), None
    if details.predictor is not None:
        answer, error = attempt(details.predictor, few)
        return ({"predict": answer}, None) if error is None else ({}, f"predict raised {_told(error)}")
    found, error = attempt(_asked, model, flavor, few)
    return ({}, _told(error)) if found is None else found


def _asked(model: Any, flavor: Flavor, few: Any) -> tuple[dict[str, Any], str | None]:
    answers: dict[str, Any] = {}
    with asking(model, flavor) as asks:
        if not asks:
            return {}, "asking the model might be noticed" if flavor.predictor(model) is not None else None
        for name, ask in asks.items():
            answer, error = attempt(ask, few)
            if error is not None:
                return {}, f"{name} raised {_told(error)}"
            answers[name] = answer
    return answers, None


def _told(error: Exception | None) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
