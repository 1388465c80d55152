"""Answers that are put together from what is kept: why two runs differ, where a thing came from and went to.

They see a store only as ``autotrack.core.sink.Sink``, so that they are the same for a folder and for a server.
"""
