"""Text messages and pushes, by apprise: an optional part, loaded on first use."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import warnings
from typing import Any
from urllib.parse import quote

from bursar.notifications.smtp import NotNow, Refused

SEND_SECONDS_MAX = 30
RECIPIENT = "{to}"
# Services at addresses that are known. Those that let an organisation name any host could reach what is inside the
# installation's network, so whoever runs it must name them in its settings.
SCHEMES = frozenset(
    {
        "aprs", "burstsms", "clickatell", "clicksend", "d7sms", "discord", "fcm", "flock", "gchat", "kavenegar",
        "msg91", "msgbird", "msteams", "nexmo", "onesignal", "pagerduty", "pbul", "plivo", "popcorn", "pover",
        "sinch", "slack", "sns", "tgram", "twilio", "vonage", "webexteams", "zulip",
    }
)  # fmt: skip
_SCHEME = re.compile(r"([a-z0-9]{2,20})://.+", re.DOTALL)


def scheme_of(url: str) -> str | None:
    found = _SCHEME.fullmatch(url)
    return found.group(1) if found and url.isprintable() else None


def is_installed() -> bool:
    return importlib.util.find_spec("apprise") is not None


async def is_understood(url: str) -> bool:
    """Whether apprise knows what to do with it. Asks nobody."""
    tried = url.replace(RECIPIENT, quote("+15005550006"))
    apprise = await _loaded()
    return apprise.Apprise.instantiate(tried, suppress_exceptions=True) is not None


async def _loaded() -> Any:
    """It loads a hundred services at once, so not while everybody waits."""
    return await asyncio.to_thread(_load)


def _load() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, of what it does for other Pythons
        import apprise

        apprise.Apprise.instantiate("json://localhost")  # the services themselves are loaded with the first
    return apprise


class PushTransport:
    """`send` raises NotNow or Refused, or the service has taken it."""

    async def send(self, url: str, title: str, body: str) -> None:
        if not is_installed():
            raise NotNow("apprise is not installed: install bursar[notifications].")
        service = (await _loaded()).Apprise()
        if not service.add(url):
            raise Refused("The target's address is not understood.")
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                taken = await service.async_notify(body=body, title=title)
        except TimeoutError:
            raise NotNow("The service did not answer in time.") from None
        # What it logs may name the address with its credentials, so no more is told than that.
        if not taken:
            raise NotNow("The service did not take it.")
