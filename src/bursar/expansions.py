"""Which members of the resources can be expanded, and into what: the one place that knows how features refer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from bursar.disputes.tables import disputes
from bursar.http.documents import loader
from bursar.http.expand import Expansion, Loader
from bursar.payments.tables import charges, payment_intents
from bursar.refunds.tables import refunds
from bursar.runtime import Runtime

Expansions = Mapping[str, Expansion]


@dataclass(frozen=True, slots=True)
class Loaders:
    balance_transaction: Loader
    charge: Loader
    customer: Loader
    dispute: Loader
    payment_intent: Loader
    payment_method: Loader
    refund: Loader
    refunds_of_charges: Loader


def loaders(runtime: Runtime) -> Loaders:
    return Loaders(
        balance_transaction=runtime.ledger.load,
        charge=loader(runtime.store, charges),
        customer=runtime.methods.load_customers,
        dispute=loader(runtime.store, disputes),
        payment_intent=loader(runtime.store, payment_intents),
        payment_method=runtime.methods.load,
        refund=loader(runtime.store, refunds),
        refunds_of_charges=runtime.refunds.load_of_charges,
    )


def of_methods(known: Loaders) -> Expansions:
    return {"customer": Expansion(load=known.customer)}


def of_charges(known: Loaders) -> Expansions:
    """Without the way back to the intent's own charge: four levels end it anyway."""
    customer = Expansion(load=known.customer)
    transaction = Expansion(load=known.balance_transaction)
    intent = {
        "customer": customer,
        "payment_method": Expansion(load=known.payment_method, nested=of_methods(known)),
        "latest_charge": Expansion(load=known.charge, nested={"balance_transaction": transaction}),
    }
    return {
        "balance_transaction": transaction,
        "customer": customer,
        "failure_balance_transaction": transaction,
        "payment_intent": Expansion(load=known.payment_intent, nested=intent),
        # A list is only there when it is asked for, and found by the charge that it is of.
        "refunds": Expansion(include=itemgetter("id"), load=known.refunds_of_charges),
        **_EMPTY_OF_CHARGES,
    }


def of_refunds(known: Loaders) -> Expansions:
    transaction = Expansion(load=known.balance_transaction)
    return {
        "balance_transaction": transaction,
        "charge": Expansion(load=known.charge, nested=of_charges(known)),
        "customer": Expansion(load=known.customer),
        "failure_balance_transaction": transaction,
        "payment_intent": Expansion(load=known.payment_intent, nested=of_intents(known)),
        "payment_method": Expansion(load=known.payment_method, nested=of_methods(known)),
        **_EMPTY_OF_REFUNDS,
    }


def of_disputes(known: Loaders) -> Expansions:
    return {
        "charge": Expansion(load=known.charge, nested=of_charges(known)),
        "payment_intent": Expansion(load=known.payment_intent, nested=of_intents(known)),
    }


def of_intents(known: Loaders) -> Expansions:
    return {
        "customer": Expansion(load=known.customer),
        "latest_charge": Expansion(load=known.charge, nested=of_charges(known)),
        "payment_method": Expansion(load=known.payment_method, nested=of_methods(known)),
        **_EMPTY_OF_INTENTS,
    }


def of_setups(known: Loaders) -> Expansions:
    return {
        "customer": Expansion(load=known.customer),
        "payment_method": Expansion(load=known.payment_method, nested=of_methods(known)),
        **_EMPTY_OF_SETUPS,
    }


# Members that are always empty here: asking for them is no mistake.
_EMPTY_OF_CHARGES = {
    name: Expansion()
    for name in ("application", "application_fee", "on_behalf_of", "review", "source_transfer", "transfer")
}
_EMPTY_OF_INTENTS = {name: Expansion() for name in ("application", "on_behalf_of", "review", "source")}
_EMPTY_OF_REFUNDS = {name: Expansion() for name in ("source_transfer_reversal", "transfer_reversal")}
_EMPTY_OF_SETUPS = {
    name: Expansion() for name in ("application", "latest_attempt", "mandate", "on_behalf_of", "single_use_mandate")
}
