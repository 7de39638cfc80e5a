"""Bursar: a self-hosted payment platform."""

__version__ = "0.1.0"
