"""Runs: what is logged to one, where it stands among others, and the recorder that writes it all down."""
