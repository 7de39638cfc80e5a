"""Where customers go after they authenticated. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

# `pending`: the bank has not said yet. Then the merchant's page must ask, and not tell an end.
RedirectStatus = Literal["succeeded", "failed", "pending"]


def return_address(return_url: str, told: Mapping[str, str]) -> str:
    """The merchant's address with more parameters; what it had already stays, its fragment too."""
    parts = urlsplit(return_url)
    query = "&".join(filter(None, (parts.query, urlencode(told))))
    return urlunsplit(parts._replace(query=query))
