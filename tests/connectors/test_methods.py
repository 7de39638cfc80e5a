"""UPI, banks' pages and wallets through PiggyBank's connector, against the bank in a process of its own."""

import asyncio
import http.client
import itertools
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from bursar.connectors import declines
from bursar.connectors.contract import (
    Authorize,
    BankEvent,
    CustomerWallet,
    Inquire,
    Method,
    NetBanking,
    Outcome,
    QrCode,
    Redirect,
    Refund,
    UpiCollect,
    UpiIntent,
    Void,
    WaitForCustomer,
    read_outcome,
)
from bursar.connectors.registry import Registry
from piggybank_cards import methods
from tests.piggybank.harness import API_KEY, WEBHOOK_SECRET, BankServer, Receiver, served

CONNECTOR = "piggybank"
RETURN_URL = "https://bursar.example/return?place=1"
AMOUNT = 20_000
NUMBERS = itertools.count()
# Of the bank's words where the connector says something else.
WAITING = UpiCollect(vpa="anna@piggybank")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def bank(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankServer]:
    settings = {"PIGGYBANK_WEBHOOK_URL": receiver.url, "PIGGYBANK_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with served(tmp_path_factory.mktemp("bank"), **settings) as bank:
        yield bank


class Till:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.account = registry.account_for("org_1", False)

    def order(self, method: Method, **changes: Any) -> Authorize:
        order = Authorize(
            operation_id=f"op_{next(NUMBERS)}",
            account=self.account,
            amount_minor=AMOUNT,
            currency="inr",
            method=method,
            return_url=RETURN_URL,
        )
        return msgspec.structs.replace(order, **changes)

    async def pay(self, method: Method, **changes: Any) -> tuple[Authorize, Outcome]:
        order = self.order(method, **changes)
        return order, await self.registry.carry_out(order)

    async def ask(self, order: Authorize) -> Outcome:
        return await self.registry.carry_out(Inquire(operation_id=order.operation_id, account=self.account))

    async def reverse(self, order: Authorize) -> Outcome:
        void = Void(operation_id=f"op_{next(NUMBERS)}", account=self.account, reverses=order.operation_id)
        return await self.registry.carry_out(void)

    async def refund(self, outcome: Outcome, amount_minor: int) -> Outcome:
        order = Refund(
            operation_id=f"op_{next(NUMBERS)}",
            account=self.account,
            bank_reference=outcome.bank_reference or "",
            amount_minor=amount_minor,
            currency="inr",
        )
        return await self.registry.carry_out(order)


def run(bank: BankServer, scenario: Callable[[Till], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        registry = Registry(f"http://127.0.0.1:{bank.port}", API_KEY, WEBHOOK_SECRET)
        try:
            await scenario(Till(registry))
        finally:
            await registry.close()

    asyncio.run(whole())


def act(bank: BankServer, order: Authorize, outcome: Outcome, what: str) -> None:
    body = {"merchant": order.account.merchant, "act": what}
    bank.post(f"/v1/authorizations/{outcome.bank_reference}/customer", body)


def told(till: Till, receiver: Receiver, order: Authorize, kind: str) -> BankEvent:
    """Waits for this message about this order, and reads it as the connector does."""
    reader, seen = till.registry.connector(CONNECTOR), 0
    while True:
        for headers, body in receiver.wait_for(seen + 1)[seen:]:
            seen += 1
            created = int(headers["PiggyBank-Signature"].split(",")[0].removeprefix("t="))
            (event,) = reader.read_webhook(headers, body, created)
            if (event.operation_id, event.kind) == (order.operation_id, kind):
                return event


def test_a_link_is_shown_until_it_was_paid(bank: BankServer, receiver: Receiver) -> None:
    async def scenario(till: Till) -> None:
        order, asked = await till.pay(UpiIntent(), expires_after_seconds=120, descriptor="Books")
        assert (asked.kind, asked.operation, asked.amount_minor) == ("action_required", "authorize", AMOUNT)
        assert isinstance(asked.action, QrCode)
        assert asked.action.text.startswith("upi://pay?pa=")
        assert "am=200.00&cu=INR" in asked.action.text
        assert asked.action.expires_at == asked.raw["created"] + 120
        assert await till.ask(order) == asked == await till.registry.carry_out(order)
        act(bank, order, asked, "approve")
        paid = await till.ask(order)
        assert (paid.kind, paid.action, paid.fee_minor) == ("succeeded", None, 0)
        assert paid.bank_reference == asked.bank_reference
        event = told(till, receiver, order, "authorization_approved")
        assert (event.bank_reference, event.amount_minor, event.currency) == (asked.bank_reference, AMOUNT, "inr")
        assert (await till.refund(paid, 500)).kind == "pending"

    run(bank, scenario)


def test_a_bank_page_is_gone_to_and_asked_about(bank: BankServer, receiver: Receiver) -> None:
    async def scenario(till: Till) -> None:
        order, asked = await till.pay(NetBanking(bank_code="HDFC", account="123456789012"))
        assert isinstance(asked.action, Redirect)
        assert asked.action.url is not None
        assert asked.action.expires_at == asked.raw["created"] + 900
        assert "123456789012" not in repr(order) + repr(asked)
        location = await asyncio.to_thread(submit, bank, asked.action.url, "approve")
        assert location.startswith(f"{RETURN_URL}&piggybank_operation=")
        reader, now = till.registry.connector(CONNECTOR), asked.raw["created"]
        back = reader.read_return(urlsplit(location).query, now)
        assert (back.operation_id, back.bank_reference, back.status) == (
            order.operation_id,
            asked.bank_reference,
            "succeeded",
        )
        paid = await till.ask(order)
        assert (paid.kind, paid.fee_minor) == ("succeeded", 300)
        assert (await till.refund(paid, 500)).kind == "succeeded"
        assert told(till, receiver, order, "authorization_approved").fee_minor == 300

    run(bank, scenario)


def submit(bank: BankServer, url: str, what: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", bank.port, timeout=20)
    try:
        connection.request("POST", urlsplit(url).path, f"act={what}")
        return str(connection.getresponse().getheader("Location"))
    finally:
        connection.close()


@pytest.mark.parametrize("row", methods.table().upi, ids=lambda row: row.vpa)
def test_every_address_ends_in_an_outcome_of_the_contract(
    bank: BankServer, receiver: Receiver, row: methods.TestAddress
) -> None:
    async def scenario(till: Till) -> None:
        order, asked = await till.pay(UpiCollect(vpa=row.vpa), expires_after_seconds=1)
        if row.act == "refuse":
            assert asked.decline is not None
            assert (asked.kind, asked.decline.code, asked.decline.raw_code) == ("declined", "vpa_unknown", "ZH")
            return
        assert asked.kind == "action_required"
        assert asked.action == WaitForCustomer(expires_at=asked.raw["created"] + 1)
        approved = row.act in ("approve", "late") or (row.act == "defer" and row.decline is None)
        kind = "authorization_approved" if approved else "authorization_declined"
        event = await asyncio.to_thread(told, till, receiver, order, kind)
        ended = await till.ask(order)
        assert ended.kind == ("succeeded" if approved else "declined")
        if not approved:
            assert ended.decline is not None
            assert ended.decline.code == event.reason == (row.decline or "upi_expired")
            assert declines.find_by_upi_code(ended.decline.raw_code).code == ended.decline.code
            assert declines.find(ended.decline.code).without_card().decline_code is None

    run(bank, scenario)


def test_what_the_bank_does_not_know_yet_is_pending(bank: BankServer, receiver: Receiver) -> None:
    async def scenario(till: Till) -> None:
        for method in (WAITING, NetBanking(bank_code="LATE")):
            order, asked = await till.pay(method)
            act(bank, order, asked, "defer")
            unknown = await till.ask(order)
            assert (unknown.kind, unknown.action, unknown.decline) == ("pending", None, None)
            await asyncio.to_thread(told, till, receiver, order, "authorization_approved")
            assert (await till.ask(order)).kind == "succeeded"

    run(bank, scenario)


def test_the_customer_says_no(bank: BankServer) -> None:
    async def scenario(till: Till) -> None:
        for method, code, raw in (
            (UpiIntent(), "upi_declined", "ZA"),
            (NetBanking(bank_code="DEMO"), "bank_cancelled", "17"),
        ):
            order, asked = await till.pay(method)
            act(bank, order, asked, "decline")
            ended = await till.ask(order)
            assert (ended.kind, ended.decline and ended.decline.code) == ("declined", code)
            assert ended.decline is not None
            assert ended.decline.raw_code == raw

    run(bank, scenario)


@pytest.mark.parametrize("row", methods.table().wallets, ids=lambda row: row.id)
def test_a_wallet_decides_at_once(bank: BankServer, row: methods.TestWallet) -> None:
    async def scenario(till: Till) -> None:
        order, paid = await till.pay(CustomerWallet(wallet_id=row.id))
        assert paid == await till.ask(order)
        if row.decline is None:
            assert (paid.kind, paid.amount_minor, paid.fee_minor) == ("succeeded", AMOUNT, 300)
        else:
            assert (paid.kind, paid.decline and paid.decline.code) == ("declined", row.decline)

    run(bank, scenario)


def test_what_is_reversed_while_it_waits_does_not_stand(bank: BankServer) -> None:
    async def scenario(till: Till) -> None:
        for method in (WAITING, UpiIntent(), NetBanking(bank_code="HDFC")):
            order, asked = await till.pay(method)
            assert (await till.reverse(order)).kind == "succeeded"
            found = await till.ask(order)
            assert (found.kind, found.reversed, found.action) == ("declined", True, None)
            order, asked = await till.pay(method)
            void = Void(operation_id=f"op_{next(NUMBERS)}", account=till.account, bank_reference=asked.bank_reference)
            assert (await till.registry.carry_out(void)).kind == "succeeded"
            assert (await till.ask(order)).kind == "declined"
        late = till.order(WAITING)
        assert (await till.reverse(late)).kind == "succeeded"
        outcome = await till.registry.carry_out(late)
        assert (outcome.kind, outcome.decline and outcome.decline.code) == ("declined", "duplicate")

    run(bank, scenario)


def test_a_success_that_comes_after_its_reversal_is_told(bank: BankServer, receiver: Receiver) -> None:
    async def scenario(till: Till) -> None:
        order, asked = await till.pay(NetBanking(bank_code="LATE"))
        act(bank, order, asked, "approve")
        assert (await till.reverse(order)).kind == "succeeded"
        event = await asyncio.to_thread(told, till, receiver, order, "authorization_approved")
        assert event.bank_reference == asked.bank_reference
        found = await till.ask(order)
        assert (found.kind, found.reversed) == ("succeeded", False)
        assert (await till.reverse(order)).kind == "succeeded"
        assert (await till.ask(order)).reversed

    run(bank, scenario)


def test_a_lost_answer_is_found_with_its_action(bank: BankServer) -> None:
    async def scenario(till: Till) -> None:
        ways: list[Method] = [
            WAITING,
            UpiIntent(),
            NetBanking(bank_code="HDFC"),
            CustomerWallet(wallet_id="pw_success"),
        ]
        bank.set_faults(drop_reply=1)
        orders = [till.order(method) for method in ways]
        for order in orders:
            assert (await till.registry.carry_out(order)).kind == "unknown"
        bank.set_faults()
        kinds = [(await till.ask(order)).kind for order in orders]
        assert kinds == ["action_required"] * 3 + ["succeeded"]
        for order in orders:
            assert await till.registry.carry_out(order) == await till.ask(order)
            other = msgspec.structs.replace(order, amount_minor=AMOUNT + 1)
            assert (await till.registry.carry_out(other)).kind == "unknown", "another order under the same id"

    try:
        run(bank, scenario)
    finally:
        bank.set_faults()


@pytest.mark.parametrize(
    ("method", "changes", "code"),
    [
        (UpiCollect(vpa="nobody"), {}, "vpa_unknown"),
        (UpiIntent(), {"currency": "usd"}, "invalid_transaction"),
        (UpiIntent(), {"amount_minor": 0}, "invalid_amount"),
        (UpiIntent(), {"capture": False}, "invalid_transaction"),
        (NetBanking(bank_code="NONE"), {}, "invalid_transaction"),
        (CustomerWallet(wallet_id="pw/../x"), {}, "wallet_unknown"),
    ],
    ids=str,
)
def test_what_the_bank_refuses_is_a_decline(bank: BankServer, method: Method, changes: Any, code: str) -> None:
    async def scenario(till: Till) -> None:
        order, refused = await till.pay(method, **changes)
        assert (refused.kind, refused.decline and refused.decline.code) == ("declined", code)
        assert refused.raw["error"]["field"]
        assert (await till.ask(order)).kind == "absent"

    run(bank, scenario)


@pytest.mark.parametrize(
    "action",
    [None, Redirect(), Redirect(url="https://bank.example", expires_at=7), QrCode(text="upi://pay", expires_at=7),
     WaitForCustomer(expires_at=7)],
)  # fmt: skip
def test_an_outcome_is_read_as_it_was_written(action: Any) -> None:
    outcome = Outcome(kind="action_required", action=action)
    assert read_outcome(msgspec.json.encode(outcome).decode()) == outcome


def test_an_outcome_from_before_there_were_other_actions_is_read() -> None:
    written = {"kind": "action_required", "action": {"url": None}, "checks": {"cvc": "pass"}}
    outcome = read_outcome(json.dumps(written))
    assert (outcome.action, outcome.checks.cvc) == (Redirect(), "pass")
    bad: list[dict[str, Any]] = [{"kind": "x", "action": {"url": None}}, {"kind": "pending", "action": {"type": "x"}}]
    for each in bad:
        with pytest.raises(msgspec.ValidationError):
            read_outcome(json.dumps(each))
