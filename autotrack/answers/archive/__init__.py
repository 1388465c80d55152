"""Runs as one file, to be carried elsewhere: ``packing`` writes it, ``checking`` checks it, ``unpacking`` takes it in.

``layout`` has the format.
"""
