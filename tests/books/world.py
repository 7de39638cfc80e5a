"""A small world made by the real server and bank: a little of everything that can become of a payment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, build_opener

import stripe
from sqlalchemy import Connection

from bursar import tables  # noqa: F401 - makes them known
from bursar.books import service
from bursar.books.journal import Entry, Source, of_file
from bursar.books.service import Report
from bursar.events.audit import snapshot
from bursar.kit.clock import SystemClock
from bursar.store.engine import Engines
from tests.wire.harness import SECRET_KEY, RunningServer

ORG = "acct_bursardevelopment"
HAPPENS_SECONDS_MAX = 30.0
RETURN_URL = "https://shop.example/done"
IN_PARTS = {"card": {"request_multicapture": "if_available", "request_incremental_authorization": "if_available"}}

Json = dict[str, Any]
Corruption = Callable[[Connection], None]
Journal = list[Entry]


@dataclass
class World:
    """The ids of what is in it, and where it is kept."""

    folder: Path
    engines: Engines
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def journal_file(self) -> Path:
        return self.data / "piggybank" / "data" / "journal.jsonl"

    def journal(self) -> Journal:
        return list(of_file(self.journal_file).read())

    def verified(
        self,
        corrupt: Corruption | None = None,
        journal: Journal | None = None,
        *,
        seconds_later: float = 120,
        org_id: str | None = None,
    ) -> Report:
        """What is found after a change that nobody else ever sees; with the bank, if its journal is given."""
        source = None if journal is None else Source("a journal", lambda: iter(journal))
        now = SystemClock().now_microseconds() + int(seconds_later * 1_000_000)
        with self.engines.reading.connect() as fresh:
            connection = snapshot(fresh)
            with connection.begin() as transaction:
                if corrupt is not None:
                    corrupt(connection)
                report = service.verify(connection, now, journal=source, org_id=org_id)
                transaction.rollback()
        return report


@contextmanager
def world_in(folder: Path, database_url: str | None = None) -> Iterator[World]:
    """On SQLite, unless a database is named. The server and the bank have ended when it is there."""
    environment = {} if database_url is None else {"BURSAR_DATABASE_URL": database_url}
    engines = Engines(database_url or f"sqlite:///{folder / 'data' / 'bursar.db'}", readers=1, writers=1)
    world = World(folder, engines)
    with RunningServer(folder, environment) as server:
        _Making(world, server).run()
    try:
        yield world
    finally:
        engines.close()


class _Making:
    def __init__(self, world: World, server: RunningServer) -> None:
        self._world = world
        self._client = stripe.StripeClient(SECRET_KEY, base_addresses={"api": server.base_url}).v1

    def run(self) -> None:
        self._sales()
        self._authorisations()
        self._customers()
        self._disputes()
        self._refunds()

    def pay(self, name: str, method: str = "pm_card_visa", **params: Any) -> stripe.PaymentIntent:
        sent: Any = {"amount": 2000, "currency": "usd", "confirm": True, "payment_method": method, **params}
        intent = self._client.payment_intents.create(sent)
        self._remember(name, intent)
        return intent

    def _remember(self, name: str, intent: stripe.PaymentIntent) -> None:
        self._world.ids[name] = intent.id
        if isinstance(intent.latest_charge, str):
            self._world.ids[f"charge of {name}"] = intent.latest_charge

    def _sales(self) -> None:
        self.pay("sale")
        self.pay("sale in yen", currency="jpy", amount=700)
        try:
            self.pay("declined", "pm_card_visa_chargeDeclined")
        except stripe.CardError as declined:
            assert declined.error is not None and declined.error.payment_intent is not None
            self._remember("declined", declined.error.payment_intent)
        try:
            self.pay("second try", "pm_card_visa_chargeDeclinedInsufficientFunds")
        except stripe.CardError as declined:
            assert declined.error is not None and declined.error.payment_intent is not None
            self._remember("second try", declined.error.payment_intent)
        self._client.payment_intents.confirm(self._world.ids["second try"], {"payment_method": "pm_card_mastercard"})

    def _authorisations(self) -> None:
        intents = self._client.payment_intents
        self.pay("hold", capture_method="manual", amount=1_100)
        part = self.pay("captured in part", capture_method="manual", amount=5_000)
        intents.capture(part.id, {"amount_to_capture": 3_500})
        voided = self.pay("voided", capture_method="manual")
        intents.cancel(voided.id)
        several: Any = {"capture_method": "manual", "payment_method_options": IN_PARTS}
        raised = self.pay("raised", **several)
        intents.increment_authorization(raised.id, {"amount": 3_000})
        intents.capture(raised.id, {"amount_to_capture": 1_000, "final_capture": False})
        given_up = self.pay("given up after a part", **several)
        intents.capture(given_up.id, {"amount_to_capture": 700, "final_capture": False})
        intents.cancel(given_up.id)

    def _customers(self) -> None:
        """What waits for somebody, and what nobody ever paid."""
        for name, result in (("authenticated", b"passed"), ("not authenticated", b"failed"), ("waits", b"")):
            intent = self.pay(name, "pm_card_authenticationRequired", return_url=RETURN_URL)
            assert intent.next_action is not None and intent.next_action.redirect_to_url is not None
            if result:
                answer_page(intent.next_action.redirect_to_url.url or "", result)
        idle = self._client.payment_intents.create({"amount": 900, "currency": "eur"})
        self._client.payment_intents.update(idle.id, {"amount": 950, "payment_method": "pm_card_visa"})
        canceled = self._client.payment_intents.create({"amount": 900, "currency": "eur"})
        self._client.payment_intents.cancel(canceled.id)
        setup: Any = {"confirm": True, "payment_method": "pm_card_visa", "return_url": RETURN_URL}
        self._world.ids["setup"] = self._client.setup_intents.create(setup).id

    def _disputes(self) -> None:
        self.pay("disputed", "pm_card_createDispute")
        self.pay("won", "pm_card_createDispute")
        self.pay("asked about", "pm_card_createDisputeInquiry")
        for name in ("disputed", "won", "asked about"):
            found = self._awaited(
                lambda name=name: self._client.disputes.list({"payment_intent": self._world.ids[name]}).data  # type: ignore[misc]
            )
            self._world.ids[f"dispute of {name}"] = found[0].id
        evidence: Any = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
        won = self._client.disputes.update(self._world.ids["dispute of won"], evidence)
        self._awaited(lambda: self._client.disputes.retrieve(won.id).status == "won")

    def _refunds(self) -> None:
        methods = {
            "refunded": "pm_card_visa",
            "refunded later": "pm_card_pendingRefund",
            "not refunded": "pm_card_refundFail",
        }
        for name, method in methods.items():
            intent = self.pay(name, method)
            refund = self._client.refunds.create({"payment_intent": intent.id, "amount": 500})
            self._world.ids[f"refund of {name}"] = refund.id
        for name, status in (("refunded later", "succeeded"), ("not refunded", "failed")):
            refund_id = self._world.ids[f"refund of {name}"]
            self._awaited(
                lambda refund_id=refund_id, status=status: self._client.refunds.retrieve(refund_id).status == status  # type: ignore[misc]
            )

    @staticmethod
    def _awaited(look: Callable[[], Any]) -> Any:
        """What the bank does by itself comes by its message, and there is nothing else to wait for."""
        deadline = time.monotonic() + HAPPENS_SECONDS_MAX
        while not (found := look()):
            assert time.monotonic() < deadline, "what the bank does later was not taken in"
            time.sleep(0.1)
        return found


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def answer_page(url: str, result: bytes) -> None:
    """What the button of the bank's page sends; the shop that it leads to does not exist."""
    try:
        build_opener(_Stay).open(url, b"result=" + result, timeout=10).close()
    except HTTPError as redirect:
        assert redirect.code == 303
        redirect.close()
