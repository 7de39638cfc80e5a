"""Which work a process takes on: what the setting and the command line say."""

import asyncio
import re

import pytest

from bursar.settings import SettingsError
from bursar.workers import registry
from tests.control.house import standing


def test_all_means_every_role_and_none_means_no_role() -> None:
    assert registry.chosen("all") == tuple(registry.ROLES)
    assert registry.chosen("none") == ()


def test_several_are_named_in_any_order_and_counted_once() -> None:
    assert registry.chosen(" webhooks,resolver , webhooks") == ("resolver", "webhooks")
    assert registry.chosen("all,webhooks") == tuple(registry.ROLES)


@pytest.mark.parametrize("text", ["", "webhook", "none,webhooks", "webhooks,", "all;webhooks"])
def test_what_is_no_role_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(", ".join(registry.ROLES))):
        registry.chosen(text)


def test_names_are_ones_that_can_be_kept_and_read_back() -> None:
    assert [name for name in registry.ROLES if re.fullmatch(r"[a-z][a-z_]{2,30}", name) is None] == []
    assert list(registry.ROLES) == sorted(registry.ROLES)
    assert registry.ALL not in registry.ROLES and registry.NONE not in registry.ROLES


def test_every_role_makes_workers_that_end_when_they_are_told_to() -> None:
    async def scenario() -> None:
        for role, make in registry.ROLES.items():
            workers = make(house.runtime)
            assert workers, role
            for worker in workers:
                task = asyncio.create_task(worker.run())
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    with standing() as house:
        house.runner.run(scenario())
