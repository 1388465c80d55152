"""How calls are watched: what is patched, what a probe sees of a call, and how all of it is undone."""
