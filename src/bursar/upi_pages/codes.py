"""Draws the QR code of a UPI link. Pure."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

# A customer's phone holds it up to a screen: this many pixels for a module of the code are enough for all of them.
PIXELS_OF_A_MODULE = 8
QUIET_MODULES = 4  # around it, as readers need
CODES_REMEMBERED = 256


@lru_cache(maxsize=CODES_REMEMBERED)
def svg(text: str) -> bytes:
    """Scales to whatever room it gets. White behind it, so that it can be read on a dark page too."""
    drawn = io.BytesIO()
    _code(text).save(
        drawn, kind="svg", scale=PIXELS_OF_A_MODULE, border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True
    )
    return drawn.getvalue()


@lru_cache(maxsize=CODES_REMEMBERED)
def png(text: str) -> bytes:
    drawn = io.BytesIO()
    _code(text).save(drawn, kind="png", scale=PIXELS_OF_A_MODULE, border=QUIET_MODULES, dark="#000", light="#fff")
    return drawn.getvalue()


def _code(text: str) -> Any:
    # Only a process that shows such a page pays for loading what draws it.
    import segno

    return segno.make(text, error="m", micro=False)
