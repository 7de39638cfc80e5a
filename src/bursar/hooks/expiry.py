"""An authorisation that the bank has let go by itself: the same end as of one that was released in time."""

from __future__ import annotations

import dataclasses

from bursar.http.endpoint import encode
from bursar.kit.clock import seconds
from bursar.ledger.schemas import Movement
from bursar.ledger.service import LedgerService
from bursar.payments import charge_repository, charge_rules, rules
from bursar.payments import repository as intents
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.repository import StoredIntent
from bursar.store.log import Entry, Origin, differences
from bursar.store.unit import Unit


def expired(
    ledger: LedgerService,
    org_id: str,
    livemode: int,
    stored: StoredIntent,
    charge: StoredCharge,
    now: int,
    origin: Origin,
) -> Unit:
    intent, before = stored.intent, charge.charge
    released = charge_rules.released(before)
    after = rules.released(intent, seconds(now), "automatic")
    held = Movement(
        org_id=org_id,
        livemode=livemode,
        operation_id=None,  # no operation of ours: the bank did it by itself
        source_id=before.id,
        amount_minor=intent.amount_capturable,
        currency=before.currency,
        connector=charge.connector,
        description=before.description,
        wallet=charge.wallet,
    )
    charge_document, intent_document = encode(released), encode(after)
    changes = [
        *ledger.release_hold(held, "expired").changes,
        intents.no_deadline(org_id, livemode, intent.id),
        *charge_repository.update(
            org_id, livemode, charge, dataclasses.replace(charge, charge=released), charge_document
        ),
        *intents.update(org_id, livemode, stored, after, intent_document),
    ]
    previous = differences(encode(before), charge_document)
    entries = [
        Entry(org_id, livemode, "charge.expired", before.id, charge_document, previous, origin),
        Entry(org_id, livemode, f"payment_intent.{after.status}", intent.id, intent_document, origin=origin),
    ]
    return Unit(changes, entries)
