"""Which path is answered by what. Knows requests and answers, but no sockets."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec

import piggybank_cards
from piggybank import faults, requests, views
from piggybank.bank import Bank
from piggybank.disputes import Disputes
from piggybank.faults import Faults
from piggybank.page import Pages
from piggybank.replies import Reply
from piggybank.requests import Refused, not_found, unreadable
from piggybank.settlements import Settlements
from piggybank.state import State
from piggybank_cards import methods

JOURNAL_PAGE_MAX = 10_000
JOURNAL_PAGE_DEFAULT = 1_000
WAITING_MAX = 100
# What stays in reach while the bank is down.
ALWAYS_IN_REACH = frozenset(("/v1/faults", "/v1/journal"))
_FAULTY = ("/v1/authorizations", "/v1/reversals", "/v1/operations")

PAGES = f"{views.PAGE_PATH}/"
_WHAT_PAYS = "card, upi, net_banking or wallet"

Sent = TypeVar("Sent")

_encoder = msgspec.json.Encoder()
_AUTHORIZATION = msgspec.json.Decoder(requests.Authorization)


def may_go_wrong(path: str) -> bool:
    return path.startswith(_FAULTY)


class Api:
    def __init__(
        self,
        state: State,
        bank: Bank,
        disputes: Disputes,
        settlements: Settlements,
        settings: Faults,
        api_key: str,
        webhook_secret: str = "",
    ) -> None:
        # Where browsers find the bank; known for sure when it listens.
        self.origin = ""
        self._state = state
        self._bank = bank
        self._disputes = disputes
        self._settlements = settlements
        self._faults = settings
        self._pages = Pages(state, bank.customers, webhook_secret)
        self._authorization = f"Bearer {api_key}".encode()
        self._on_authorization: dict[str, Callable[[str, bytes], Reply]] = {
            "complete": self._operation(requests.Completion, bank.complete),
            "captures": self._operation(requests.Capture, bank.capture),
            "increments": self._operation(requests.Increment, bank.increment),
            "voids": self._operation(requests.Void, bank.void),
            "refunds": self._operation(requests.Refund, bank.refund),
            "customer": lambda object_id, body: self._located(
                bank.customers.act(object_id, _read(body, requests.CustomerAct))
            ),
        }
        self._on_dispute: dict[str, Callable[[str, bytes], Reply]] = {
            "evidence": lambda object_id, body: _answer(
                disputes.submit_evidence(object_id, _read(body, requests.Evidence))
            ),
            "accept": lambda object_id, body: _answer(disputes.accept(object_id, _read(body, requests.Acceptance))),
        }

        self._documents: dict[str, Callable[[str], Reply]] = {
            "/v1/operations": self._inquire,
            "/v1/waiting": self._waiting,
            "/v1/journal": self._journal,
            "/v1/faults": lambda _: _document(self._faults.settings),
            "/v1/cards": lambda _: _document(
                {"cards": piggybank_cards.ALL, "decline_cards": piggybank_cards.DECLINE_CARDS}
            ),
            "/v1/methods": lambda _: _document(methods.table()),
        }

    def handle(self, method: str, path: str, query: str, authorization: bytes, body: bytes) -> Reply:
        try:
            if path == "/healthz" and method == "GET":
                return Reply(200, b'{"status":"ok"}')
            if not hmac.compare_digest(authorization, self._authorization):
                if path.startswith(PAGES):  # a customer's browser has no key
                    return self._pages.handle(method, path, body)
                raise Refused(401, "unauthorized", "Send the bank's API key as a bearer token.")
            if method == "POST":
                return self._post(path, body)
            if method == "GET":
                return self._get(path, query)
            if method == "PUT" and path == "/v1/faults":
                self._faults.settings = _read(body, faults.Settings)
                return _document(self._faults.settings)
            raise not_found("page")
        except Refused as refusal:
            return refused(refusal)

    def _post(self, path: str, body: bytes) -> Reply:
        if path == "/v1/authorizations":
            try:
                request = _AUTHORIZATION.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
                return self._authorize_without_card(body, problem)
            return _answer(self._bank.authorize(request), operation=True)
        if path == "/v1/reversals":
            return _answer(self._bank.reverse(_read(body, requests.Reversal)), operation=True)
        if path == "/v1/accounts":
            return _answer(self._bank.open_account(_read(body, requests.NewAccount)))
        if path == "/v1/wallets":
            return _answer(self._bank.customers.open_wallet(_read(body, requests.NewWallet)))
        if path == "/v1/disputes":
            return _answer(self._disputes.open_by_hand(_read(body, requests.NewDispute)))
        if path == "/v1/settlements":
            return _answer(self._settlements.settle(_read(body, requests.NewSettlement)))
        parts = path.split("/")
        if len(parts) == 5 and parts[1] == "v1":
            actions = {"authorizations": self._on_authorization, "disputes": self._on_dispute}.get(parts[2], {})
            if parts[4] in actions:
                return actions[parts[4]](parts[3], body)
        raise not_found("page")

    def _get(self, path: str, query: str) -> Reply:
        if path in self._documents:
            return self._documents[path](query)
        kind, _, object_id = path.removeprefix("/v1/").partition("/")
        if path.startswith("/v1/") and object_id and "/" not in object_id:
            if kind == "accounts":
                return Reply(200, _encoder.encode(self._bank.account(object_id).view()), self._state.journal.last)
            if kind == "wallets":
                return _answer(self._bank.customers.wallet(object_id))
            if kind == "disputes":
                return _answer(self._disputes.show(object_id))
        raise not_found("page")

    def _authorize_without_card(self, body: bytes, problem: Exception) -> Reply:
        """What is no authorisation by card, and perhaps another one. Otherwise it is said what is wrong with it."""
        try:
            named = msgspec.json.decode(body, type=requests.WhatPays).named()
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise unreadable(problem) from None
        if not named:
            raise Refused(400, "invalid", f"Say what pays: {_WHAT_PAYS}.", "card")
        if len(named) > 1:
            raise Refused(400, "invalid", f"Only one of {_WHAT_PAYS} can pay.", named[1])
        if named == ["card"]:
            raise unreadable(problem) from None
        answer = self._bank.authorize_without_card(_read(body, requests.AuthorizationWithoutCard))
        return self._located(answer, operation=True)

    def _inquire(self, query: str) -> Reply:
        given = parse_qs(query)
        return self._located(self._bank.inquire(_one(given, "merchant"), _one(given, "reference")))

    def _waiting(self, query: str) -> Reply:
        """What waits for its customer, the latest first; `id` is an id or a reference."""
        given = parse_qs(query)
        method, name = given.get("method", [""])[0], given.get("id", [""])[0]
        found = []
        for shown in self._bank.customers.waiting():
            if method in ("", shown.method) and name in ("", shown.id, shown.reference):
                found.append(self._with_origin(shown))
            if len(found) >= WAITING_MAX:
                break
        return _document({"waiting": found})

    def _located(self, answer: tuple[views.Operation, int], *, operation: bool = False) -> Reply:
        return _answer((self._with_origin(answer[0]), answer[1]), operation=operation)

    def _with_origin(self, shown: views.Operation) -> views.Operation:
        """With the page's whole address, where the customer is sent to one."""
        if isinstance(shown, views.OperationWithoutCard) and shown.page_url is not None:
            return msgspec.structs.replace(shown, page_url=self.origin + shown.page_url)
        return shown

    def _journal(self, query: str) -> Reply:
        given = parse_qs(query)
        after = _number(given, "after", 0)
        limit = min(_number(given, "limit", JOURNAL_PAGE_DEFAULT), JOURNAL_PAGE_MAX)
        lines = self._state.journal.durable_lines(after, limit)
        return Reply(200, b'{"entries":[' + b",".join(lines) + b'],"last":%d}' % (after + len(lines)))

    @staticmethod
    def _operation(kind: type[Any], verb: Callable[[str, Any], tuple[Any, int]]) -> Callable[[str, bytes], Reply]:
        decoder = msgspec.json.Decoder(kind)

        def carry_out(authorization_id: str, body: bytes) -> Reply:
            try:
                request = decoder.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
                raise unreadable(problem) from None
            return _answer(verb(authorization_id, request), operation=True)

        return carry_out


def refused(refusal: Refused) -> Reply:
    error = {"code": refusal.code, "message": refusal.message}
    if refusal.field is not None:
        error["field"] = refusal.field
    return Reply(refusal.status, _encoder.encode({"error": error}))


def _answer(answer: tuple[Any, int], *, operation: bool = False) -> Reply:
    return Reply(200, _encoder.encode(answer[0]), answer[1], operation)


def _document(value: Any) -> Reply:
    return Reply(200, _encoder.encode(value))


def _read(body: bytes, kind: type[Sent]) -> Sent:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise unreadable(problem) from None


def _one(given: dict[str, list[str]], name: str) -> str:
    if len(given.get(name, [])) != 1:
        raise Refused(400, "invalid", f"Give {name} once.", name)
    return given[name][0]


def _number(given: dict[str, list[str]], name: str, default: int) -> int:
    if name not in given:
        return default
    text = _one(given, name)
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Refused(400, "invalid", f"{name} must be a whole number.", name)
    return int(text)
