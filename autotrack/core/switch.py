def enable(*libraries, **given):
    from autotrack.core.config import load_settings
    load_settings(**given)
