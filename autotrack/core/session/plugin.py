"""What a session watches: the parsing of the command line and the seeding of the random generators."""

from __future__ import annotations

from collections.abc import Sequence

from autotrack.core.plugins.hookspecs import hookimpl
from autotrack.core.probes.patching import Family, Patch

from .arguments import argparse_parsed, click_parsed
from .seeds import numpy_seeded, python_seeded


@hookimpl
def register_patches() -> Sequence[Patch | Family]:
    """argparse, click, ``random.seed`` and ``numpy.random.seed``; none of them makes a run or is part of one."""
    return [
        Patch("argparse:ArgumentParser.parse_known_args", argparse_parsed, nested="beside", versions=">=1.1"),
        Patch(
            "argparse:ArgumentParser.parse_known_intermixed_args", argparse_parsed, nested="beside", versions=">=1.1"
        ),
        Patch("click.core:Command.parse_args", click_parsed, nested="beside", versions=">=8.0,<9"),
        # Part of Python itself, as the module random has no version of its own.
        Patch("random:seed", python_seeded, nested="beside"),
        Patch(
            "numpy.random.mtrand:seed",
            numpy_seeded,
            also=("numpy.random:seed",),
            nested="beside",
            versions=">=1.22",
            distribution="numpy",
        ),
    ]
