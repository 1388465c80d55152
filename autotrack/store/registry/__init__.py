"""Models with names, and models that runs have logged."""
