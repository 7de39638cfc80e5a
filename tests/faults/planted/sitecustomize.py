"""Bugs, planted into a Bursar that has this folder in its PYTHONPATH. The product knows nothing of it.

Python imports a module of this name at its start. BURSAR_TEST_PLANTED_BUG names what is planted, right after the
module that it concerns was imported.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

VARIABLE = "BURSAR_TEST_PLANTED_BUG"


def skip_the_claim(idempotency: Any) -> None:
    """The key is kept with the answer only, as if commit 1 did not take it."""
    fingerprints: dict[tuple[Any, ...], tuple[int, str]] = {}

    def place(call: Any) -> tuple[Any, ...]:
        return call.org_id, call.livemode, call.idempotency_key

    def claim(call: Any, created: int, fingerprint: str, _attempt_id: str) -> Any:
        fingerprints[place(call)] = created, fingerprint
        # Something must be returned; it deletes what nobody has.
        row = {"o": call.org_id, "m": call.livemode, "k": "never used"}
        return idempotency.Change(idempotency._DELETE, row)

    def complete(call: Any, status: int, body: bytes) -> Any:
        created, fingerprint = fingerprints[place(call)]
        return idempotency.keep_answer(call, created, fingerprint, status, body)

    idempotency.claim = claim
    idempotency.complete = complete


def skip_commit_1(execution: Any) -> None:
    """The bank is asked before anything is durable; all is written afterwards, in one commit."""
    idempotency = execution.idempotency

    async def carry_out(self: Any, endpoint: Any, call: Any, params: Any, fingerprint: str | None, staged: Any) -> Any:
        effect = await staged.finish()
        changes = list(staged.unit.changes)
        if fingerprint is not None:
            now = self._clock.now_microseconds()
            changes.append(idempotency.claim(call, now, fingerprint, staged.attempt_id))
        effect.unit.changes[:0] = changes
        effect.unit.entries[:0] = staged.unit.entries
        return await self._complete(endpoint, call, params, effect)

    execution.Execution._carry_out_staged = carry_out


def drop_the_fence(repository: Any) -> None:
    """Whoever comes settles, whether or not somebody else has taken the attempt over."""
    for name in ("SETTLE", "POSTPONE"):
        values = getattr(repository, name)._values
        setattr(repository, name, repository.attempts.update().where(*repository._ONE).values(values))


def take_unknown_for_failed(commands: Any) -> None:
    """No answer counts as a refusal."""

    async def carry_out(self: Any, attempt: Any, card: Any) -> Any:
        outcome = await self._bank.carry_out(self._order(attempt, card))
        if outcome.kind != "unknown":
            return outcome
        return commands.Outcome(kind="declined", decline=commands.Decline(code="system_error", raw_code="timeout"))

    commands.InProcess.carry_out = carry_out


def hurry(rules: Any) -> None:
    """No bug, but a situation: who waits for the bank is overtaken within seconds, and the payment reversed."""
    rules.leased_until.__defaults__ = (1,)
    rules.REVERSE_AFTER_SECONDS = 0


PLANTED: dict[str, dict[str, Callable[[Any], None]]] = {
    "skip_the_claim": {"bursar.http.idempotency": skip_the_claim},
    "skip_commit_1": {"bursar.http.execution": skip_commit_1},
    "take_unknown_for_failed": {"bursar.attempts.commands": take_unknown_for_failed},
    "hurry": {"bursar.attempts.rules": hurry},
    "hurry_and_drop_the_fence": {"bursar.attempts.rules": hurry, "bursar.attempts.repository": drop_the_fence},
}


class _Loader(importlib.abc.Loader):
    def __init__(self, own: importlib.abc.Loader, plant: Callable[[Any], None]) -> None:
        self._own = own
        self._plant = plant

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        self._plant(module)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, plants: dict[str, Callable[[Any], None]]) -> None:
        self._plants = plants

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        plant = self._plants.pop(fullname, None)
        if plant is None:
            return None
        spec = importlib.util.find_spec(fullname)  # the others; this one knows it no more
        assert spec is not None and spec.loader is not None, fullname
        spec.loader = _Loader(spec.loader, plant)
        return spec


if os.environ.get(VARIABLE):
    sys.meta_path.insert(0, _Finder(dict(PLANTED[os.environ[VARIABLE]])))
