"""Which path is answered by what. Knows requests and answers, but no sockets."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec

import piggybank_cards
from piggybank import faults, requests
from piggybank.bank import Bank
from piggybank.disputes import Disputes
from piggybank.faults import Faults
from piggybank.requests import Refused, not_found, unreadable
from piggybank.state import State

JOURNAL_PAGE_MAX = 10_000
JOURNAL_PAGE_DEFAULT = 1_000
# What stays in reach while the bank is down.
ALWAYS_IN_REACH = frozenset(("/v1/faults", "/v1/journal"))
_FAULTY = ("/v1/authorizations", "/v1/reversals", "/v1/operations")

Sent = TypeVar("Sent")

_encoder = msgspec.json.Encoder()
_AUTHORIZATION = msgspec.json.Decoder(requests.Authorization)


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    # The record that must be on the disk before this may be sent.
    durable: int = 0
    # Whether an operation was asked for, as crash points count those.
    operation: bool = False


def may_go_wrong(path: str) -> bool:
    return path.startswith(_FAULTY)


class Api:
    def __init__(self, state: State, bank: Bank, disputes: Disputes, settings: Faults, api_key: str) -> None:
        self._state = state
        self._bank = bank
        self._disputes = disputes
        self._faults = settings
        self._authorization = f"Bearer {api_key}".encode()
        self._on_authorization: dict[str, Callable[[str, bytes], Reply]] = {
            "complete": self._operation(requests.Completion, bank.complete),
            "captures": self._operation(requests.Capture, bank.capture),
            "increments": self._operation(requests.Increment, bank.increment),
            "voids": self._operation(requests.Void, bank.void),
            "refunds": self._operation(requests.Refund, bank.refund),
        }
        self._on_dispute: dict[str, Callable[[str, bytes], Reply]] = {
            "evidence": lambda object_id, body: _answer(
                disputes.submit_evidence(object_id, _read(body, requests.Evidence))
            ),
            "accept": lambda object_id, body: _answer(disputes.accept(object_id, _read(body, requests.Acceptance))),
        }

    def handle(self, method: str, path: str, query: str, authorization: bytes, body: bytes) -> Reply:
        try:
            if path == "/healthz" and method == "GET":
                return Reply(200, b'{"status":"ok"}')
            if not hmac.compare_digest(authorization, self._authorization):
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
                raise unreadable(problem) from None
            return _answer(self._bank.authorize(request), operation=True)
        if path == "/v1/reversals":
            return _answer(self._bank.reverse(_read(body, requests.Reversal)), operation=True)
        if path == "/v1/accounts":
            return _answer(self._bank.open_account(_read(body, requests.NewAccount)))
        if path == "/v1/disputes":
            return _answer(self._disputes.open_by_hand(_read(body, requests.NewDispute)))
        parts = path.split("/")
        if len(parts) == 5 and parts[1] == "v1":
            actions = {"authorizations": self._on_authorization, "disputes": self._on_dispute}.get(parts[2], {})
            if parts[4] in actions:
                return actions[parts[4]](parts[3], body)
        raise not_found("page")

    def _get(self, path: str, query: str) -> Reply:
        if path == "/v1/operations":
            given = parse_qs(query)
            return _answer(self._bank.inquire(_one(given, "merchant"), _one(given, "reference")))
        if path == "/v1/journal":
            return self._journal(parse_qs(query))
        if path == "/v1/faults":
            return _document(self._faults.settings)
        if path == "/v1/cards":
            return _document({"cards": piggybank_cards.ALL, "decline_cards": piggybank_cards.DECLINE_CARDS})
        kind, _, object_id = path.removeprefix("/v1/").partition("/")
        if path.startswith("/v1/") and object_id and "/" not in object_id:
            if kind == "accounts":
                return Reply(200, _encoder.encode(self._bank.account(object_id).view()), self._state.journal.last)
            if kind == "disputes":
                return _answer(self._disputes.show(object_id))
        raise not_found("page")

    def _journal(self, given: dict[str, list[str]]) -> Reply:
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
