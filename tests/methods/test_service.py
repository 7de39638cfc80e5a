"""Payment methods as payments use them."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from bursar.events.tables import events
from bursar.http.call import Effect
from bursar.kit.errors import CardError, InvalidRequest, NotFound
from bursar.methods.schemas import (
    AttachParams,
    PaymentMethod,
    PaymentMethodListParams,
    Token,
    TokenCardParams,
    TokenParams,
    card_of,
)
from bursar.store.errors import RowsExpected
from bursar.store.unit import Unit
from bursar.vault import repository as vault_repository
from tests.databases import Database, on, sqlite_database
from tests.methods.harness import CODE, NUMBER, ORG, Bench, bench, by_token, call, data


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return sqlite_database(tmp_path)


def method_of(effect: Effect) -> PaymentMethod:
    assert isinstance(effect.result, PaymentMethod)
    return effect.result


async def attach(tools: Bench, method_id: str, customer_id: str) -> PaymentMethod:
    effect = await tools.service.attach(call(payment_method=method_id), AttachParams(customer=customer_id))
    await tools.commit(effect)
    return method_of(effect)


async def detach(tools: Bench, method_id: str) -> PaymentMethod:
    effect = await tools.service.detach(call(payment_method=method_id))
    await tools.commit(effect)
    return method_of(effect)


def sealed_ids(tools: Bench) -> set[str]:
    """Whose numbers are in the vault."""
    cards = tools.store.read_blocking(
        lambda connection: vault_repository.cards_behind(connection, ORG, 0, 1_000_000, "", 1_000)
    )
    return {card.token_id for card in cards}


def logged(tools: Bench) -> list[str]:
    query = select(events.c.event_type).where(events.c.event_type.like("payment_method.%")).order_by(events.c.id)
    return tools.store.read_blocking(lambda connection: list(connection.execute(query).scalars()))


def test_a_card_of_a_payment_reads_no_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            await tools.vault.seal(ORG, 0, "pm_0", NUMBER)  # the organisation's key is known from here on

            async def refuse(_: object) -> None:
                raise AssertionError("the database was asked")

            monkeypatch.setattr(tools.store, "read", refuse)
            monkeypatch.setattr(tools.store, "transact", refuse)
            prepared = await tools.service.from_data(call(), data())
            assert (prepared.card.number, prepared.card.cvc) == (NUMBER, CODE)
            assert prepared.version == 0
            assert prepared.changes
            assert prepared.entries == []

    asyncio.run(scenario())


@pytest.mark.parametrize("empty_database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
def test_a_stored_method_gives_its_card_on_every_database(empty_database: Database) -> None:
    async def scenario() -> None:
        with bench(empty_database) as tools:
            method = await tools.method()
            prepared = await tools.service.from_id(call(), method.id)
            assert prepared.card.number == NUMBER
            assert (prepared.version, prepared.changes, prepared.entries) == (1, [], [])
            assert prepared.method == method
            customer_id = await tools.customer()
            attached = await attach(tools, method.id, customer_id)
            assert attached.customer == customer_id
            page = await tools.service.page(call(), PaymentMethodListParams(customer=customer_id))
            assert page.data == [attached]
            loaded = await tools.service.load(call(), [method.id, "pm_none"])
            assert loaded == {method.id: msgspec.to_builtins(attached)}
            await detach(tools, method.id)
            page = await tools.service.page(call(), PaymentMethodListParams(customer=customer_id))
            assert page.data == []

    asyncio.run(scenario())


def test_the_security_code_is_handed_to_the_first_payment_only(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            method = await tools.method()
            assert (await tools.service.from_id(call(), method.id, use=False)).card.cvc is None
            assert (await tools.service.from_id(call(), method.id)).card.cvc == CODE
            assert (await tools.service.from_id(call(), method.id)).card.cvc is None

    asyncio.run(scenario())


def test_a_card_for_a_payment_at_once_leaves_its_code_nowhere(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            await tools.service.from_data(call(), data())
            assert len(tools.codes) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["pm_card_visa", "pm_card_amex", "pm_card_visa_chargeDeclined"])
def test_a_name_of_a_test_card_makes_a_new_method_each_time(database: Database, name: str) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            first = await tools.service.from_id(call(), name)
            second = await tools.service.from_id(call(), name)
            assert first.method.id != second.method.id
            assert card_of(first.method).fingerprint == card_of(second.method).fingerprint
            assert first.card.cvc
            assert first.version == 0
            with pytest.raises(NotFound):
                await tools.service.from_id(call(livemode=1), name)

    asyncio.run(scenario())


@pytest.mark.parametrize("method_id", ["tok_visa", "tok_1", "src_1", "card_1", "ba_1"])
def test_ids_of_other_kinds_are_refused_with_the_remedy(database: Database, method_id: str) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            with pytest.raises(InvalidRequest, match=r"payment.method") as caught:
                await tools.service.from_id(call(), method_id, param="payment_method")
            assert caught.value.param == "payment_method"

    asyncio.run(scenario())


def test_another_organisation_s_method_is_not_there(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            method = await tools.method()
            for stranger in (call(org_id="acct_other"), call(livemode=1)):
                with pytest.raises(NotFound) as caught:
                    await tools.service.from_id(stranger, method.id, param="payment_method")
                assert (caught.value.code, caught.value.param) == ("resource_missing", "payment_method")

    asyncio.run(scenario())


def test_a_card_number_where_an_id_belongs_is_not_repeated(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            with pytest.raises(NotFound) as caught:
                await tools.service.from_id(call(), NUMBER)
            assert NUMBER not in caught.value.message

    asyncio.run(scenario())


def test_a_detached_method_is_gone_for_good_and_its_card_with_it(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            method = await tools.method()
            customer_id = await tools.customer()
            await attach(tools, method.id, customer_id)
            assert method.id in sealed_ids(tools)
            detached = await detach(tools, method.id)
            assert detached.customer is None
            assert method.id not in sealed_ids(tools)
            for again in (
                tools.service.from_id(call(), method.id),
                tools.service.attach(call(payment_method=method.id), AttachParams(customer=customer_id)),
                tools.service.detach(call(payment_method=method.id)),
            ):
                with pytest.raises(InvalidRequest) as caught:
                    await again
                assert caught.value.code == "payment_method_unexpected_state"
            assert logged(tools) == ["payment_method.attached", "payment_method.detached"]

    asyncio.run(scenario())


def test_attaching_twice_to_one_customer_changes_nothing_and_to_another_is_refused(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            method = await tools.method()
            customer_id, other_id = await tools.customer(), await tools.customer()
            await attach(tools, method.id, customer_id)
            effect = await tools.service.attach(call(payment_method=method.id), AttachParams(customer=customer_id))
            assert effect.unit == Unit()
            with pytest.raises(InvalidRequest) as caught:
                await attach(tools, method.id, other_id)
            assert caught.value.code == "payment_method_unexpected_state"

    asyncio.run(scenario())


def test_a_card_that_its_bank_would_refuse_is_not_attached(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            customer_id = await tools.customer()
            stored = await tools.method("4000000000000002")
            for method_id in (stored.id, "pm_card_chargeDeclined"):
                with pytest.raises(CardError) as caught:
                    await attach(tools, method_id, customer_id)
                assert (caught.value.code, caught.value.decline_code) == ("card_declined", "generic_decline")
            assert (await attach(tools, "pm_card_chargeCustomerFail", customer_id)).customer == customer_id

    asyncio.run(scenario())


def test_a_customer_that_vanishes_meanwhile_keeps_nothing(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            method = await tools.method()
            customer_id = await tools.customer()
            attaching = await tools.service.attach(call(payment_method=method.id), AttachParams(customer=customer_id))
            await tools.commit(await tools.customers.delete(call(customer=customer_id)))
            with pytest.raises(RowsExpected):
                await tools.commit(attaching)
            with pytest.raises(NotFound) as caught:
                await attach(tools, method.id, customer_id)
            assert caught.value.param == "customer"

    asyncio.run(scenario())


def test_a_deletion_that_has_not_seen_an_attachment_must_look_again(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            method = await tools.method()
            customer_id = await tools.customer()
            deleting = await tools.customers.delete(call(customer=customer_id))
            await attach(tools, method.id, customer_id)
            with pytest.raises(RowsExpected):
                await tools.commit(deleting)

    asyncio.run(scenario())


def test_a_deleted_customer_s_methods_are_detached_with_it(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            customer_id = await tools.customer()
            kept = [await attach(tools, "pm_card_visa", customer_id) for _ in range(3)]
            deletion = await tools.customers.delete(call(customer=customer_id))
            await tools.commit(deletion)
            told = [entry.event_type for entry in deletion.unit.entries]
            assert told == ["customer.deleted", *["payment_method.detached"] * 3]
            for method in kept:
                assert (await tools.service.find(call(), method.id)).state == "detached"
            assert not sealed_ids(tools)

    asyncio.run(scenario())


def test_a_method_is_kept_for_the_customer_after_a_payment(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            customer_id = await tools.customer()
            prepared = await tools.service.from_data(call(), data())
            await tools.store.commit(Unit(prepared.changes, prepared.entries))
            attached, changes, entries = tools.service.attachment(call(), prepared.method, 1, customer_id)
            await tools.store.commit(Unit(changes, entries))
            assert (await tools.service.find(call(), prepared.method.id)).method == attached
            assert (await tools.service.from_id(call(), prepared.method.id)).version == 2
            assert tools.service.attachment(call(), attached, 2, customer_id) == (attached, [], [])

    asyncio.run(scenario())


async def new_token(tools: Bench, number: str = NUMBER) -> Token:
    params = TokenParams(
        card=TokenCardParams(number=number, exp_month=12, exp_year=34, cvc=CODE, name="Ada", address_zip="50667")
    )
    effect = await tools.service.create_token(call(), params)
    await tools.commit(effect)
    assert isinstance(effect.result, Token)
    return effect.result


def test_a_token_becomes_one_method_with_all_that_it_knew(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            token = await new_token(tools)
            prepared = await tools.service.from_data(call(), by_token(token.id))
            assert (prepared.card.number, prepared.card.cvc) == (NUMBER, CODE)
            assert (prepared.card.name, prepared.card.postal_code) == ("Ada", "50667")
            assert card_of(prepared.method).fingerprint == token.card.fingerprint
            await tools.store.commit(Unit(prepared.changes, prepared.entries))
            assert sealed_ids(tools) == {prepared.method.id}
            assert (await tools.service.retrieve_token(call(token=token.id))).used
            with pytest.raises(InvalidRequest) as caught:
                await tools.service.from_data(call(), by_token(token.id))
            assert (caught.value.code, caught.value.param) == ("token_already_used", "card[token]")

    asyncio.run(scenario())


def test_a_token_that_two_use_at_once_is_used_by_one(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            token = await new_token(tools)
            both = [await tools.service.from_data(call(), by_token(token.id)) for _ in range(2)]
            ends = await asyncio.gather(
                *(tools.store.commit(Unit(prepared.changes)) for prepared in both), return_exceptions=True
            )
            assert sorted(type(end).__name__ for end in ends) == ["NoneType", "RowsExpected"]
            assert len(sealed_ids(tools)) == 1

    asyncio.run(scenario())


def test_tokens_of_test_cards_are_known_by_name_in_test_mode_only(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            prepared = await tools.service.from_data(call(), by_token("tok_mastercard"))
            assert card_of(prepared.method).brand == "mastercard"
            for stranger, token_id in ((call(livemode=1), "tok_mastercard"), (call(), "tok_none")):
                with pytest.raises(NotFound) as caught:
                    await tools.service.from_data(stranger, by_token(token_id))
                assert caught.value.param == "card[token]"

    asyncio.run(scenario())


def test_a_token_and_a_card_together_are_refused(database: Database) -> None:
    async def scenario() -> None:
        with bench(database) as tools:
            both = data()
            assert both.card is not None
            both.card.token = "tok_visa"
            with pytest.raises(InvalidRequest) as caught:
                await tools.service.from_data(call(), both)
            assert caught.value.param == "card[token]"

    asyncio.run(scenario())
