"""One small file for each kind of broker. Only `registry.py` imports them, and only when one is used."""
