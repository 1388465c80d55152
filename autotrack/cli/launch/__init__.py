"""The folder that ``autotrack run`` puts first on PYTHONPATH. It holds ``sitecustomize.py`` and nothing else importable."""
