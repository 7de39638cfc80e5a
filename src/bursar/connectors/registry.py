"""The connectors of this process: the only place that knows them by name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from bursar.connectors.call import TOTAL_SECONDS_MAX, Caller
from bursar.connectors.contract import (
    Account,
    Authorize,
    Capture,
    Complete,
    Connector,
    Increment,
    Inquire,
    Order,
    Outcome,
    Refund,
    Void,
)
from bursar.connectors.piggybank import NAME as PIGGYBANK
from bursar.connectors.piggybank import PiggyBank
from bursar.connectors.wire import Address, check_headers
from bursar.kit.errors import BursarError

Verb = Callable[[Any], Coroutine[Any, Any, Outcome]]


class NoAcquirer(BursarError):
    """Nobody is there who would take a payment. The message names the remedy."""


class UnknownConnector(BursarError):
    """No connector of this name is set up here."""


class AcquirerMisconfigured(BursarError):
    """The settings of an acquirer cannot be right. The message names the setting, never its value."""


class Registry:
    """Nothing is connected before the first order."""

    def __init__(
        self,
        piggybank_url: str | None = None,
        piggybank_api_key: str | None = None,
        piggybank_webhook_secret: str | None = None,
        total_seconds_max: float = TOTAL_SECONDS_MAX,
    ) -> None:
        self._caller = Caller()
        self._connectors: dict[str, Connector] = {}
        self._verbs: dict[str, dict[type, Verb]] = {}
        if piggybank_url is not None:
            _check(piggybank_url, piggybank_api_key)
            self._add(
                PiggyBank(
                    self._caller,
                    piggybank_url,
                    piggybank_api_key or "",
                    piggybank_webhook_secret or "",
                    total_seconds_max,
                )
            )

    def account_for(self, org_id: str, livemode: bool) -> Account:
        """The account that the organisation's payments go to. Raises NoAcquirer."""
        if PIGGYBANK not in self._connectors:
            raise NoAcquirer(
                "No acquirer is set up, so no payment can be taken. Set BURSAR_PIGGYBANK_URL and "
                "BURSAR_PIGGYBANK_API_KEY, or start with `bursar dev`, which brings a bank with it."
            )
        return Account(connector=PIGGYBANK, merchant=f"{org_id}:{'live' if livemode else 'test'}")

    def connector(self, name: str) -> Connector:
        """Raises UnknownConnector."""
        if name not in self._connectors:
            raise UnknownConnector(f"No connector {name!r} is set up.")
        return self._connectors[name]

    async def carry_out(self, order: Order) -> Outcome:
        """Whatever happens on the way is an outcome; only a connector that is not set up raises."""
        verbs = self._verbs.get(order.account.connector)
        if verbs is None:
            raise UnknownConnector(f"No connector {order.account.connector!r} is set up.")
        return await verbs[type(order)](order)

    async def close(self) -> None:
        """From the event loop that carried the orders out."""
        for connector in self._connectors.values():
            await connector.close()
        await self._caller.close()

    def _add(self, connector: Connector) -> None:
        self._connectors[connector.name] = connector
        self._verbs[connector.name] = {
            Authorize: connector.authorize,
            Complete: connector.complete,
            Capture: connector.capture,
            Increment: connector.increment,
            Void: connector.void,
            Refund: connector.refund,
            Inquire: connector.inquire,
        }


def merchant_of(merchant: str) -> tuple[str, bool]:
    """The organisation and the mode that an account's merchant text stands for. Raises ValueError."""
    org_id, separator, mode = merchant.rpartition(":")
    if not separator or not org_id or mode not in ("test", "live"):
        raise ValueError("not a merchant of ours")
    return org_id, mode == "live"


def _check(piggybank_url: str, piggybank_api_key: str | None) -> None:
    try:
        Address(piggybank_url)
        parts = urlsplit(piggybank_url)
        is_right = not (parts.query or parts.fragment or parts.username)
    except ValueError:
        is_right = False
    if not is_right:
        raise AcquirerMisconfigured(
            "BURSAR_PIGGYBANK_URL is not an address such as http://127.0.0.1:8430, without credentials or a query."
        )
    if not piggybank_api_key:
        raise AcquirerMisconfigured("BURSAR_PIGGYBANK_URL is set, but BURSAR_PIGGYBANK_API_KEY is not.")
    try:
        check_headers({"Authorization": piggybank_api_key})
    except ValueError:
        raise AcquirerMisconfigured(
            "BURSAR_PIGGYBANK_API_KEY has characters that no key has, such as a line end or an umlaut."
        ) from None
