"""Serves models: behind REST, in batches, on Spark, in a container, and reports back what they answered.

Nothing here imports a web server or a library of models when it is loaded.
"""

from __future__ import annotations
