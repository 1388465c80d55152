"""Runs projects: a folder, a git URI or an archive, in the environment that it asks for.

Nothing here imports git, yaml or a builder of environments when it is loaded.
"""

from __future__ import annotations
