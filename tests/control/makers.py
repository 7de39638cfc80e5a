"""How to make one of what each address names, and a body that each change takes: for every endpoint of `/api/v1`.

A new endpoint with an id in its address has no entry here, and the tests say so.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from bursar.hooks import bodies
from bursar.hooks import repository as messages
from bursar.hooks.places import Place
from bursar.hooks.service import Delivery
from bursar.http.endpoint import Endpoint
from bursar.store.log import Origin
from bursar.store.unit import Unit
from bursar.wallets.codes import new_code
from tests.control.house import PASSWORD, House, Merchant
from tests.second_factors.authenticator import Authenticator
from tests.wallets.harness import movement

# Makes one for the merchant, and gives what stands for it in the address.
READ_SECONDS_MAX = 20
Maker = Callable[[Merchant], Mapping[str, str]]

_PARAMETER = re.compile(r"\{(\w+)\}")
NOBODY = "nothing_of_this_name"


# Where an id has a form of its own: one of that form, which nobody has.
NOBODYS = {"code": new_code()}


def path_for_nobody(path: str) -> str:
    return _PARAMETER.sub(lambda found: NOBODYS.get(found[1], NOBODY), path)


def filled(path: str, values: Mapping[str, str]) -> str:
    return _PARAMETER.sub(lambda found: values[found[1]], path) + QUERIES.get(path, "")


def naming_part(path: str) -> str:
    """Up to the last id: `/api/v1/roles/{role}` of whatever can be done with a role."""
    return path[: path.rindex("}") + 1]


def body_for(endpoint: Endpoint) -> dict[str, Any] | None:
    """What the endpoint takes; None where there is no body."""
    return BODIES.get((endpoint.method, endpoint.path), {}) if endpoint.writes else None


def fund(merchant: Merchant, amount_minor: int = 10_000) -> None:
    """Puts money into the primary wallet, as a captured payment does."""
    assert isinstance(merchant.house, House), "only the books of this process can be written into"
    runtime = merchant.house.runtime
    wallet = asyncio.run(runtime.wallets.primary(merchant.org_id, 0))
    order = movement(wallet, amount_minor, "usd", "ch")
    effect = runtime.ledger.capture(order, fee_minor=0, available_at_once=True)
    merchant.house.commit(Unit(effect.changes))


def _role(merchant: Merchant) -> Mapping[str, str]:
    name = f"Till of {len(merchant.done('GET', '/api/v1/roles')['data'])}"
    return {"role": merchant.done("POST", "/api/v1/roles", {"name": name, "permissions": ["wallets.read"]})["id"]}


def _api_key(merchant: Merchant) -> Mapping[str, str]:
    return {"api_key": merchant.done("POST", "/api/v1/api-keys", {"kind": "secret"})["id"]}


def _membership(merchant: Merchant) -> Mapping[str, str]:
    return {"organisation": merchant.org_id}


def _member(merchant: Merchant) -> Mapping[str, str]:
    return {"user": merchant.user_id}


def _invitation(merchant: Merchant) -> Mapping[str, str]:
    made = len(merchant.done("GET", "/api/v1/invitations")["data"])
    body = {"email": f"guest{made}@{merchant.org_id.replace('_', '-')}.example.com", "role": "viewer"}
    return {"invitation": merchant.done("POST", "/api/v1/invitations", body)["id"]}


def _session(merchant: Merchant) -> Mapping[str, str]:
    """Another one than the merchant's own, which would be over when the test has ended it."""
    merchant.done("POST", "/api/v1/org/login", {"email": merchant.email, "password": PASSWORD})
    sessions = merchant.done("GET", "/api/v1/auth/sessions")["data"]
    return {"session": next(session["id"] for session in sessions if not session["current"])}


def _passkey(merchant: Merchant) -> Mapping[str, str]:
    options = merchant.done("POST", "/api/v1/auth/passkeys/registration")["public_key"]
    device = Authenticator(origin=f"http://{options['rp']['id']}:{merchant.house.port}")
    return {"passkey": merchant.done("POST", "/api/v1/auth/passkeys", {"credential": device.create(options)})["id"]}


def _payment(merchant: Merchant) -> Mapping[str, str]:
    reply = merchant.house.call(
        "POST", "/v1/payment_intents", merchant.secret_key, {"amount": 1_000, "currency": "usd"}
    )
    assert reply.status == 200, reply.json
    return {"payment": reply.json["id"]}


def _wallet(merchant: Merchant) -> Mapping[str, str]:
    return {"code": merchant.done("POST", "/api/v1/wallets", {"name": "Till"})["code"]}


def _transfer(merchant: Merchant) -> Mapping[str, str]:
    fund(merchant)
    body = {"from": merchant.wallet, "to": _wallet(merchant)["code"], "amount": 100, "currency": "usd"}
    return {"transfer": merchant.done("POST", "/api/v1/wallets/transfers", body)["id"]}


def _withdrawal(merchant: Merchant) -> Mapping[str, str]:
    fund(merchant)
    merchant.done("PUT", "/api/v1/org/terms", {"second_approval_above_minor": {"usd": 1}})
    return {"withdrawal": merchant.done("POST", "/api/v1/txn/withdraw", WITHDRAWAL)["id"]}


def _transaction(merchant: Merchant) -> Mapping[str, str]:
    """A payment session is one from its first moment on."""
    open_session(merchant)
    return {"transaction": merchant.done("GET", "/api/v1/txn")["data"][0]["id"]}


def _notification_message(merchant: Merchant) -> Mapping[str, str]:
    """Telling its owner of the keys that it was registered with."""
    house = merchant.house
    if isinstance(house, House):  # a server of its own reads the log by itself
        house.runner.run(house.runtime.notifications.notifier().read())
    deadline = time.monotonic() + READ_SECONDS_MAX
    while not (found := merchant.done("GET", "/api/v1/notifications/messages")["data"]):
        assert time.monotonic() < deadline, "the log was not read"
        time.sleep(0.05)
    return {"message": found[0]["id"]}


def _notification_target(merchant: Merchant) -> Mapping[str, str]:
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#payments"
    made = merchant.done("POST", "/api/v1/notifications/targets", {"kind": "push", "name": "Team", "url": url})
    return {"target": made["id"]}


def _incoming_webhook(merchant: Merchant) -> Mapping[str, str]:
    """One that nobody has signed: it is kept, too. Where there is no bank, as it would have been kept."""
    account = f"{merchant.org_id}:test"
    if isinstance(merchant.house, House):
        hooks, clock = merchant.house.runtime.hooks, merchant.house.runtime.clock
        delivery = Delivery("piggybank", account, {}, b"{}", Origin())
        place, kept = Place(merchant.org_id, 0), bodies.kept({}, b"{}")
        message = hooks.service._message(delivery, account, place, kept, clock.now_microseconds())
        merchant.house.commit(Unit([messages.insertion(message._replace(state="unverified", reason="unsigned"))]))
    else:
        assert merchant.house.call("POST", f"/hooks/piggybank/{account}", None, b"{}").status == 400
    return {"incoming_webhook": merchant.done("GET", "/api/v1/incoming-webhooks")["data"][0]["id"]}


def _webhook_endpoint(merchant: Merchant) -> Mapping[str, str]:
    made = merchant.done("POST", "/api/v1/webhook-endpoints", WEBHOOK_ENDPOINT)
    return {"webhook_endpoint": made["id"]}


def _webhook_delivery(merchant: Merchant) -> Mapping[str, str]:
    """Of an event that is asked for again, so that nobody has to be waited for."""
    endpoint = f"/api/v1/webhook-endpoints/{_webhook_endpoint(merchant)['webhook_endpoint']}"
    _payment(merchant)
    assert merchant.done("POST", f"{endpoint}/replay", {"created": {"gte": 0}})["replayed"]
    return {"webhook_delivery": merchant.done("GET", "/api/v1/webhook-deliveries")["data"][0]["id"]}


def _stream(merchant: Merchant) -> Mapping[str, str]:
    return {"stream": merchant.done("POST", "/api/v1/streams", STREAM)["id"]}


# Its receiver is nobody: nothing listens there.
WEBHOOK_ENDPOINT = {"url": "http://localhost:1025/", "enabled_events": ["payment_intent.*"]}
# Its broker is nobody, too.
STREAM = {"name": "Accounting", "kind": "rabbitmq", "address": "amqp://localhost:1025/", "destination": "payments"}
WITHDRAWAL = {
    "amount": 500,
    "currency": "usd",
    "destination": {"account_holder": "Ada Example", "iban": "DE89370400440532013000", "bank_name": "A bank"},
}

MAKERS: dict[str, Maker] = {
    "/api/v1/api-keys/{api_key}": _api_key,
    "/api/v1/auth/organisations/{organisation}": _membership,
    "/api/v1/auth/sessions/{session}": _session,
    # After it nobody signs in by a password alone.
    "/api/v1/auth/passkeys/{passkey}": _passkey,
    "/api/v1/incoming-webhooks/{incoming_webhook}": _incoming_webhook,
    "/api/v1/invitations/{invitation}": _invitation,
    "/api/v1/members/{user}": _member,
    "/api/v1/payments/{payment}": _payment,
    "/api/v1/roles/{role}": _role,
    "/api/v1/streams/{stream}": _stream,
    "/api/v1/txn/withdrawals/{withdrawal}": _withdrawal,
    "/api/v1/txn/{transaction}": _transaction,
    "/api/v1/wallets/transfers/{transfer}": _transfer,
    "/api/v1/wallets/{code}": _wallet,
    "/api/v1/notifications/messages/{message}": _notification_message,
    "/api/v1/notifications/targets/{target}": _notification_target,
    "/api/v1/webhook-deliveries/{webhook_delivery}": _webhook_delivery,
    "/api/v1/webhook-endpoints/{webhook_endpoint}": _webhook_endpoint,
}

# Of these, those that need money that only the test itself can make.
WITH_MONEY = {"/api/v1/txn/withdrawals/{withdrawal}", "/api/v1/wallets/transfers/{transfer}"}

# Where the address may name what is another organisation's, each with its reason.
FOR_ALL = {
    "/api/v1/auth/code-factors/{channel}": "everybody's own channels have the same two names",
    "/api/v1/contracts/{contract}": "every organisation has a contract of this name, and means its own by it",
    "/api/v1/notifications/unsubscribe/{token}": "whoever has the mail has the link, which is sealed to its reader",
    "/api/v1/platform/organisations/{organisation}": "platform admins see all organisations",
    "/api/v1/platform/sign-in-providers/{provider}": "providers belong to the installation",
    "/api/v1/txn/accept-payment/{transactionTraceId}": "whoever pays knows the unguessable id, and nothing else",
    "/api/v1/txn/payment-session/{reference}": "whoever pays knows the wallet's code, or the unguessable id",
}

# What exists in the test mode and in the live mode, and is not the same there.
WITH_A_MODE = {
    "/api/v1/api-keys/{api_key}",
    "/api/v1/incoming-webhooks/{incoming_webhook}",
    "/api/v1/notifications/messages/{message}",
    "/api/v1/payments/{payment}",
    "/api/v1/streams/{stream}",
    "/api/v1/txn/withdrawals/{withdrawal}",
    "/api/v1/txn/{transaction}",
    "/api/v1/wallets/transfers/{transfer}",
    "/api/v1/wallets/{code}",
    "/api/v1/webhook-deliveries/{webhook_delivery}",
    "/api/v1/webhook-endpoints/{webhook_endpoint}",
}

# Bodies that are right, by method and path. What is not here takes an empty one.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/api-keys"): {"kind": "secret"},
    ("POST", "/api/v1/roles"): {"name": "Till", "permissions": ["wallets.read"]},
    ("POST", "/api/v1/streams"): STREAM,
    ("POST", "/api/v1/txn/withdraw"): WITHDRAWAL,
    ("POST", "/api/v1/webhook-endpoints"): WEBHOOK_ENDPOINT,
    ("POST", "/api/v1/webhook-endpoints/{webhook_endpoint}/replay"): {"created": {"gte": 0}},
    ("PUT", "/api/v1/api-keys/{api_key}"): {"name": "Another name"},
    ("PUT", "/api/v1/auth/passkeys/{passkey}"): {"name": "Another name"},
    ("PUT", "/api/v1/members/{user}"): {"role": "viewer"},
    ("PUT", "/api/v1/roles/{role}"): {"description": "Another description"},
    ("PUT", "/api/v1/streams/{stream}"): {"paused": True},
    ("PUT", "/api/v1/wallets/{code}"): {"name": "Another name"},
    ("PUT", "/api/v1/wallets/{code}/pin"): {"pin": "739204"},
}


# What must be asked, too, of what is only looked at.
QUERIES = {"/api/v1/wallets/{code}/statement": "?currency=usd"}


def open_session(merchant: Merchant) -> str:
    path = f"/api/v1/txn/payment-session/{merchant.wallet}"
    opened = merchant.house.call("POST", path, None, {"amount": 1_000, "currency": "usd"})
    assert opened.status == 200, opened.json
    return str(opened.json["transactionTraceId"])


def payer_path(merchant: Merchant, method: str, path: str) -> str:
    """Where somebody pays this merchant: the address alone says whom, so it must be right."""
    trace_id = open_session(merchant)
    values = {"transactionTraceId": trace_id, "reference": merchant.wallet if method == "POST" else trace_id}
    return filled(path, values)
