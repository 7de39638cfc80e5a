"""Branding, preferences, targets and the list of messages, as people call them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from bursar.notifications import push, rules
from bursar.notifications.unsubscribing import Unsubscription
from bursar.store.log import Entry
from bursar.store.unit import Unit
from tests.control.house import House, Merchant, standing
from tests.notifications.post_office import charge, dispute, post_office

URL = "/api/v1/notifications"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with standing() as house:
        yield house


@pytest.fixture(scope="module")
def shop(house: House) -> Merchant:
    return house.merchant("Plum Shop")


def test_branding_begins_with_nothing_sent_to_customers(house: House) -> None:
    assert house.merchant().done("GET", f"{URL}/branding") == {
        "object": "notification_branding",
        "name": None,
        "color": "#3f3f46",
        "logo_url": None,
        "footer": None,
        "reply_to": None,
        "language": "en",
        "receipts": False,
        "decline_notices": False,
        "refund_receipts": False,
    }


def test_branding_changes_what_is_named_and_null_goes_back(shop: Merchant) -> None:
    shop.done("PUT", f"{URL}/branding", {"name": "Plum", "color": "#aa3366", "receipts": True, "language": "de"})
    changed = shop.done("PUT", f"{URL}/branding", {"color": None, "reply_to": "help@plum.example"})
    assert (changed["name"], changed["color"], changed["receipts"]) == ("Plum", "#3f3f46", True)
    assert shop.done("GET", f"{URL}/branding") == changed


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Plum\r\nBcc: everybody@example.com"},
        {"name": "Plum\u202eecalp"},
        {"name": ""},
        {"name": "4242424242424242"},
        {"reply_to": "a@example.com, b@example.com"},
        {"reply_to": "a@example.com\nBcc: b@example.com"},
        {"color": "red;background:url(//evil)"},
        {"logo_url": "http://plum.example/logo.png"},
        {"logo_url": "javascript:alert(1)"},
        {"logo_url": 'https://plum.example/"onerror="x'},
        {"footer": "4242 4242 4242 4242"},
        {"language": "xx"},
        {"org_id": "acct_other"},
        {"receipts": "perhaps"},
    ],
)
def test_a_branding_that_could_do_harm_is_refused(shop: Merchant, wrong: dict[str, Any]) -> None:
    before = shop.done("GET", f"{URL}/branding")
    reply = shop.call("PUT", f"{URL}/branding", wrong)
    assert reply.status == 400
    assert reply.error["param"] == next(iter(wrong))
    assert shop.done("GET", f"{URL}/branding") == before


def test_preferences_are_ones_own_and_change_by_topic(house: House, shop: Merchant) -> None:
    before = shop.done("GET", f"{URL}/preferences")
    assert before["user"] == shop.user_id
    assert (before["topics"]["payments"], before["topics"]["disputes"]) == ("off", "now")
    after = shop.done("PUT", f"{URL}/preferences", {"topics": {"payments": "digest"}})
    assert after["topics"] == before["topics"] | {"payments": "digest"}
    assert shop.done("GET", f"{URL}/preferences") == after
    assert house.merchant().done("GET", f"{URL}/preferences")["topics"] == before["topics"]


@pytest.mark.parametrize("wrong", [{"topics": {"security": "off"}}, {"topics": {"payments": "hourly"}}, {}])
def test_what_cannot_be_chosen_is_refused(shop: Merchant, wrong: dict[str, Any]) -> None:
    assert shop.call("PUT", f"{URL}/preferences", wrong).status == 400


def test_keys_have_no_preferences_and_viewers_change_no_branding(house: House, shop: Merchant) -> None:
    assert house.call("GET", f"{URL}/preferences", shop.secret_key).status == 403
    viewer = house.person(shop.org_id, "viewer")
    assert house.call("PUT", f"{URL}/branding", viewer, {"name": "Mine"}).status == 403
    assert house.call("GET", f"{URL}/messages", viewer).status == 403


def test_messages_are_listed_without_what_is_in_them(house: House, shop: Merchant) -> None:
    notifier = house.runtime.notifications.notifier()

    async def gather() -> None:
        while await notifier.read():
            pass

    house.runner.run(gather())
    listed = shop.done("GET", f"{URL}/messages?limit=100")["data"]
    told = [message for message in listed if message["template"] == "api_key_changed"]
    assert {message["recipient"] for message in told} == {shop.email}
    assert "data" not in told[0]
    assert "sealed" not in told[0]
    assert shop.done("GET", f"{URL}/messages/{told[0]['id']}") == told[0]
    other = house.merchant()
    assert other.call("GET", f"{URL}/messages/{told[0]['id']}").status == 404
    assert other.call("GET", f"{URL}/messages?starting_after={told[0]['id']}").status == 404


def test_the_link_of_a_mail_ends_one_kind_without_signing_in(house: House, shop: Merchant) -> None:
    composer = house.runtime.notifications._composer
    link = composer._unsubscribing.link(Unsubscription(shop.org_id, shop.user_id, "disputes"))
    path = "/" + link.partition("//")[2].partition("/")[2]
    for _ in range(2):
        reply = house.call("POST", path, None, b"List-Unsubscribe=One-Click")
        assert (reply.status, reply.json) == (
            200,
            {"object": "notification_unsubscription", "topic": "disputes"},
        )
    topics = shop.done("GET", f"{URL}/preferences")["topics"]
    assert (topics["disputes"], topics["withdrawals"]) == ("off", "now")
    assert house.call("POST", path[:-2] + "zz", None, b"List-Unsubscribe=One-Click").status == 404


def test_targets_are_kept_sealed_and_only_of_services_that_are_allowed(house: House, shop: Merchant) -> None:
    secret = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    wanted = {"kind": "push", "name": "Team", "url": f"slack://{secret}/#payments", "topics": ["disputes"]}
    made = shop.done("POST", f"{URL}/targets", wanted)
    assert (made["service"], made["topics"]) == ("slack", ["disputes"])
    assert "url" not in made
    assert [target["id"] for target in shop.done("GET", f"{URL}/targets")["data"]] == [made["id"]]
    assert not any("TIiajkdn" in row for rows in house.rows_of(shop.org_id).values() for row in rows)
    for url in ("syslog://localhost", "dbus://", "gotify://10.0.0.1/token", "file:///etc/passwd", "slack://nonsense"):
        reply = shop.call("POST", f"{URL}/targets", wanted | {"url": url})
        assert (reply.status, reply.error["param"]) == (400, "url"), url
    assert house.merchant().call("DELETE", f"{URL}/targets/{made['id']}").status == 404
    shop.done("DELETE", f"{URL}/targets/{made['id']}")
    assert shop.done("GET", f"{URL}/targets")["data"] == []


def test_no_service_is_allowed_by_default_that_reaches_any_host() -> None:
    assert not push.SCHEMES & {"json", "jsons", "xml", "xmls", "form", "forms", "syslog", "mailto", "gotify", "ntfy"}


def test_a_mail_has_the_headers_that_programs_look_for(tmp_path: Any) -> None:
    from tests.notifications.mail_servers import mail_server

    with post_office() as office:

        async def scenario() -> None:
            async with mail_server(tmp_path) as server:
                await office.member("usr_one")
                await office.branded(name='Plum, "Shop" & Zoë', reply_to="help@plum.example", color="#aa3366")
                await office.happened("charge.dispute.created", dispute(reason="<b>hostile</b>"))
                notifier = office.notifications(smtp_url=server.url).notifier()
                await notifier.look()
                await notifier.outbox.settled()
            (letter,) = server.mailbox.letters
            assert letter["From"].addresses[0].display_name == 'Plum, "Shop" & Zoë'
            assert letter["Reply-To"] == "help@plum.example"
            assert letter["Auto-Submitted"] == "auto-generated"
            assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert str(letter["List-Unsubscribe"]).startswith("<https://pay.example.com/api/v1/notifications/")
            page = letter.get_body(("html",))
            assert page is not None
            text = page.get_content()
            assert "&lt;b&gt;hostile" in text
            assert "Plum, &#34;Shop&#34; &amp; Zoë" in text
            assert "#aa3366" in text

        asyncio.run(scenario())


@pytest.mark.parametrize(
    "change", [lambda link: link.replace("disputes", "webhooks"), lambda link: link[:-1], str.upper]
)
def test_a_link_that_was_changed_ends_nothing(change: Any) -> None:
    with post_office() as office:
        unsubscribing = office.notifications()._composer._unsubscribing
        link = unsubscribing.link(Unsubscription("acct_a", "usr_b", "disputes"))
        token = link.rpartition("/")[2]
        assert unsubscribing.read(token) == Unsubscription("acct_a", "usr_b", "disputes")
        assert unsubscribing.read(change(token)) is None


def test_a_link_fits_into_a_step_of_a_path() -> None:
    with post_office() as office:
        unsubscribing = office.notifications()._composer._unsubscribing
        longest = Unsubscription("acct_" + 24 * "a", "usr_" + 24 * "b", max(rules.TOPICS, key=len))
        assert len(unsubscribing.link(longest).rpartition("/")[2]) <= 100


def test_a_customer_is_written_to_at_their_address_in_their_language(house: House) -> None:
    shop = house.merchant()
    shop.done("PUT", f"{URL}/branding", {"receipts": True, "refund_receipts": True})
    person = {"email": "grace@example.com", "preferred_locales": ["fr-CA"]}
    customer = house.call("POST", "/v1/customers", shop.secret_key, person).json["id"]
    paid = charge(customer=customer, receipt_email=None)
    refund = {"id": "re_1", "object": "refund", "amount": 500, "charge": "ch_1", "created": 1_800_000_000}
    refund |= {"currency": "eur", "status": "succeeded", "instructions_email": "other@example.com"}
    told = [("charge.succeeded", paid), ("refund.created", refund), ("refund.created", refund | {"status": "failed"})]
    house.commit(Unit([], [Entry(shop.org_id, 0, kind, "x", msgspec.json.encode(what)) for kind, what in told]))
    notifier = house.runtime.notifications.notifier()

    async def gather() -> None:
        while await notifier.read():
            pass

    house.runner.run(gather())
    listed = shop.done("GET", f"{URL}/messages?limit=100")["data"]
    assert [(one["template"], one["recipient"], one["language"]) for one in listed if "receipt" in one["template"]] == [
        ("refund_receipt", "other@example.com", "en"),
        ("receipt", "grace@example.com", "fr"),
    ]
