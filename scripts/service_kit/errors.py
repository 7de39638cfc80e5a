"""The one error that the commands report instead of crashing."""


class UnavailableError(Exception):
    """A server or tool cannot be had on this machine; the text says why."""
