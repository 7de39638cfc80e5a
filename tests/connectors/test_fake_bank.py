"""PiggyBank's connector through the contract, against a small bank in this process."""

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from bursar.connectors.registry import Registry
from tests.connectors import fake_bank
from tests.connectors.contract import SECONDS_MAX, Bench, ConnectorContract, Fault, Till, Webhook
from tests.connectors.fake_bank import API_KEY, FakeBank

SECRET = "secret of the webhooks"
NOW = 1_800_000_000
ANSWERS: dict[Fault, fake_bank.Answer] = {
    "drop_reply": fake_bank.drop_reply,
    "slow": fake_bank.never_answer,
    "refuse": fake_bank.close_untouched,
    "duplicate_reply": fake_bank.answer_twice,
    "bad_gateway": fake_bank.say(502, b"<html>bad gateway</html>"),
}
REFUND = {
    "id": "ref_9",
    "kind": "refund",
    "reference": "op_7",
    "merchant": "org_1:test",
    "status": "approved",
    "authorization": "aut_1",
    "amount": 1200,
    "currency": "usd",
}
AUTHORIZATION = {**REFUND, "id": "aut_1", "kind": "authorization", "reference": "op_1"}
DISPUTE = {
    "id": "dp_1",
    "authorization": "aut_1",
    "reference": "op_1",
    "amount": 2500,
    "currency": "usd",
    "reason": "fraudulent",
    "fee": 1500,
    "status": "open",
    "inquiry": False,
    "evidence_due": 1_801_000_000,
}


def registry_at(port: int) -> Registry:
    return Registry(f"http://127.0.0.1:{port}/", API_KEY, SECRET, SECONDS_MAX)


def signed(secret: str, body: bytes, seconds: int) -> dict[str, str]:
    signature = hmac.new(secret.encode(), str(seconds).encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"PiggyBank-Signature": f"t={seconds},v1={signature}"}


def message(kind: str, data: dict[str, Any], secret: str, seconds: int, expected: dict[str, Any]) -> Webhook:
    body = json.dumps(
        {"id": "bev_1", "type": kind, "merchant": "org_1:test", "created": seconds, "data": data}
    ).encode()
    common = {"event_id": "bev_1", "merchant": "org_1:test", "created": seconds}
    return Webhook(signed(secret, body, seconds), body, seconds, common | expected)


async def webhooks(_: Till) -> list[Webhook]:
    refund = {"operation_id": "op_7", "bank_reference": "ref_9", "amount_minor": 1200, "currency": "usd"}
    authorization = {"operation_id": "op_1", "bank_reference": "aut_1", "amount_minor": 1200}
    dispute = {
        "operation_id": "op_1",
        "bank_reference": "aut_1",
        "amount_minor": 2500,
        "reason": "fraudulent",
        "fee_minor": 1500,
    }
    warning = {"operation_id": "op_1", "bank_reference": "aut_1"}
    samples: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("refund.succeeded", {"operation": REFUND}, refund | {"kind": "refund_succeeded"}),
        ("refund.failed", {"operation": REFUND}, refund | {"kind": "refund_failed"}),
        ("authorization.approved", {"operation": AUTHORIZATION}, authorization | {"kind": "authorization_approved"}),
        ("authorization.expired", {"operation": AUTHORIZATION}, authorization | {"kind": "authorization_expired"}),
        *(
            (f"dispute.{step}", {"dispute": DISPUTE}, dispute | {"kind": f"dispute_{step}"})
            for step in ("opened", "updated", "won", "lost")
        ),
        (
            "fraud_warning.opened",
            {"fraud_warning": {**warning, "authorization": "aut_1", "reference": "op_1"}},
            warning | {"kind": "fraud_warning"},
        ),
    ]
    return [message(kind, data, SECRET, NOW, expected) for kind, data, expected in samples]


class TestFakeBank(ConnectorContract):
    @asynccontextmanager
    async def bench(self) -> AsyncGenerator[Bench]:
        async with FakeBank() as bank:

            async def set_fault(fault: Fault | None) -> None:
                bank.answer_always = None if fault is None else ANSWERS[fault]

            registry = registry_at(bank.port)
            yield Bench(registry, registry.account_for("org_1", False), set_fault, registry_at, webhooks)
