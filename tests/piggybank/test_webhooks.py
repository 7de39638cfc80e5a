"""Webhooks arrive, signed, with the same id and bytes each time, whatever happens in between."""

import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from piggybank.webhooks import IN_FLIGHT_MAX, signature
from tests.piggybank.harness import WEBHOOK_SECRET, Receiver, authorization, served, until

DISPUTED = "4000000000000259"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def settings(receiver: Receiver) -> dict[str, str]:
    return {"PIGGYBANK_WEBHOOK_URL": receiver.url, "PIGGYBANK_WEBHOOK_SECRET": WEBHOOK_SECRET}


def test_a_dispute_is_told_and_signed(tmp_path: Path, receiver: Receiver) -> None:
    with served(tmp_path, **settings(receiver)) as bank:
        sale = bank.post("/v1/authorizations", authorization("disputed", number=DISPUTED))
        ((headers, body),) = receiver.wait_for(1)
        event = json.loads(body)
        assert list(event) == ["id", "type", "merchant", "created", "data"]
        assert event["type"] == "dispute.opened"
        assert event["data"]["dispute"]["authorization"] == sale["id"]
        assert event["data"]["dispute"]["reference"] == "disputed"
        stamp = headers["PiggyBank-Signature"].split(",")[0].removeprefix("t=")
        expected = hmac.new(WEBHOOK_SECRET.encode(), stamp.encode() + b"." + body, "sha256").hexdigest()
        assert headers["PiggyBank-Signature"] == f"t={stamp},v1={expected}"
        assert signature("s", 1, b"x") == f"t=1,v1={hmac.new(b's', b'1.x', 'sha256').hexdigest()}"


@pytest.mark.parametrize("status", [500, 400, 302])
def test_it_is_sent_again_until_it_is_taken(tmp_path: Path, receiver: Receiver, status: int) -> None:
    receiver.answer(status, status, 204)
    with served(tmp_path, **settings(receiver)) as bank:
        bank.post("/v1/authorizations", authorization("disputed", number=DISPUTED))
        bodies = [body for _, body in receiver.wait_for(3)]
        assert bodies[0] == bodies[1] == bodies[2]
        # Whatever comes next comes after the third: a fourth of the first would have been sent in between.
        bank.post("/v1/authorizations", authorization("another", number=DISPUTED))
        bodies = [body for _, body in receiver.wait_for(4)]
        assert json.loads(bodies[3])["data"]["dispute"]["reference"] == "another"


def test_a_restart_in_between_changes_nothing(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answer(500)
    with served(tmp_path, **settings(receiver)) as bank:
        bank.post("/v1/authorizations", authorization("disputed", number=DISPUTED))
        ((_, first),) = receiver.wait_for(1)[:1]
        bank.kill()
        seen = len(receiver.received)
        receiver.answer(200)
        bank.start()
        assert receiver.wait_for(seen + 1)[seen][1] == first
        # It is taken; and a bank that starts once more does not send it again, but only what is new.
        bank.post("/v1/authorizations", authorization("another", number=DISPUTED))
        receiver.wait_for(seen + 2)
        until(lambda: sum(entry["kind"] == "delivered" for entry in bank.journal()) == 2)
        bank.kill()
        bank.start()
        bank.post("/v1/authorizations", authorization("last", number=DISPUTED))
        bodies = [body for _, body in receiver.wait_for(seen + 3)]
        assert json.loads(bodies[seen + 2])["data"]["dispute"]["reference"] == "last"


def test_what_was_to_happen_happens_after_a_crash(tmp_path: Path, receiver: Receiver) -> None:
    with served(tmp_path, **settings(receiver)) as bank:
        bank.post("/v1/authorizations", authorization("disputed", number=DISPUTED))
        bank.kill()
        bank.start()
        assert json.loads(receiver.wait_for(1)[0][1])["data"]["dispute"]["reference"] == "disputed"


def test_a_receiver_that_is_away_is_tried_until_it_is_back(tmp_path: Path) -> None:
    away = Receiver()
    environment = settings(away)
    away.close()
    with served(tmp_path, **environment) as bank:
        bank.post("/v1/authorizations", authorization("disputed", number=DISPUTED))
        until(lambda: any(entry.get("event") for entry in bank.journal()))
        bank.kill()
        back = Receiver()
        bank.environment = settings(back)
        bank.start()
        try:
            assert json.loads(back.wait_for(1)[0][1])["type"] == "dispute.opened"
        finally:
            bank.kill()
            back.close()


def test_more_than_can_be_sent_at_once_is_sent_after_a_restart(tmp_path: Path) -> None:
    away = Receiver()
    environment = settings(away)
    away.close()
    with served(tmp_path, **environment) as bank:
        for number in range(3 * IN_FLIGHT_MAX):
            bank.post("/v1/authorizations", authorization(f"disputed-{number}", number=DISPUTED))
        until(lambda: sum("event" in entry for entry in bank.journal()) == 3 * IN_FLIGHT_MAX)
        bank.kill()
        back = Receiver()
        bank.environment = settings(back)
        bank.start()
        try:
            told = {json.loads(body)["id"] for _, body in back.wait_for(3 * IN_FLIGHT_MAX)}
            assert len(told) == 3 * IN_FLIGHT_MAX
        finally:
            bank.kill()
            back.close()
