"""Real processes: the gateway ends, as if killed, between the commits of a session that is paid by card."""

import http.client
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from bursar.kit.crash import EXIT_CRASHED
from bursar.wallets.service import DEVELOPMENT_CODE
from tests.faults.bank_journal import books_of, read_journal
from tests.faults.pair import KINDS, Pair, database_of, development_pair
from tests.payment_sessions.conftest import by_card
from tests.plain_payments.conftest import Json

POINTS = ["after_first_commit", "before_send", "after_answer_of_bank", "before_second_commit", "after_second_commit"]
PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.5
BY_CARD = by_card()


def ask(pair: Pair, method: str, path: str, body: Json | None = None, key: str | None = None) -> tuple[int, Any]:
    connection = pair.gateway.connection(timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {pair.api_key}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def answered(pair: Pair, path: str, body: Json, key: str) -> Json:
    """What a client that does not give up is told."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        status, told = ask(pair, "POST", path, body, key)
        if status == 200:
            found: Json = told
            return found
        assert status == 409, told
        time.sleep(RETRY_SECONDS)
    raise AssertionError("the payment never came to an end")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_a_session_is_paid_once_wherever_the_gateway_was_killed(tmp_path: Path, kind: str, point: str) -> None:
    with database_of(kind) as url, development_pair(tmp_path, url) as pair:
        pair.start("bank")
        pair.start("gateway", crash_at=point)
        wanted = {"amount": 2500, "currency": "usd"}
        status, session = ask(pair, "POST", f"/api/v1/txn/payment-session/{DEVELOPMENT_CODE}", wanted)
        assert status == 200, session
        trace, key = session["transactionTraceId"], str(uuid.uuid4())
        path = f"/api/v1/txn/accept-payment/{trace}"
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(pair, "POST", path, BY_CARD, key)
        assert pair.gateway.wait(PATIENCE_SECONDS) == EXIT_CRASHED
        pair.start("gateway")
        told = answered(pair, path, BY_CARD, key)
        assert (told["status"], told["transaction"]["status"]) == ("approved", "captured")
        assert answered(pair, path, BY_CARD, key) == told
        status, other = ask(pair, "POST", path, BY_CARD, str(uuid.uuid4()))
        assert (status, other["error"]["code"]) == (409, "session_paid")
        charged = [one for one in books_of(read_journal(pair)).authorisations.values() if one.is_charged]
        assert [one.net for one in charged] == [2500]
        status, listed = ask(pair, "GET", "/api/v1/txn")
        assert [(line["status"], line["totalAmount"]) for line in listed["data"]] == [("captured", 2500)]
