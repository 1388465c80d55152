"""The ``autotrack`` command line: `main.py` is where it starts."""
