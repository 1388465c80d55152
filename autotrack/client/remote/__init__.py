"""A store on another machine, over HTTP: ``autotrack server``."""
