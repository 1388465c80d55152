"""Version ranges answer as the packaging library does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from autotrack.core.errors import UsageError
from autotrack.core.versions import in_range, version_key

numbers = st.integers(0, 12)
releases = st.lists(numbers, min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
versions = st.builds(
    lambda epoch, release, pre, post, dev: epoch + release + pre + post + dev,
    st.sampled_from(["", "", "", "1!"]),
    releases,
    st.sampled_from(["", "", "a1", "b2", "rc3", "rc"]),
    st.sampled_from(["", "", ".post1", "-2", ".post"]),
    st.sampled_from(["", "", ".dev0", ".dev5"]),
)
two_numbers = st.lists(numbers, min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))
clauses = st.one_of(
    st.builds(lambda op, v: op + v, st.sampled_from(["==", "!=", "<=", ">=", "<", ">"]), versions),
    st.builds(lambda op, v: f"{op}{v}.*", st.sampled_from(["==", "!="]), releases),
    st.builds(lambda v: f"~={v}", two_numbers),
)


@given(versions, versions)
def test_order(a: str, b: str) -> None:
    assert (version_key(a) < version_key(b)) == (Version(a) < Version(b))
    assert (version_key(a) == version_key(b)) == (Version(a) == Version(b))


@given(versions, st.lists(clauses, min_size=1, max_size=3))
def test_ranges(version: str, parts: list[str]) -> None:
    specifier = ",".join(parts)
    assert in_range(version, specifier) == SpecifierSet(specifier).contains(version, prereleases=True), specifier


@pytest.mark.parametrize(
    ("version", "specifier"), [("x", ">=1"), ("1.0", "1.0"), ("1.0", ">=1.*"), ("1", "~=1"), ("1", "=>1")]
)
def test_what_does_not_parse(version: str, specifier: str) -> None:
    with pytest.raises(UsageError):
        in_range(version, specifier)


def test_local_labels_do_not_count() -> None:
    assert in_range("2.13.0+cpu", "==2.13.0") and in_range(" V1.9.1 ", ">=1.6, <2")
