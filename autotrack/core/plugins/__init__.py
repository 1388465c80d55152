"""What a plugin can do (``hookspecs``), and how plugins are found, loaded, blocked and asked (``registry``)."""
