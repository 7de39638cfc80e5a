"""The books against a model of a few numbers, whatever happens in whatever order."""

import contextlib
from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bursar.kit.clock import ManualClock
from bursar.kit.money import CURRENCIES
from bursar.ledger.accounts import DAY_MICROSECONDS
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.ledger.harness import Ledger, ledger_on, movement, new_id

BY_EXPONENT = [sorted(code for code, one in CURRENCIES.items() if one.exponent == exponent) for exponent in (0, 2, 3)]
currencies = st.one_of(*(st.sampled_from(codes) for codes in BY_EXPONENT))
amounts = st.integers(2, 10**8)
fees = st.integers(0, 5_000)


@dataclass
class Charge:
    id: str
    currency: str
    held: int = 0
    captured: int = 0
    refunded: int = 0
    disputed: int = 0


@dataclass
class Wallet:
    authorised: int = 0
    available: int = 0
    pending: dict[int, int] = field(default_factory=lambda: defaultdict(int))


class BooksMachine(RuleBasedStateMachine):
    @initialize(second_of_day=st.integers(0, 86_399))
    def open(self, second_of_day: int) -> None:
        self.closing = contextlib.ExitStack()
        self.clock = ManualClock(20_000 * DAY_MICROSECONDS + second_of_day * 1_000_000)
        self.ledger: Ledger = self.closing.enter_context(ledger_on(Database("memory", MEMORY_URL), self.clock))
        self.wallets: dict[str, Wallet] = defaultdict(Wallet)
        self.charges: list[Charge] = []

    def teardown(self) -> None:
        assert self.ledger.findings() == []
        self.closing.close()

    @property
    def today(self) -> int:
        return self.clock.microseconds // DAY_MICROSECONDS

    @rule(currency=currencies, amount=amounts, fee=fees, at_once=st.booleans())
    def sell(self, currency: str, amount: int, fee: int, at_once: bool) -> None:
        charge = Charge(self.ledger.sale(amount, fee, at_once=at_once, currency=currency), currency, captured=amount)
        self.charges.append(charge)
        self._earn(currency, amount - fee, at_once)

    @rule(currency=currencies, amount=amounts)
    def authorise(self, currency: str, amount: int) -> None:
        self.charges.append(Charge(self.ledger.hold(amount, currency), currency, held=amount))
        self.wallets[currency].authorised += amount

    @precondition(lambda self: any(charge.held for charge in self.charges))
    @rule(data=st.data(), fee=fees, final=st.booleans(), at_once=st.booleans())
    def capture(self, data: st.DataObject, fee: int, final: bool, at_once: bool) -> None:
        charge = data.draw(st.sampled_from([charge for charge in self.charges if charge.held]))
        amount = data.draw(st.integers(1, charge.held))
        effect = self.ledger.service.capture(
            movement(amount, charge.id, charge.currency),
            fee_minor=fee,
            held_minor=charge.held,
            final=final,
            available_at_once=at_once,
        )
        self.ledger.commit(effect)
        left = 0 if final else charge.held - amount
        assert effect.held_minor == left
        self.wallets[charge.currency].authorised -= charge.held - left
        charge.held, charge.captured = left, charge.captured + amount
        self._earn(charge.currency, amount - fee, at_once)

    @precondition(lambda self: any(charge.held for charge in self.charges))
    @rule(data=st.data(), amount=amounts)
    def increment(self, data: st.DataObject, amount: int) -> None:
        charge = data.draw(st.sampled_from([charge for charge in self.charges if charge.held]))
        order = movement(amount, charge.id, charge.currency)
        self.ledger.commit(self.ledger.service.increment(order, held_minor=charge.held))
        charge.held += amount
        self.wallets[charge.currency].authorised += amount

    @precondition(lambda self: any(charge.held for charge in self.charges))
    @rule(data=st.data(), resolution=st.sampled_from(["voided", "expired", "reversed"]))
    def release_hold(self, data: st.DataObject, resolution: str) -> None:
        charge = data.draw(st.sampled_from([charge for charge in self.charges if charge.held]))
        order = movement(charge.held, charge.id, charge.currency, operation_id=None)
        self.ledger.commit(self.ledger.service.release_hold(order, resolution))  # type: ignore[arg-type]
        self.wallets[charge.currency].authorised -= charge.held
        charge.held = 0

    @precondition(lambda self: any(charge.captured > charge.refunded for charge in self.charges))
    @rule(data=st.data(), fails=st.booleans())
    def refund(self, data: st.DataObject, fails: bool) -> None:
        charge = data.draw(st.sampled_from([charge for charge in self.charges if charge.captured > charge.refunded]))
        amount = data.draw(st.integers(1, charge.captured - charge.refunded))
        refund_id = new_id("re")
        self.ledger.commit(self.ledger.service.refund(movement(amount, refund_id, charge.currency)))
        if fails:
            order = movement(amount, refund_id, charge.currency, operation_id=None)
            self.ledger.commit(self.ledger.service.refund_failed(order))
            return
        charge.refunded += amount
        self.wallets[charge.currency].available -= amount

    @precondition(lambda self: any(charge.captured > charge.disputed for charge in self.charges))
    @rule(data=st.data(), fee=fees, won=st.booleans())
    def dispute(self, data: st.DataObject, fee: int, won: bool) -> None:
        charge = data.draw(st.sampled_from([charge for charge in self.charges if charge.captured > charge.disputed]))
        amount = charge.captured - charge.disputed
        order = movement(amount, new_id("du"), charge.currency, operation_id=None)
        self.ledger.commit(self.ledger.service.dispute_withdrawn(order, fee_minor=fee))
        if won:
            self.ledger.commit(self.ledger.service.dispute_reinstated(order, fee_minor=fee))
            return
        charge.disputed += amount
        self.wallets[charge.currency].available -= amount + fee

    @rule(currency=currencies, amount=amounts, fee=fees)
    def sell_and_reverse(self, currency: str, amount: int, fee: int) -> None:
        source_id = self.ledger.sale(amount, fee, currency=currency)
        self._earn(currency, amount - fee, at_once=False)
        self.ledger.commit(self.ledger.service.reverse(movement(amount, source_id, currency), fee_minor=fee))
        self.wallets[currency].available -= amount - fee

    @rule(hours=st.integers(1, 80))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours * 3600)

    @rule()
    def run_release(self) -> None:
        self.ledger.release()

    @rule()
    def run_snapshots(self) -> None:
        self.ledger.take_snapshots()

    @invariant()
    def the_balance_is_that_of_the_model(self) -> None:
        found = self.ledger.balances()
        assert found.keys() <= self.wallets.keys()
        for currency, wallet in self.wallets.items():
            if currency not in found:  # all of it went to fees, so the wallet never had a posting
                assert not wallet.authorised
                assert not wallet.available
                assert not any(wallet.pending.values())
                continue
            due = sum(amount for day, amount in wallet.pending.items() if day <= self.today)
            waiting = sum(amount for day, amount in wallet.pending.items() if day > self.today)
            assert found[currency].available_minor == wallet.available + due
            assert found[currency].pending_minor == waiting
            assert found[currency].authorised_minor == wallet.authorised
            assert found[currency].reserved_minor == 0

    def _earn(self, currency: str, net: int, at_once: bool) -> None:
        if at_once:
            self.wallets[currency].available += net
        else:
            self.wallets[currency].pending[self.today + 2] += net


BooksMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestBooks = BooksMachine.TestCase
