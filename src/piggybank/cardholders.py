"""Accounts that the bank's own issuer keeps: balances, limits, holds, and the cards on them."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

import piggybank_cards
from piggybank.authorization import Authorization
from piggybank.issuers import Funds
from piggybank.records import AccountOpened, Record
from piggybank_cards import luhn

ID_PREFIX = "acct"
_CARD_NUMBERS = {  # the issuer's first digits, and how long a number is
    "visa": ("453201", 16),
    "mastercard": ("545301", 16),
    "amex": ("374501", 15),
    "discover": ("601145", 16),
    "diners": ("367001", 14),
    "jcb": ("353001", 16),
    "unionpay": ("622101", 16),
}
CVC_LENGTH_OF_AMEX = 4
CVC_LENGTH = 3


class Secrets:
    """The bank's key: what cards are hashed with, and what numbers of accounts follow from."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash(self, purpose: bytes, content: bytes) -> str:
        return hashlib.blake2b(content, digest_size=12, key=self._key, person=purpose).hexdigest()

    def digits(self, purpose: bytes, content: bytes, length: int) -> str:
        number = int.from_bytes(hashlib.blake2b(content, digest_size=16, key=self._key, person=purpose).digest())
        return str(number % 10**length).zfill(length)


class Account(msgspec.Struct, kw_only=True):
    id: str
    opened: AccountOpened
    number: str
    cvc: str
    balance: int
    held: int = 0

    @property
    def funds(self) -> Funds:
        opened = self.opened
        return Funds(
            available=self.balance - self.held,
            currency=opened.currency,
            exp_month=opened.exp_month,
            exp_year=opened.exp_year,
            cvc=self.cvc,
            limit=opened.limit,
        )

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "number": self.number,
            "exp_month": self.opened.exp_month,
            "exp_year": self.opened.exp_year,
            "cvc": self.cvc,
            "brand": self.opened.brand,
            "balance": self.balance,
            "held": self.held,
            "currency": self.opened.currency,
            "limit": self.opened.limit,
        }


class Wallet(msgspec.Struct, kw_only=True):
    """Money that a customer has at the bank, to pay with at once."""

    id: str
    balance: int
    currency: str
    held: int = 0

    def view(self) -> dict[str, Any]:
        return {"id": self.id, "balance": self.balance, "currency": self.currency}


class Cardholders:
    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._by_hash: dict[str, Account] = {}
        self._by_id: dict[str, Account] = {}
        self._wallets: dict[str, Wallet] = {}

    def find(self, number_hash: str) -> Account | None:
        return self._by_hash.get(number_hash)

    def get(self, account_id: str) -> Account | None:
        return self._by_id.get(account_id)

    def describe(
        self, account_id: str, brand: str, balance: int, currency: str, expiry: tuple[int, int], limit: int | None,
        cvc: str | None,
    ) -> AccountOpened:  # fmt: skip
        """What the journal has to know of a new account."""
        for attempt in range(100):
            number = self._number(account_id, brand, attempt)
            number_hash = self.card_hash(number)
            if number_hash not in self._by_hash and piggybank_cards.by_number(number) is None:
                break
        else:
            raise AssertionError("no card number is free")
        own = self._cvc(account_id, brand)
        shift = 0 if cvc is None else (int(cvc) - int(own)) % 10 ** len(own)
        return AccountOpened(
            brand=brand,
            balance=balance,
            currency=currency,
            exp_month=expiry[1],
            exp_year=expiry[0],
            number_hash=number_hash,
            attempt=attempt,
            cvc_shift=shift,
            limit=limit,
        )

    def open(self, record: Record) -> Account:
        opened = record.opened
        assert opened is not None, "an account's record holds it"
        own = self._cvc(record.id, opened.brand)
        account = Account(
            id=record.id,
            opened=opened,
            number=self._number(record.id, opened.brand, opened.attempt),
            cvc=str((int(own) + opened.cvc_shift) % 10 ** len(own)).zfill(len(own)),
            balance=opened.balance,
        )
        self._by_id[account.id] = self._by_hash[opened.number_hash] = account
        return account

    def wallet(self, wallet_id: str) -> Wallet | None:
        return self._wallets.get(wallet_id)

    def open_wallet(self, record: Record) -> None:
        opened = record.wallet
        assert opened is not None, "a wallet's record holds it"
        self._wallets[record.id] = Wallet(id=record.id, balance=opened.balance, currency=opened.currency)

    def card_hash(self, number: str) -> str:
        return self._secrets.hash(b"card", number.encode())

    def move(self, authorization: Authorization, held_before: int, spent_before: int) -> None:
        """An authorisation on an account has changed: so has what the account holds and has."""
        account = self._by_id.get(authorization.account) or self._wallets[authorization.account]
        account.held += authorization.held - held_before
        account.balance -= authorization.refundable - spent_before

    def _number(self, account_id: str, brand: str, attempt: int) -> str:
        prefix, length = _CARD_NUMBERS[brand]
        digits = prefix + self._secrets.digits(b"number", f"{account_id}:{attempt}".encode(), length - len(prefix) - 1)
        return digits + luhn.check_digit(digits)

    def _cvc(self, account_id: str, brand: str) -> str:
        length = CVC_LENGTH_OF_AMEX if brand == "amex" else CVC_LENGTH
        return self._secrets.digits(b"cvc", account_id.encode(), length)
