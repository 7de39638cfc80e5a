"""Many clients at one payment at once, against `bursar dev` and its bank: the money moves once."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tests.wire.harness import Answer, RunningServer

URL = "/v1/payment_intents"
SALE = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"}
RAISABLE = {"payment_method_options[card][request_incremental_authorization]": "if_available"}
AUTHORISED = SALE | RAISABLE | {"capture_method": "manual", "confirm": "true"}
REFUSALS = (400, 409)  # too late, or somebody is at it
ROUNDS = 8
Json = dict[str, Any]


def post(server: RunningServer, path: str, form: Json, key: str | None = None) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return server.raw("POST", path, body=urlencode(form).encode(), headers=headers)


def made(server: RunningServer, form: Json) -> str:
    answer = post(server, URL, form)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def intent_of(server: RunningServer, intent_id: str) -> Json:
    found: Json = server.raw("GET", f"{URL}/{intent_id}?expand[]=latest_charge").json
    return found


def at_once(requests: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """All of them start together, each on a connection of its own."""
    gate = threading.Barrier(len(requests))

    def send(request: Callable[[], Answer]) -> Answer:
        gate.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as clients:
        return list(clients.map(send, requests))


def succeeded(answers: Sequence[Answer]) -> list[Answer]:
    """Those that were carried out; every other one must have been refused as too late."""
    assert {answer.status for answer in answers} <= {200, *REFUSALS}, Counter(answer.status for answer in answers)
    return [answer for answer in answers if answer.status == 200]


def charges_of(server: RunningServer, intent_id: str) -> list[Json]:
    found: list[Json] = server.raw("GET", f"/v1/charges?payment_intent={intent_id}").json["data"]
    return found


def booked(server: RunningServer, charge_id: str) -> list[int]:
    """The amounts of its balance transactions."""
    found = server.raw("GET", f"/v1/balance_transactions?source={charge_id}").json["data"]
    return [transaction["amount"] for transaction in found]


def told(server: RunningServer, intent_id: str) -> Counter[str]:
    found = server.raw("GET", "/v1/events?limit=100").json["data"]
    return Counter(event["type"] for event in found if event["data"]["object"]["id"] == intent_id)


def test_of_fifty_captures_at_once_exactly_one_succeeds(server: RunningServer) -> None:
    waiting = made(server, AUTHORISED)
    answers = at_once([partial(post, server, f"{URL}/{waiting}/capture", {})] * 50)
    assert len(succeeded(answers)) == 1
    after = intent_of(server, waiting)
    assert (after["status"], after["amount_received"]) == ("succeeded", 2000)
    assert booked(server, after["latest_charge"]["id"]) == [2000]
    assert told(server, waiting)["payment_intent.succeeded"] == 1


def test_of_fifty_parts_at_once_no_more_is_captured_than_there_is(server: RunningServer) -> None:
    multiple = {"payment_method_options[card][request_multicapture]": "if_available"}
    waiting = made(server, AUTHORISED | multiple)
    part = {"amount_to_capture": 300, "final_capture": "false"}
    captured = 0
    while captured < 1800:
        answers = at_once([partial(post, server, f"{URL}/{waiting}/capture", part)] * 50)
        done = len(succeeded(answers)) * 300
        assert done, "one of those who come at once must get through"
        captured += done
    after = intent_of(server, waiting)
    assert (captured, after["amount_received"], after["amount_capturable"]) == (1800, 1800, 200)
    assert booked(server, after["latest_charge"]["id"]) == [300] * 6


def test_of_twenty_confirmations_at_once_one_charges_the_card(server: RunningServer) -> None:
    for _ in range(ROUNDS):
        waiting = made(server, {**SALE})
        answers = at_once([partial(post, server, f"{URL}/{waiting}/confirm", {})] * 20)
        assert len(succeeded(answers)) == 1
        assert [charge["amount_captured"] for charge in charges_of(server, waiting)] == [2000]
        assert intent_of(server, waiting)["status"] == "succeeded"


def test_one_key_from_fifty_clients_makes_one_payment_and_one_answer(server: RunningServer) -> None:
    form = SALE | {"confirm": "true", "metadata[key]": "shared"}
    answers = at_once([partial(post, server, URL, form, "one-key-from-fifty")] * 50)
    bodies = {answer.body for answer in succeeded(answers)}
    assert len(bodies) == 1
    assert {answer.status for answer in answers} <= {200, 409}
    again = post(server, URL, form, "one-key-from-fifty")
    assert again.body in bodies
    assert again.headers["Idempotent-Replayed"] == "true"
    intent_id = json.loads(bodies.pop())["id"]
    assert len(charges_of(server, intent_id)) == 1


def test_of_a_cancellation_and_a_capture_at_once_one_wins_and_the_books_agree(server: RunningServer) -> None:
    ends: Counter[str] = Counter()
    for number in range(ROUNDS):
        waiting = made(server, AUTHORISED)
        acts = [partial(post, server, f"{URL}/{waiting}/capture", {})]
        acts.insert(number % 2, partial(post, server, f"{URL}/{waiting}/cancel", {}))
        assert len(succeeded(at_once(acts))) == 1
        after = intent_of(server, waiting)
        charge = after["latest_charge"]
        ends[after["status"]] += 1
        if after["status"] == "succeeded":
            assert (after["amount_received"], charge["amount_captured"], charge["refunded"]) == (2000, 2000, False)
            assert booked(server, charge["id"]) == [2000]
        else:
            assert (after["status"], after["amount_received"]) == ("canceled", 0)
            assert (charge["amount_captured"], charge["refunded"]) == (0, True)
            assert booked(server, charge["id"]) == []
        assert after["amount_capturable"] == 0
    assert sum(ends.values()) == ROUNDS


def test_an_authorisation_that_is_raised_and_captured_at_once_has_one_amount(server: RunningServer) -> None:
    for _ in range(ROUNDS):
        waiting = made(server, AUTHORISED)
        raised, captured = at_once(
            [
                partial(post, server, f"{URL}/{waiting}/increment_authorization", {"amount": 3000}),
                partial(post, server, f"{URL}/{waiting}/capture", {}),
            ]
        )
        after = intent_of(server, waiting)
        assert succeeded([raised, captured])
        if captured.status == 200:
            # The whole of it, whichever was first.
            amount = 3000 if raised.status == 200 else 2000
            assert (after["status"], after["amount_received"]) == ("succeeded", amount)
            assert booked(server, after["latest_charge"]["id"]) == [amount]
        else:
            assert (after["status"], after["amount_capturable"]) == ("requires_capture", 3000)


def test_afterwards_the_books_and_the_journal_of_the_bank_agree(server: RunningServer) -> None:
    """Of all that the tests here have done."""
    server.command("books", "verify")
