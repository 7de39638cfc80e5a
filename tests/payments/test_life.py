"""The state machine of payments, and proof that it can fail."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bursar.attempts import repository as attempts
from bursar.attempts.commands import InProcess
from bursar.attempts.resolver import Resolver
from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import Card, Outcome
from bursar.hooks import matching
from bursar.http.execution import Execution
from bursar.payments import operations, repository, service
from bursar.payments.confirmation import Confirmation
from bursar.payments.tables import payment_intents
from bursar.store.unit import Unit
from tests.payments.machine import PaymentLife

SHORT = settings(
    max_examples=80,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(SHORT, max_examples=1_500, stateful_step_count=40, derandomize=False, print_blob=True)
# Whether there is an error counts, not how small it can be told.
SEARCH = settings(SHORT, max_examples=300, phases=[Phase.generate])


def test_payments_end_as_the_model_and_the_bank_say() -> None:
    run_state_machine_as_test(PaymentLife, settings=SHORT)


@pytest.mark.slow
def test_payments_end_as_the_model_and_the_bank_say_in_many_lives() -> None:
    run_state_machine_as_test(PaymentLife, settings=LONG)


def _take_unknown_for_declined(patch: pytest.MonkeyPatch) -> None:
    carry_out = InProcess.carry_out

    async def guessing(self: InProcess, attempt: Attempt, card: Card | None) -> Outcome:
        outcome = await carry_out(self, attempt, card)
        return Outcome(kind="declined") if outcome.kind == "unknown" else outcome

    patch.setattr(InProcess, "carry_out", guessing)


def _forget_the_reference(patch: pytest.MonkeyPatch) -> None:
    """What may have arrived is sent again as if it were something new."""
    find_out = InProcess._find_out

    async def forgetful(self: InProcess, attempt: Attempt, card: Card | None) -> Outcome:
        return await find_out(self, msgspec.structs.replace(attempt, id=f"{attempt.id}_again"), card)

    patch.setattr(InProcess, "_find_out", forgetful)


def _give_up_without_reversing(patch: pytest.MonkeyPatch) -> None:
    async def giving_up(self: InProcess, attempt: Attempt) -> Outcome:
        return Outcome(kind="declined")

    patch.setattr(InProcess, "reverse", giving_up)


def _let_everybody_in(patch: pytest.MonkeyPatch) -> None:
    """Neither the one operation at a time nor the version of the row is looked at."""
    unguarded = payment_intents.update().where(*repository._SAME)
    patch.setattr(repository, "UPDATE", unguarded.values(_values_of(repository.UPDATE)))
    patch.setattr(service, "require_idle", lambda stored: None)
    patch.setattr(operations, "require_idle", lambda stored: None)


def _skip_the_first_commit(patch: pytest.MonkeyPatch) -> None:
    """The bank is asked before anything of it is durable."""

    async def hasty(self: Execution, endpoint: Any, call: Any, params: Any, fingerprint: Any, staged: Any) -> Any:
        effect = await staged.finish()
        effect.unit.changes[:0] = staged.unit.changes
        effect.unit.entries[:0] = staged.unit.entries
        await self._store.commit(effect.unit)
        return await self._answer(endpoint, call, params, effect)

    patch.setattr(Execution, "_carry_out_staged", hasty)


def _forget_whom_the_bank_waits_for(patch: pytest.MonkeyPatch) -> None:
    """What is canceled, or paid in another way, is not given up at the bank."""

    async def nothing(self: Confirmation, call: Any, stored: Any) -> list[Any]:
        return []

    patch.setattr(Confirmation, "given_up", nothing)


async def _conclude_without_asking(self: Resolver, held: Attempt) -> None:
    assert held.outcome is not None
    await self._store.commit(Unit([attempts.settling(held, held.outcome)]))


def _keep_what_comes_late(patch: pytest.MonkeyPatch) -> None:
    """Neither the bank's message nor the last look gives money back that came after the end."""
    patch.setattr(matching, "GIVEN_UP", frozenset())
    patch.setattr(Resolver, "_check_end", _conclude_without_asking)


def _values_of(update: Any) -> dict[str, Any]:
    return {getattr(column, "name", column): value for column, value in update._values.items()}


@pytest.mark.parametrize(
    "planted",
    [
        _take_unknown_for_declined,
        _forget_the_reference,
        _give_up_without_reversing,
        _let_everybody_in,
        _skip_the_first_commit,
        _forget_whom_the_bank_waits_for,
        _keep_what_comes_late,
    ],
)
def test_a_planted_bug_is_found(planted: Any) -> None:
    class Broken(PaymentLife):
        pass

    Broken.planted = staticmethod(planted)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Broken, settings=SEARCH)
