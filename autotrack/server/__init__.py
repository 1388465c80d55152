"""The tracking server: one ASGI app over a store. Imported only by the process that serves."""
