"""The address in a mail by which its reader ends it without signing in."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from bursar.accounts.repository import ORGANISATION_PREFIX
from bursar.notifications.rules import TOPICS
from bursar.people.repository import PREFIX as USER_PREFIX
from bursar.people.secrets import Secrets

PURPOSE = "unsubscribing by a link"
PATH = "/api/v1/notifications/unsubscribe"
PROOF_LENGTH = 32  # 128 bits in hexadecimal: with both ids it is as long as a step of a path may be


class Unsubscription(NamedTuple):
    org_id: str
    user_id: str
    topic: str


class Unsubscribing:
    """Such a link does one thing, and only for whom it was made, so it need not end."""

    def __init__(self, secrets: Secrets, public_url: str) -> None:
        self._secrets = secrets
        self._public_url = public_url.rstrip("/")

    def link(self, wanted: Unsubscription) -> str:
        organisation = wanted.org_id.removeprefix(f"{ORGANISATION_PREFIX}_")
        user = wanted.user_id.removeprefix(f"{USER_PREFIX}_")
        named = f"{organisation}.{user}.{wanted.topic}"
        return f"{self._public_url}{PATH}/{named}.{self._secrets.hash(PURPOSE, named)[:PROOF_LENGTH]}"

    def read(self, token: str) -> Unsubscription | None:
        named, _, proof = token.rpartition(".")
        known = [made[:PROOF_LENGTH].encode() for made in self._secrets.hashes(PURPOSE, named)]
        if not any(hmac.compare_digest(made, proof.encode()) for made in known):
            return None
        organisation, user, topic = named.split(".")
        if topic not in TOPICS:  # of an older version
            return None
        return Unsubscription(f"{ORGANISATION_PREFIX}_{organisation}", f"{USER_PREFIX}_{user}", topic)
