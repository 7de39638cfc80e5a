"""The vault's SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from bursar.store.unit import Change
from bursar.vault.schemas import DataKey, KeyState, SealedCard
from bursar.vault.tables import data_keys, vault_cards

INSERT_CARD = vault_cards.insert()
INSERT_KEY = data_keys.insert()
_SAME_CARD = (
    vault_cards.c.org_id == bindparam("o"),
    vault_cards.c.livemode == bindparam("m"),
    vault_cards.c.id == bindparam("i"),
)
_SAME_KEY = (
    data_keys.c.org_id == bindparam("o"),
    data_keys.c.livemode == bindparam("m"),
    data_keys.c.version == bindparam("v"),
)
DELETE_CARD = vault_cards.delete().where(*_SAME_CARD)
# Only if nobody re-encrypted it in the meantime. A card that was deleted in between is no failure either.
RESEAL_CARD = (
    vault_cards.update()
    .where(
        *_SAME_CARD,
        vault_cards.c.key_version == bindparam("expected_key_version"),
        vault_cards.c.sealed == bindparam("expected_sealed"),
    )
    .values(key_version=bindparam("new_key_version"), sealed=bindparam("new_sealed"))
)
REWRAP_KEY = (
    data_keys.update()
    .where(*_SAME_KEY, data_keys.c.wrapped == bindparam("expected_wrapped"))
    .values(wrapped=bindparam("new_wrapped"), kek_id=bindparam("new_kek_id"))
)
SET_KEY_STATE = (
    data_keys.update()
    .where(*_SAME_KEY, data_keys.c.state == bindparam("expected_state"))
    .values(state=bindparam("new_state"))
)
# The plan of a rotation: one mark on every key that seals now. It lies in the database, so it outlives a crash.
MARK_LEAVING = data_keys.update().where(data_keys.c.state == "active").values(state="leaving")
_FIND_CARD = select(vault_cards.c.id, vault_cards.c.key_version, vault_cards.c.sealed).where(*_SAME_CARD)
_FIND_KEYS = (
    select(data_keys)
    .where(data_keys.c.org_id == bindparam("o"), data_keys.c.livemode == bindparam("m"))
    .order_by(data_keys.c.version)
)


def insert_card(org_id: str, livemode: int, card: SealedCard) -> Change:
    row = {
        "org_id": org_id,
        "livemode": livemode,
        "id": card.token_id,
        "key_version": card.key_version,
        "sealed": card.sealed,
    }
    return Change(INSERT_CARD, row)


def delete_card(org_id: str, livemode: int, token_id: str) -> Change:
    return Change(DELETE_CARD, {"o": org_id, "m": livemode, "i": token_id})


def reseal_card(org_id: str, livemode: int, before: SealedCard, after: SealedCard) -> Change:
    row = {
        "o": org_id,
        "m": livemode,
        "i": before.token_id,
        "expected_key_version": before.key_version,
        "expected_sealed": before.sealed,
        "new_key_version": after.key_version,
        "new_sealed": after.sealed,
    }
    return Change(RESEAL_CARD, row)


def insert_key(key: DataKey) -> Change:
    row = {
        "org_id": key.org_id,
        "livemode": key.livemode,
        "version": key.version,
        "wrapped": key.wrapped,
        "kek_id": key.kek_id,
        "created": key.created,
        "state": key.state,
    }
    return Change(INSERT_KEY, row)


def rewrap_key(before: DataKey, wrapped: str, kek_id: str) -> Change:
    row = _key_row(before) | {"expected_wrapped": before.wrapped, "new_wrapped": wrapped, "new_kek_id": kek_id}
    return Change(REWRAP_KEY, row)


def set_key_state(key: DataKey, state: KeyState) -> Change:
    return Change(SET_KEY_STATE, _key_row(key) | {"expected_state": key.state, "new_state": state}, rows_expected=1)


def find_card(connection: Connection, org_id: str, livemode: int, token_id: str) -> SealedCard | None:
    row = connection.execute(_FIND_CARD, {"o": org_id, "m": livemode, "i": token_id}).first()
    return _card(row) if row else None


def find_keys(connection: Connection, org_id: str, livemode: int) -> list[DataKey]:
    """Oldest first."""
    return [_key(row) for row in connection.execute(_FIND_KEYS, {"o": org_id, "m": livemode})]


def all_keys(connection: Connection) -> list[DataKey]:
    order = (data_keys.c.org_id, data_keys.c.livemode, data_keys.c.version)
    return [_key(row) for row in connection.execute(select(data_keys).order_by(*order))]


def cards_behind(
    connection: Connection, org_id: str, livemode: int, newest_version: int, after_id: str, rows: int
) -> list[SealedCard]:
    """Cards under older keys, in the order of their ids."""
    found = connection.execute(
        select(vault_cards.c.id, vault_cards.c.key_version, vault_cards.c.sealed)
        .where(
            vault_cards.c.org_id == org_id,
            vault_cards.c.livemode == livemode,
            vault_cards.c.id > after_id,
            vault_cards.c.key_version < newest_version,
        )
        .order_by(vault_cards.c.id)
        .limit(rows)
    )
    return [_card(row) for row in found]


def count_cards(connection: Connection) -> dict[tuple[str, int, int], int]:
    """How many cards lie under each key, by organisation, mode and version."""
    columns = (vault_cards.c.org_id, vault_cards.c.livemode, vault_cards.c.key_version)
    rows = connection.execute(select(*columns, func.count()).group_by(*columns))
    return {(org_id, livemode, version): count for org_id, livemode, version, count in rows}


def used_versions(connection: Connection, keys: Sequence[DataKey]) -> set[tuple[str, int, int]]:
    """Which of these keys still have a card under them."""
    if not keys:
        return set()
    columns = (vault_cards.c.org_id, vault_cards.c.livemode, vault_cards.c.key_version)
    wanted = or_(*(and_(*_of_key(key)) for key in keys))
    return {tuple(row) for row in connection.execute(select(*columns).where(wanted).distinct())}


def _of_key(key: DataKey) -> tuple[Any, ...]:
    return (
        vault_cards.c.org_id == key.org_id,
        vault_cards.c.livemode == key.livemode,
        vault_cards.c.key_version == key.version,
    )


def _key_row(key: DataKey) -> dict[str, Any]:
    return {"o": key.org_id, "m": key.livemode, "v": key.version}


def _card(row: Any) -> SealedCard:
    return SealedCard(token_id=row.id, key_version=row.key_version, sealed=row.sealed)


def _key(row: Any) -> DataKey:
    return DataKey(
        org_id=row.org_id,
        livemode=row.livemode,
        version=row.version,
        wrapped=row.wrapped,
        kek_id=row.kek_id,
        created=row.created,
        state=row.state,
    )
