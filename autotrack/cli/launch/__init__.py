"""The folder that ``autotrack run`` puts first on PYTHONPATH: it holds ``sitecustomize.py`` and nothing else."""
