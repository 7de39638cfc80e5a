"""Customers who pay without a card: by UPI, on their bank's page, from a wallet.

A wallet decides at once. The others wait for the customer, who may approve, decline or do nothing; and some test
addresses and banks let a payment succeed after it was given up.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from piggybank import issuers, requests, views
from piggybank.authorization import CALLED_OFF, Authorization
from piggybank.faults import Faults
from piggybank.records import Later, Payer, Record, Status, WalletOpened
from piggybank.requests import Refused, not_found
from piggybank.state import State
from piggybank_cards import RESPONSE_CODES, methods
from piggybank_cards.declines import BANK_CODES, DEEMED_CODE, UPI_CODES

UPI_SECONDS = 300
BANK_SECONDS = 900
# What a test address or bank does, and how long after what came before.
ACT_MILLISECONDS = 500
DECISION_MILLISECONDS = 2_000
WALLET_PREFIX = "pw"
UPI_CURRENCY = "inr"
# UPI's for an address of a payment service that takes no part in it.
UNKNOWN_HANDLE_CODE = "U17"
ACCOUNT_DIGITS_KEPT = 4


class Customers:
    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults

    def payer(self, request: requests.AuthorizationWithoutCard) -> Payer:
        """Who is to pay, as the journal keeps it."""
        if not request.capture:
            raise Refused(400, "invalid", "What is paid without a card is captured at once.", "capture")
        payee = request.descriptor or request.merchant
        if request.upi is not None:
            return Payer("upi", vpa=_vpa(request.upi, request.currency), until=self._until(request), payee=payee)
        if request.net_banking is not None:
            _check_bank(request.net_banking.bank_code, request.currency)
            return Payer(
                "net_banking",
                bank_code=request.net_banking.bank_code,
                account_end=(request.net_banking.account or "")[-ACCOUNT_DIGITS_KEPT:],
                until=self._until(request),
                return_url=request.return_url or "",
                payee=payee,
                page=secrets.token_urlsafe(24),
            )
        assert request.wallet is not None, "one of the three was given"
        return Payer("wallet", wallet=request.wallet.wallet_id)

    def decide(self, request: requests.AuthorizationWithoutCard, payer: Payer) -> dict[str, Any]:
        """What becomes of a new authorisation at once."""
        fault = self._faults.decline()
        if fault is not None:
            return _declined(fault, payer)
        if payer.method == "wallet":
            return self._pay_from_wallet(request, payer)
        row = methods.address(payer.vpa)
        if payer.vpa and not payer.vpa.endswith(methods.UPI_HANDLE):
            return _declined("vpa_unknown", payer) | {"code": UNKNOWN_HANDLE_CODE}
        if row is not None and row.act == "refuse":
            return _declined(row.decline or "vpa_unknown", payer)
        if row is not None and row.act in ("approve", "decline", "defer"):
            return self._waiting("customer_acts", self._state.clock() + ACT_MILLISECONDS)
        return self._waiting("waiting_ends", payer.until)

    def act(self, authorization_id: str, request: requests.CustomerAct) -> tuple[views.Operation, int]:
        """In the UPI app, or on the page."""
        about = self._state.find_authorization(authorization_id, request.merchant)
        if about is None:
            raise not_found("authorization")
        self.carry_out(about, request.act)
        return views.operation(self._state.journal.read(about.seq), about), about.latest

    def carry_out(self, about: Authorization, act: str) -> None:
        """The same again changes nothing; something else comes too late once it is decided."""
        if self.waits(about):
            status, decline = _wanted(about, act)
            self._settle(about, status, decline, about.awaits, "pending_ends" if status == "pending" else None)
        elif not _has_acted(about, act):
            raise Refused(409, "not_waiting", f"The customer cannot act any more: the status is {about.status}.")

    def waits(self, about: Authorization) -> bool:
        """By the clock, too: the end of the time is written down a moment after it has come."""
        return about.status == "waiting" and about.payer is not None and self._state.clock() < about.payer.until

    def waiting(self) -> Iterator[views.Operation]:
        """What waits for its customer, the latest first."""
        for seq in reversed(self._state.pending):
            if self._state.pending[seq] in ("customer_acts", "waiting_ends"):
                record = self._state.journal.read(seq)
                about = self._state.authorization(record.seq)
                if self.waits(about):
                    yield views.operation(record, about)

    def happen(self, what: Later, record: Record, about: Authorization) -> bool:
        """What an address, a bank or the clock does. False: there is no reason for it any more."""
        assert about.payer is not None, "only what has no card waits for a customer"
        row, cause = methods.address(about.payer.vpa), record.seq
        if what == "customer_acts" and about.status == "waiting":
            act = row.act if row is not None else "decline"
            status, decline = _wanted(about, act)
            decline = row.decline if row is not None and status == "declined" else decline
            self._settle(about, status, decline, cause, "pending_ends" if status == "pending" else None)
        elif what == "waiting_ends" and about.status == "waiting":
            is_late = row is not None and row.act == "late"
            expired = "upi_expired" if about.payer.method == "upi" else "bank_expired"
            self._settle(about, "declined", expired, cause, "late_success" if is_late else None)
        elif what == "pending_ends" and about.status == "pending":
            decline = row.decline if row is not None else None
            self._settle(about, "declined" if decline else "approved", decline, cause)
        elif _comes_late(about, what):
            self._settle(about, "approved", None, cause)
        else:
            return False
        return True

    def bring_back(self, about: Authorization, cause: int) -> bool:
        """The fault that approves again what was reversed. True: nothing else is to be done."""
        if about.payer is None:
            return False
        if not about.captured:
            self._settle(about, "approved", None, cause)
            return True
        return False

    def has_spent(self, about: Authorization, amount: int) -> bool:
        """Whether the customer's wallet could not pay this amount once more."""
        wallet = self._state.cardholders.wallet(about.account) if about.account else None
        return wallet is not None and amount > wallet.balance

    def open_wallet(self, request: requests.NewWallet) -> tuple[dict[str, Any], int]:
        wallet_id = self._state.new_id(WALLET_PREFIX)
        opened = WalletOpened(request.balance, request.currency)
        record = self._state.record("wallet", id=wallet_id, wallet=opened)
        self._state.keep(record)
        return self.wallet(wallet_id)

    def wallet(self, wallet_id: str) -> tuple[dict[str, Any], int]:
        row = methods.wallet(wallet_id)
        if row is not None and row.decline != "wallet_unknown":  # of everybody's, nothing is counted
            return {"id": row.id, "balance": None if row.decline is None else 0, "currency": None}, 0
        wallet = self._state.cardholders.wallet(wallet_id)
        if wallet is None:
            raise Refused(404, "not_found", "There is no such wallet.")
        return wallet.view(), self._state.journal.last

    def _pay_from_wallet(self, request: requests.AuthorizationWithoutCard, payer: Payer) -> dict[str, Any]:
        approved = {"status": "approved", "code": issuers.APPROVED, "fee": views.fee_of(request.amount)}
        row = methods.wallet(payer.wallet)
        if row is not None:
            return _declined(row.decline, payer) if row.decline is not None else approved
        wallet = self._state.cardholders.wallet(payer.wallet)
        if wallet is None:
            return _declined("wallet_unknown", payer)
        if wallet.currency != request.currency:
            return _declined("not_permitted_cardholder", payer)
        if request.amount > wallet.balance:
            return _declined("insufficient_funds", payer)
        return approved | {"account": wallet.id}

    def _settle(
        self, about: Authorization, status: Status, decline: str | None, cause: int, later: Later | None = None
    ) -> None:
        assert about.payer is not None, "only what has no card is settled"
        fields: dict[str, Any] = {"status": status, "code": issuers.APPROVED}
        if status == "approved" and about.payer.method != "upi":
            fields["fee"] = views.fee_of(about.amount)
        if status == "pending":
            fields["code"] = DEEMED_CODE
        if decline is not None:
            fields |= _declined(decline, about.payer)
        record = self._state.record(
            "settlement",
            merchant=about.merchant,
            authorization=about.id,
            amount=about.amount,
            currency=about.currency,
            cause=cause,
            **fields,
        )
        if later is not None:
            record.later, record.due = later, record.at + DECISION_MILLISECONDS
        tell = f"authorization.{status}" if status in ("approved", "declined") else None
        self._state.keep(record, about, tell, lambda: self._data(about))

    def _data(self, about: Authorization) -> dict[str, object]:
        return {"operation": views.operation(self._state.journal.read(about.seq), about)}

    def _waiting(self, later: Later, due: int) -> dict[str, Any]:
        return {"status": "waiting", "later": later, "due": due}

    def _until(self, request: requests.AuthorizationWithoutCard) -> int:
        default = UPI_SECONDS if request.upi is not None else BANK_SECONDS
        return self._state.clock() + (request.expires_after_seconds or default) * 1000


def _wanted(about: Authorization, act: str) -> tuple[Status, str | None]:
    """What the customer's act leads to at this bank."""
    assert about.payer is not None, "only who pays without a card acts"
    bank = methods.bank(about.payer.bank_code)
    if act == "decline" or (bank is not None and bank.act == "decline"):
        return "declined", "upi_declined" if about.payer.method == "upi" else "bank_cancelled"
    if act == "defer" or (bank is not None and bank.act == "late"):
        return "pending", None
    return "approved", None


def _has_acted(about: Authorization, act: str) -> bool:
    """Whether this very act has led to how it is now."""
    if about.payer is None or about.payer.method == "wallet" or about.reversed or about.voided:
        return False
    status, decline = _wanted(about, act)
    return about.decline == decline and about.status in (status, "approved" if status == "pending" else status)


def _comes_late(about: Authorization, what: Later) -> bool:
    """Whether an approval comes now to what was given up."""
    assert about.payer is not None, "only what has no card waits for a customer"
    if about.status != "declined" or about.reversed_for_good:
        return False
    if what == "late_success":
        return True
    if about.decline != CALLED_OFF or not (about.reversed or about.voided):
        return False
    bank, row = methods.bank(about.payer.bank_code), methods.address(about.payer.vpa)
    if what == "pending_ends":
        return bank is not None and bank.act == "late"
    return what == "waiting_ends" and row is not None and row.act == "late"


def _vpa(upi: requests.Upi, currency: str) -> str:
    if currency != UPI_CURRENCY:
        raise Refused(400, "invalid", "UPI pays in inr only.", "currency")
    if (upi.flow == "collect") != (upi.vpa is not None):
        message = "Name the customer's UPI address." if upi.vpa is None else "With a link the customer chooses the app."
        raise Refused(400, "invalid", f"{message} A collect request has an address, an intent has none.", "upi.vpa")
    return (upi.vpa or "").lower()


def _check_bank(code: str, currency: str) -> None:
    bank = methods.bank(code)
    if bank is None:
        known = ", ".join(each.code for each in methods.table().banks)
        raise Refused(400, "invalid", f"There is no such bank; there are {known}.", "net_banking.bank_code")
    if bank.currencies is not None and currency not in bank.currencies:
        raise Refused(400, "invalid", f"{bank.name} pays in {', '.join(bank.currencies)} only.", "currency")


def _declined(decline: str, payer: Payer) -> dict[str, Any]:
    code = UPI_CODES.get(decline) if payer.method == "upi" else BANK_CODES.get(decline)
    return {"status": "declined", "code": code or RESPONSE_CODES[decline], "decline": decline}
