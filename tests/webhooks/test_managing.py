"""What `/api/v1` offers of webhooks, asked as people and programs ask it, with a worker that delivers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bursar.webhooks.addresses import Guard
from bursar.webhooks.resolving import look_up
from bursar.webhooks.rules import Pace
from bursar.webhooks.worker import WebhookWorker
from tests.control.house import House, Merchant, standing
from tests.ports import nobodys_port
from tests.webhooks.certificates import new_authority
from tests.webhooks.receivers import (
    OK,
    Behaviour,
    Receiver,
    answering,
    endless,
    endless_head,
    hanging,
    receiving,
    resetting,
    status,
)
from tests.webhooks.world import hasty

ENDPOINTS, DELIVERIES = "/api/v1/webhook-endpoints", "/api/v1/webhook-deliveries"
NOBODY = "http://localhost:1025/"
SECONDS_MAX = 60.0
PACE = hasty()
# Names that lead outside, but not only.
NAMES = {"mixed.example": ["93.184.215.14", "10.1.2.3"], "inside.example": ["169.254.169.254"]}
T = TypeVar("T")
Json = dict[str, Any]


async def resolve(host: str, port: int) -> Sequence[str]:
    return NAMES[host] if host in NAMES else look_up(host, port)


@dataclass
class Office:
    """A house with a worker and receivers, all on its one event loop."""

    house: House
    stack: AsyncExitStack

    def wait(self, awaitable: Awaitable[T]) -> T:
        async def waiting() -> T:
            async with asyncio.timeout(SECONDS_MAX):
                return await awaitable

        return self.house.runner.run(waiting())

    def receiver(self, behaviour: Behaviour | None = None, tls: Any = None) -> Receiver:
        return self.wait(self.stack.enter_async_context(receiving(behaviour, tls)))

    def received(self, receiver: Receiver, count: int) -> list[Any]:
        return self.wait(receiver.until_received(count, SECONDS_MAX))

    def happens(self, merchant: Merchant, count: int = 1) -> list[str]:
        """Customers; their ids."""
        made = [self.house.call("POST", "/v1/customers", merchant.secret_key, {"name": "Ada"}) for _ in range(count)]
        return [reply.json["id"] for reply in made]

    def deliveries(self, merchant: Merchant, query: str = "", *, until: int | None = None) -> list[Json]:
        """As they are; or once so many are listed."""
        for _ in range(int(SECONDS_MAX / 0.05)):
            found: list[Json] = merchant.done("GET", f"{DELIVERIES}{query}")["data"]
            if until is None or len(found) == until:
                return found
            self.wait(asyncio.sleep(0.05))
        raise AssertionError(f"{len(found)} deliveries instead of {until}: {found}")


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with working_office(PACE) as office:
        yield office


@contextmanager
def working_office(pace: Pace) -> Iterator[Office]:
    with standing() as house:
        runtime, stack = house.runtime, AsyncExitStack()

        async def start() -> asyncio.Task[None]:
            guard = Guard(resolve, allow_loopback=True)
            worker = WebhookWorker(runtime.store, runtime.clock, runtime.webhooks.secrets, guard, pace)
            return asyncio.create_task(worker.run())

        async def stop(task: asyncio.Task[None]) -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await stack.aclose()

        task = house.runner.run(start())
        try:
            yield Office(house, stack)
        finally:
            house.runner.run(stop(task))


@pytest.fixture
def merchant(office: Office) -> Merchant:
    return office.house.merchant("Shop")


def listening(merchant: Merchant, url: str, *events: str, **more: Any) -> Json:
    wish = {"url": url, "enabled_events": list(events or ["customer.*"]), **more}
    made: Json = merchant.done("POST", ENDPOINTS, wish)
    return made


def at(endpoint: Json, what: str = "") -> str:
    return f"{ENDPOINTS}/{endpoint['id']}{what}"


def test_an_endpoint_is_made_changed_shown_and_deleted(merchant: Merchant) -> None:
    made = listening(merchant, NOBODY, "*", description="The shop's", metadata={"till": "1"}, api_version="2025-03-31")
    assert made["secret"].startswith("whsec_")
    shown = merchant.done("GET", at(made))
    assert shown == {**made, "secret": None}
    expected = {"status": "enabled", "paused": False, "failing_since": None, "disabled_reason": None}
    assert shown.items() >= expected.items()
    changed = merchant.done("PUT", at(made), {"enabled_events": ["charge.*"], "metadata": {"till": "", "shop": "2"}})
    assert (changed["enabled_events"], changed["metadata"]) == (["charge.*"], {"shop": "2"})
    other = listening(merchant, NOBODY)
    assert [one["id"] for one in merchant.done("GET", ENDPOINTS)["data"]] == [other["id"], made["id"]]
    page = merchant.done("GET", f"{ENDPOINTS}?limit=1&starting_after={other['id']}")
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([made["id"]], False)
    disabled = merchant.done("PUT", at(made), {"disabled": True})
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "requested")
    assert merchant.call("POST", at(made, "/test")).error["code"] == "webhook_endpoint_disabled"
    enabled = merchant.done("PUT", at(made), {"disabled": False})
    assert (enabled["status"], enabled["disabled_at"]) == ("enabled", None)
    assert merchant.done("DELETE", at(made))["deleted"] is True
    assert merchant.call("GET", at(made)).status == 404
    assert [one["id"] for one in merchant.done("GET", ENDPOINTS)["data"]] == [other["id"]]


def test_a_secret_is_rolled_with_an_overlap_by_who_has_just_proved_who_they_are(
    office: Office, merchant: Merchant
) -> None:
    receiver = office.receiver()
    endpoint = listening(merchant, receiver.url)
    rolled = merchant.done("POST", at(endpoint, "/rotate"), {"overlap_hours": 2})
    assert rolled["secret"] not in (None, endpoint["secret"])
    assert 7_000 < rolled["previous_secret_until"] - rolled["created"] < 8_000
    both = signed_by(office, merchant, receiver, rolled["secret"])
    Webhook(endpoint["secret"]).verify(both.body, both.headers)
    ended = merchant.done("POST", at(endpoint, "/rotate"), {"overlap_hours": 0})
    assert ended["previous_secret_until"] is None
    one = signed_by(office, merchant, receiver, ended["secret"])
    with pytest.raises(WebhookVerificationError):
        Webhook(rolled["secret"]).verify(one.body, one.headers)
    long_ago = office.house.person(merchant.org_id, proved_at=0)
    refused = office.house.call("POST", at(endpoint, "/rotate"), long_ago, {})
    assert (refused.status, refused.error["code"]) == (403, "step_up_required")


def signed_by(office: Office, merchant: Merchant, receiver: Receiver, secret: str) -> Any:
    """The worker learns of a change a moment later; until then, what comes is signed as before."""
    for _ in range(100):
        office.happens(merchant)
        last = office.received(receiver, len(receiver.received) + 1)[-1]
        with suppress(WebhookVerificationError):
            Webhook(secret).verify(last.body, last.headers)
            return last
    raise AssertionError("the secret was not changed")


def test_what_happens_in_a_pause_waits_and_comes_afterwards(office: Office, merchant: Merchant) -> None:
    receiver = office.receiver()
    endpoint = listening(merchant, receiver.url)
    assert merchant.done("POST", at(endpoint, "/pause"))["paused"] is True
    office.happens(merchant, 3)
    waiting = office.deliveries(merchant, "?status=pending", until=3)
    assert [(one["tries"], one["finished"]) for one in waiting] == [(0, None)] * 3
    assert receiver.received == []
    assert merchant.done("POST", at(endpoint, "/resume"))["paused"] is False
    office.received(receiver, 3)
    office.deliveries(merchant, "?status=delivered", until=3)


def test_each_try_is_shown_with_its_status_its_answer_and_how_long_it_took(office: Office, merchant: Merchant) -> None:
    receiver = office.receiver(answering(status(503, body="come back later"), OK))
    endpoint = listening(merchant, receiver.url)
    (customer,) = office.happens(merchant)
    (listed,) = office.deliveries(merchant, "?status=delivered", until=1)
    shown = merchant.done("GET", f"{DELIVERIES}/{listed['id']}")
    assert shown.items() >= listed.items()
    assert (shown["endpoint"], shown["tries"], shown["last_status_code"]) == (endpoint["id"], 2, 200)
    assert (shown["event_type"], shown["next_try"], shown["last_error"]) == ("customer.created", None, None)
    attempts = [(one["number"], one["status_code"], one["error"], one["answer"]) for one in shown["attempts"]]
    assert attempts == [(1, 503, "status", "come back later"), (2, 200, None, "ok")]
    assert all(0 <= one["latency_milliseconds"] < 1_000 * SECONDS_MAX for one in shown["attempts"])
    assert all(one["started"] >= endpoint["created"] for one in shown["attempts"])
    assert shown["request_body"].encode() == receiver.received[0].body
    assert json.loads(shown["request_body"])["data"]["object"]["id"] == customer
    again = merchant.done("POST", f"{DELIVERIES}/{listed['id']}/resend")
    assert (again["status"], again["tries"]) == ("pending", 2)
    office.received(receiver, 3)
    assert len({one.body for one in receiver.received}) == 1


def test_dead_letters_are_found_and_replayed_by_range(office: Office, merchant: Merchant) -> None:
    behaviours = {"now": status(500)}

    async def behave(_received: object, writer: asyncio.StreamWriter) -> bool:
        writer.write(behaviours["now"])
        return True

    broken, healthy = office.receiver(behave), office.receiver()
    endpoint, other = listening(merchant, broken.url), listening(merchant, healthy.url)
    office.happens(merchant, 4)
    dead = office.deliveries(merchant, "?status=dead", until=4)
    assert {(one["endpoint"], one["last_status_code"]) for one in dead} == {(endpoint["id"], 500)}
    assert office.deliveries(merchant, f"?status=dead&endpoint={other['id']}") == []
    assert len(office.deliveries(merchant, f"?endpoint={other['id']}")) == 4
    events = [one["event"] for one in dead]
    assert events == sorted(events, reverse=True), "newest first"
    page = merchant.done("GET", f"{DELIVERIES}?status=dead&limit=3&starting_after={dead[0]['id']}")
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([one["id"] for one in dead[1:]], False)
    assert merchant.done("GET", at(endpoint))["failing_since"] is not None

    behaviours["now"] = OK
    before = len(broken.received)
    wish: Json = {"created": {"gte": 0}, "status": "dead", "limit": 3}
    first = merchant.done("POST", at(endpoint, "/replay"), wish)
    assert (first["replayed"], first["has_more"], first["next"]) == (3, True, events[1])
    rest = merchant.done("POST", at(endpoint, "/replay"), {**wish, "after": first["next"]})
    assert (rest["replayed"], rest["has_more"], rest["next"]) == (1, False, None)
    office.received(broken, before + 4)
    office.deliveries(merchant, "?status=delivered", until=8)
    assert len(healthy.received) == 4
    for params in ({"created": {"gte": 0, "lt": 1_000}}, {"created": {"gte": 0}, "types": ["refund.*"]}):
        assert merchant.done("POST", at(endpoint, "/replay"), params)["replayed"] == 0
    assert merchant.done("GET", at(endpoint))["failing_since"] is None


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        (endless, ("delivered", 200, None)),
        (resetting, ("dead", None, "connection_lost")),
        (endless_head, ("dead", None, "answer_too_large")),
        (answering(status(302, "Location: http://169.254.169.254/")), ("dead", 302, "redirect")),
        (answering(b"220 mail.example ESMTP\r\n", stays=False), ("dead", None, "not_http")),
    ],
    ids=["gigabytes", "resets", "an endless head", "redirects", "no HTTP"],
)
def test_a_bad_receiver_has_a_clear_state(
    office: Office, merchant: Merchant, behaviour: Behaviour, shown: tuple[str, int | None, str | None]
) -> None:
    listening(merchant, office.receiver(behaviour).url)
    office.happens(merchant)
    assert ended(office, merchant) == shown


def test_a_receiver_that_never_answers_has_a_clear_state() -> None:
    with working_office(hasty(total_seconds_max=0.5)) as office:
        merchant = office.house.merchant("Shop")
        listening(merchant, office.receiver(hanging).url)
        office.happens(merchant)
        assert ended(office, merchant) == ("dead", None, "timeout")


def test_where_nobody_listens_has_a_clear_state(office: Office, merchant: Merchant) -> None:
    with nobodys_port() as port:
        listening(merchant, f"http://127.0.0.1:{port}/")
        office.happens(merchant)
        assert ended(office, merchant) == ("dead", None, "connection_refused")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://mixed.example/", "address_refused"),
        ("https://inside.example/", "address_refused"),
        ("https://nobody.invalid/", "name_unknown"),
    ],
    ids=["mixed answers", "leads inside", "no such name"],
)
def test_an_address_that_leads_nowhere_has_a_clear_state(
    office: Office, merchant: Merchant, url: str, error: str
) -> None:
    listening(merchant, url)
    office.happens(merchant)
    assert ended(office, merchant) == ("dead", None, error)


def test_a_bad_certificate_has_a_clear_state(office: Office, merchant: Merchant, tmp_path: Path) -> None:
    receiver = office.receiver(tls=new_authority(tmp_path).server("localhost"))
    listening(merchant, receiver.url)
    office.happens(merchant)
    assert ended(office, merchant) == ("dead", None, "certificate_refused")
    assert receiver.received == []


def ended(office: Office, merchant: Merchant) -> tuple[str, int | None, str | None]:
    """What became of the one delivery, in the words of the API."""
    for _ in range(int(SECONDS_MAX / 0.05)):
        found = office.deliveries(merchant)
        if found and found[0]["status"] != "pending":
            (one,) = found
            tries = merchant.done("GET", f"{DELIVERIES}/{one['id']}")["attempts"]
            assert {each["error"] for each in tries} == {one["last_error"]}
            assert len(tries) == (1 if one["status"] == "delivered" else PACE.tries_max)
            return one["status"], one["last_status_code"], one["last_error"]
        office.wait(asyncio.sleep(0.05))
    raise AssertionError("it did not end")


def test_what_is_anothers_is_not_there(office: Office, merchant: Merchant) -> None:
    """One by one; that every address keeps to this is tried for all of `/api/v1` together."""
    stranger = office.house.merchant("Stranger")
    endpoint = listening(merchant, office.receiver().url)
    office.happens(merchant)
    (delivery,) = office.deliveries(merchant, "?status=delivered", until=1)
    for method, path, body in (
        ("GET", at(endpoint), None),
        ("PUT", at(endpoint), {"disabled": True}),
        ("DELETE", at(endpoint), None),
        ("POST", at(endpoint, "/rotate"), {}),
        ("POST", at(endpoint, "/pause"), {}),
        ("POST", at(endpoint, "/test"), {}),
        ("POST", at(endpoint, "/replay"), {"created": {"gte": 0}}),
        ("GET", f"{DELIVERIES}/{delivery['id']}", None),
        ("POST", f"{DELIVERIES}/{delivery['id']}/resend", {}),
        ("GET", f"{DELIVERIES}?endpoint={endpoint['id']}", None),
        ("GET", f"{DELIVERIES}?starting_after={delivery['id']}", None),
    ):
        reply = stranger.call(method, path, body)
        assert (reply.status, reply.error.get("code")) == (404, "resource_missing"), f"{method} {path}"
    live = merchant.call("GET", at(endpoint), headers={"Bursar-Mode": "live"})
    assert live.status == 404
    assert stranger.done("GET", DELIVERIES)["data"] == stranger.done("GET", ENDPOINTS)["data"] == []
    assert merchant.done("GET", at(endpoint))["status"] == "enabled"


@pytest.mark.parametrize(
    ("path", "more", "param"),
    [
        ("", {"status": "disabled"}, "status"),
        ("", {"secret": "whsec_c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlcg=="}, "secret"),
        ("", {"org_id": "acct_bursardevelopment"}, "org_id"),
        ("", {"livemode": True}, "livemode"),
        ("", {"paused": True}, "paused"),
        ("", {"enabled_events": ["bursar.user.created"]}, "enabled_events[0]"),
        ("", {"url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ("/replay", {"created": {"gte": 0}, "endpoint": "we_another"}, "endpoint"),
        ("/replay", {"created": {"gte": 0}, "status": "pending"}, "status"),
        ("/replay", {"created": {"gte": 0, "org_id": "acct_1"}}, "created[org_id]"),
        ("/replay", {"created": {"gte": 0}, "limit": 501}, "limit"),
        ("/rotate", {"overlap_hours": 1_000}, "overlap_hours"),
        ("/rotate", {"secret": "whsec_mine"}, "secret"),
    ],
    ids=str,
)
def test_what_nobody_may_say_is_refused(merchant: Merchant, path: str, more: Json, param: str) -> None:
    wish = {"url": NOBODY, "enabled_events": ["*"]}
    place = at(listening(merchant, NOBODY), path) if path else ENDPOINTS
    refused = merchant.call("POST", place, more if path else {**wish, **more})
    assert (refused.status, refused.error.get("param")) == (400, param), refused.json


def test_a_test_event_is_sent_to_its_endpoint(office: Office, merchant: Merchant) -> None:
    receiver = office.receiver()
    endpoint = listening(merchant, receiver.url, "refund.created")
    merchant.done("POST", at(endpoint, "/test"))
    (received,) = office.received(receiver, 1)
    assert json.loads(received.body)["type"] == "bursar.webhook_endpoint.tested"
    assert endpoint["secret"].removeprefix("whsec_") not in received.body.decode()
