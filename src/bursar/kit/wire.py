"""Facts of the wire that several layers must agree on."""

from __future__ import annotations

# The release of the official SDKs' API whose shapes `/v1` answers in.
API_VERSION = "2026-10-28.endive"
