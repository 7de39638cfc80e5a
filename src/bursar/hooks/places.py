"""Whose a message is, by the address that it was sent to."""

from __future__ import annotations

from typing import NamedTuple

from bursar.connectors.contract import BankEvent
from bursar.connectors.registry import merchant_of
from bursar.kit.ids import may_be_id
from bursar.store.columns import INSTALLATION, ORG_ID_LENGTH


class Place(NamedTuple):
    org_id: str
    livemode: int


NOBODYS = Place(INSTALLATION, 0)


def account_of(connector: str, account: str) -> Place | None:
    """Whose account this is at the connector's bank; None where it can be nobody's here."""
    try:
        org_id, livemode = merchant_of(account)
    except ValueError:
        return None
    if len(org_id) > ORG_ID_LENGTH or not may_be_id(account) or org_id == INSTALLATION:
        return None
    return Place(org_id, int(livemode))


def is_about(event: BankEvent, account: str) -> bool:
    """Whether a message names the account that it was sent to: one that was signed for another is none for this."""
    return event.merchant == account
