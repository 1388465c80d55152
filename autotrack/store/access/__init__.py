"""Users of a server, what they may do and have asked."""
