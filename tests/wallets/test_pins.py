"""A PIN is not guessed: every try is counted before it is looked at, whoever tries, and however many at once."""

import asyncio

import pytest
from sqlalchemy import select

from bursar.events.tables import events
from bursar.http.call import Call
from bursar.kit.clock import ManualClock
from bursar.kit.errors import Unavailable
from bursar.store.engine import MEMORY_URL
from bursar.wallets.errors import PinPaused, PinRefused
from bursar.wallets.rules import PAUSE_SECONDS, TRIES_MAX
from bursar.wallets.schemas import Wallet
from bursar.wallets.tables import wallet_pins
from tests.databases import Database, on
from tests.wallets.harness import ORG, House, house_on, person, secret_key, together

PIN, WRONG = "480953", "715204"


def with_pin(house: House) -> Wallet:
    return house.wallet(pin_hash=asyncio.run(house.wallets.hash_pin(PIN)))


def call() -> Call:
    return Call(secret_key(), "req_1", "192.0.2.7")


def tried(house: House, wallet: Wallet, pin: str) -> type[Exception] | None:
    try:
        asyncio.run(house.wallets.check_pin(wallet, pin, call()))
    except (PinRefused, PinPaused) as refusal:
        return type(refusal)
    return None


def test_the_right_pin_is_let_through_and_forgives(house: House) -> None:
    wallet = with_pin(house)
    for _ in range(3):
        for _ in range(TRIES_MAX - 1):
            assert tried(house, wallet, WRONG) is PinRefused
        assert tried(house, wallet, PIN) is None


def test_five_wrong_ones_begin_a_pause_that_the_right_one_does_not_end(house: House, clock: ManualClock) -> None:
    wallet = with_pin(house)
    for pause in (PAUSE_SECONDS, 2 * PAUSE_SECONDS):
        for _ in range(TRIES_MAX):
            assert tried(house, wallet, WRONG) is PinRefused
        assert tried(house, wallet, PIN) is PinPaused
        clock.advance(pause - 1)
        assert tried(house, wallet, PIN) is PinPaused
        clock.advance(1)
    assert tried(house, wallet, PIN) is None
    for _ in range(TRIES_MAX):
        tried(house, wallet, WRONG)
    clock.advance(PAUSE_SECONDS)
    assert tried(house, wallet, PIN) is None
    assert house.told().count("bursar.wallet_pin.paused") == 3
    assert house.told().count("bursar.wallet_pin.refused") == 3 * TRIES_MAX


def test_a_pause_says_how_long_it_is(house: House) -> None:
    wallet = with_pin(house)
    for _ in range(TRIES_MAX):
        tried(house, wallet, WRONG)
    with pytest.raises(PinPaused, match="15 minutes") as refusal:
        asyncio.run(house.wallets.check_pin(wallet, PIN, call()))
    assert refusal.value.retry_after_seconds == PAUSE_SECONDS
    assert (refusal.value.status, refusal.value.code, refusal.value.param) == (429, "pin_paused", "pin")


def test_what_is_counted_outlives_the_process(tmp_path: object) -> None:
    database = Database("sqlite", f"sqlite:///{tmp_path}/bursar.db")
    clock = ManualClock()
    with house_on(database, clock) as house:
        wallet = with_pin(house)
        for _ in range(TRIES_MAX):
            tried(house, wallet, WRONG)
    with house_on(database, clock) as house:
        assert tried(house, wallet, PIN) is PinPaused


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_of_many_wrong_ones_at_once_five_are_looked_at(database: Database) -> None:
    with house_on(database, writers=1 if database.kind == "sqlite" else 2) as house:
        wallet = with_pin(house)
        looked_at = 0
        matches = house.slow_hash.matches

        async def counted(secret: str, known: str | None) -> bool:
            nonlocal looked_at
            looked_at += 1
            return await matches(secret, known)

        house.slow_hash.matches = counted  # type: ignore[method-assign]

        async def scenario() -> list[object]:
            found = await together([lambda: house.wallets.check_pin(wallet, WRONG, call()) for _ in range(20)])
            return [type(one) for one in found]

        outcomes = asyncio.run(scenario())
        assert looked_at == TRIES_MAX
        assert outcomes.count(PinRefused) == TRIES_MAX
        assert outcomes.count(PinPaused) == 20 - TRIES_MAX


def test_a_wallet_without_a_pin_is_told_apart_by_nobody(house: House) -> None:
    for wallet in (house.wallet(), with_pin(house)):
        with pytest.raises(PinRefused) as refusal:
            asyncio.run(house.wallets.check_pin(wallet, WRONG, call()))
        assert refusal.value.message.replace(wallet.code, "…").startswith("This is not the PIN of the wallet, or the")


def test_a_try_that_could_not_be_looked_at_does_not_count(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet = with_pin(house)

    async def busy(_secret: str, _known: str | None) -> bool:
        raise Unavailable("Too many people sign in at this moment.")

    for wrong in range(TRIES_MAX):
        with monkeypatch.context() as patched:
            patched.setattr(house.slow_hash, "matches", busy)
            with pytest.raises(Unavailable):
                asyncio.run(house.wallets.check_pin(wallet, PIN, call()))
        if wrong < TRIES_MAX - 1:
            assert tried(house, wallet, WRONG) is PinRefused
    assert tried(house, wallet, PIN) is None


def test_a_new_pin_begins_with_all_its_tries(house: House, clock: ManualClock) -> None:
    wallet = with_pin(house)
    for _ in range(TRIES_MAX):
        tried(house, wallet, WRONG)
    proved = clock.now_microseconds()
    house.asked(
        "PUT", "/api/v1/wallets/{code}/pin", {"pin": WRONG}, code=wallet.code, who=person("ada", proved_at=proved)
    )
    assert tried(house, wallet, WRONG) is None


def test_nothing_keeps_a_pin_in_the_clear(house: House) -> None:
    wallet = with_pin(house)
    tried(house, wallet, WRONG)
    row = house.store.read_blocking(lambda connection: connection.execute(select(wallet_pins)).one())
    assert row.pin_hash.startswith("$argon2id$")
    told = house.store.read_blocking(lambda connection: connection.execute(select(events.c.data)).scalars().all())
    assert told
    assert not [data for data in told if PIN in data or WRONG in data or "argon2" in data]


def test_one_wallets_pin_is_not_anothers() -> None:
    with house_on(Database("memory", MEMORY_URL)) as house:
        first, second = with_pin(house), house.wallet(pin_hash=asyncio.run(house.wallets.hash_pin(WRONG)))
        assert tried(house, second, PIN) is PinRefused
        assert tried(house, first, PIN) is None
        assert house.told(ORG).count("bursar.wallet_pin.refused") == 1
