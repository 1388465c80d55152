"""Where files of runs and shared contents lie, on this machine and elsewhere."""
