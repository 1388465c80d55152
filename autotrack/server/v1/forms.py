"""The types that bodies and queries are made of. What a type does not allow is refused before a handler sees it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from autotrack.core.keys import INT64, MAX_KEY, MAX_NAME

from .. import limits

#: No NUL, which no database takes. (Half a surrogate pair is no valid JSON, and does not come this far.)
TEXT = "^[^\0]*$"

Int64 = Annotated[int, Meta(ge=-INT64, le=INT64 - 1)]
Count = Annotated[int, Meta(ge=0, le=INT64 - 1)]
Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY, pattern=TEXT)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=TEXT)]
Text = Annotated[str, Meta(pattern=TEXT)]
Identity = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
#: A whole id or the beginning of one.
Reference = Annotated[str, Meta(min_length=1, max_length=256, pattern=TEXT)]
Filter = Annotated[str, Meta(max_length=limits.FILTER)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Page = Annotated[int, Meta(ge=1, le=limits.PAGE)]
Lifecycle = Literal["active", "deleted", "all"]
#: A number; JSON has no name for three of them.
Number = int | float | Literal["NaN", "Infinity", "-Infinity"]
Texts = Annotated[dict[Key, Text], Meta(max_length=5000)]
Entity = dict[str, Any]


class Body(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A body: a field that is not known is a mistake of the sender's, and refused."""


class Query(Struct):
    """A query string: names that are not known are ignored."""
