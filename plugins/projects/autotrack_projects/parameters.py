"""Parameters of an entry point: declared types, defaults, and the values that are given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autotrack.plugin import UsageError

TYPES = ("string", "float", "path", "uri", "int", "bool")
_TRUTHS = frozenset("true false yes no on off 1 0".split())
#: What a parameter may be called: it is an option of a command line, and a name in braces.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter; ``default`` is None where it must be given."""

    name: str
    type: str = "string"
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """What a program is started with: values of declared parameters, and of others, which follow as options."""

    declared: Mapping[str, str]
    others: Mapping[str, str]

    @property
    def all(self) -> dict[str, str]:
        """Every parameter of the run."""
        return {**self.declared, **self.others}


def values_for(
    declared: Mapping[str, Parameter], given: Mapping[str, str], *, entry_point: str, project: Path
) -> Values:
    """The values to start with: given ones over defaults, each checked against its type (UsageError).

    A path that is given is one of the caller's folder, a default one of the project's; both are made absolute.
    """
    for name, value in given.items():
        check_name(name)
        if "\0" in value:
            raise UsageError(f"parameter {name} holds a NUL character, which no program can be given")
    missing = [name for name, one in declared.items() if one.default is None and name not in given]
    if missing:
        said = ", ".join(f"-P {name}=..." for name in missing)
        was = "was" if len(missing) == 1 else "were"
        raise UsageError(f"entry point {entry_point} needs {_words(missing)}, which {was} not given; add {said}")
    found = {}
    for name, one in declared.items():
        is_given = name in given
        found[name] = _checked(one, given[name] if is_given else one.default or "", Path.cwd() if is_given else project)
    return Values(found, {name: value for name, value in given.items() if name not in declared})


def check_name(name: str) -> None:
    """UsageError where no parameter can be called so."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name[:100]!r} is no name of a parameter: letters, digits, _, - and . are, beginning with a letter or _"
        )


def _checked(parameter: Parameter, value: str, folder: Path) -> str:
    name = parameter.name
    if parameter.type in ("float", "int"):
        try:
            float(value) if parameter.type == "float" else int(value)
        except ValueError:
            raise UsageError(f"parameter {name} is of type {parameter.type}, and {value!r:.100} is not") from None
    elif parameter.type == "bool" and value.lower() not in _TRUTHS:
        raise UsageError(f"parameter {name} is of type bool, and {value!r:.100} is not: say true or false")
    elif parameter.type == "uri":
        if not _SCHEME.fullmatch(value) and not (folder / value).exists():
            raise UsageError(
                f"parameter {name} is a URI, and {value!r:.100} is none: it begins with a scheme, as in s3://"
            )
    elif parameter.type == "path":
        if "://" in value or value.startswith("runs:/"):
            raise UsageError(
                f"parameter {name} is a path, and {value!r:.100} is a URI that is not fetched (http, s3 and their like "
                "are): fetch it first, or declare the parameter as uri"
            )
        path = folder / Path(value).expanduser()
        if not path.exists():
            raise UsageError(f"parameter {name} is a path, and there is nothing at {path}")
        return str(path.absolute())
    return value


def _words(names: list[str]) -> str:
    return f"the parameter{'s' if len(names) > 1 else ''} {', '.join(names)}"
