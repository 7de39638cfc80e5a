"""What people remember is hashed beside the server, and whatever becomes of that process, people can sign in."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bursar.kit.errors import Unavailable
from bursar.kit.slow_hash import WAITING_MAX, SlowHash
from bursar.kit.slow_hash_process import NICENESS

SECRET = "correct horse battery staple"


@asynccontextmanager
async def slow_hash() -> AsyncIterator[SlowHash]:
    made = SlowHash()
    try:
        yield made
    finally:
        made.close()


def run(scenario: Callable[[SlowHash], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with slow_hash() as made:
            await scenario(made)

    asyncio.run(main())


def process_id(made: SlowHash) -> int:
    assert made._process is not None
    return made._process.pid


def test_the_right_secret_matches_and_no_other_and_nobody_has_none() -> None:
    async def scenario(made: SlowHash) -> None:
        known = await made.hash(SECRET)
        assert known.startswith("$argon2id$")
        assert SECRET not in known
        assert await made.matches(SECRET, known)
        assert not await made.matches(SECRET + " ", known)
        assert not await made.matches(SECRET, None)
        assert not await made.matches(SECRET, "no hash at all")
        assert not made.is_outdated(known)
        assert made.is_outdated(known.replace("t=2", "t=1"))

    run(scenario)


def test_any_text_may_be_a_secret() -> None:
    async def scenario(made: SlowHash) -> None:
        for secret in ("line\nend", "\x00", "pässword 🔑", '"}\n{"do": "hash"', ""):
            assert await made.matches(secret, await made.hash(secret))

    run(scenario)


def test_a_process_that_was_killed_is_replaced_and_the_question_answered() -> None:
    async def scenario(made: SlowHash) -> None:
        known = await made.hash(SECRET)
        first = process_id(made)
        os.kill(first, signal.SIGKILL)
        assert await made.matches(SECRET, known)
        assert process_id(made) != first

    run(scenario)


def test_beyond_what_may_wait_people_are_sent_away_and_the_others_are_answered() -> None:
    async def scenario(made: SlowHash) -> None:
        known = await made.hash(SECRET)
        asked = [made.matches(SECRET, known) for _ in range(WAITING_MAX + 10)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [answer for answer in answers if answer is True] == [True] * WAITING_MAX
        assert len([answer for answer in answers if isinstance(answer, Unavailable)]) == 10

    run(scenario)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells of other processes in /proc")
def test_the_process_gives_way_and_knows_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_SECRET_KEY", "canary")

    async def scenario(made: SlowHash) -> None:
        await made.hash(SECRET)
        folder = Path(f"/proc/{process_id(made)}")
        assert os.getpriority(os.PRIO_PROCESS, process_id(made)) == NICENESS
        assert b"canary" not in (folder / "environ").read_bytes()

    run(scenario)


def test_it_ends_with_its_server() -> None:
    made = SlowHash()
    asyncio.run(made.hash(SECRET))
    process = made._process
    assert process is not None
    made.close()
    assert process.returncode == 0


def test_a_process_that_stands_still_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.kit.slow_hash.END_SECONDS_MAX", 0.2)
    monkeypatch.setattr("bursar.kit.slow_hash.LOOK_SECONDS", 0.05)

    async def scenario(made: SlowHash) -> None:
        known = await made.hash(SECRET)
        os.kill(process_id(made), signal.SIGSTOP)
        asked = asyncio.create_task(made.matches(SECRET, known))
        await asyncio.sleep(0)
        await asyncio.to_thread(made.close)
        with pytest.raises(Unavailable):
            await asked

    run(scenario)
