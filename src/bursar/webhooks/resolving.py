"""Looks names up, on threads of its own: a name server that does not answer holds up only those who ask it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

# A thread that waits for a name server cannot be called back. Names that were found before have room that no unknown
# name can take from them.
LOOK_UPS_OF_KNOWN_MAX = 8
LOOK_UPS_OF_UNKNOWN_MAX = 16
KEPT_SECONDS = 30.0
NAMES_KEPT_MAX = 10_000
LOOK_UP_SECONDS_MAX = 5.0

Name = tuple[str, int]
Answer = asyncio.Future[Sequence[str]]
LookUp = Callable[[str, int], Sequence[str]]


def look_up(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class Resolver:
    """Remembers for a while what it found. Whatever comes of it is checked anew each time."""

    def __init__(self, function: LookUp = look_up) -> None:
        self._look_up = function
        self._known = asyncio.Semaphore(LOOK_UPS_OF_KNOWN_MAX)
        self._unknown = asyncio.Semaphore(LOOK_UPS_OF_UNKNOWN_MAX)
        # Until when it is good, and what it is.
        self._found: OrderedDict[Name, tuple[float, Sequence[str]]] = OrderedDict()
        self._asking: dict[Name, asyncio.Task[Sequence[str]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Raises OSError, of which TimeoutError is one."""
        name = (host, port)
        found = self._found.get(name)
        if found is not None and found[0] > asyncio.get_running_loop().time():
            return found[1]
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = asyncio.create_task(self._ask(name))
            asking.add_done_callback(partial(self._answered, name))
        async with asyncio.timeout(LOOK_UP_SECONDS_MAX):
            return await asyncio.shield(asking)

    def close(self) -> None:
        for asking in self._asking.values():
            asking.cancel()

    async def _ask(self, name: Name) -> Sequence[str]:
        """Holds its place until the name server has answered, whoever still waits for that."""
        loop = asyncio.get_running_loop()
        async with self._known if name in self._found else self._unknown:
            answer: Answer = loop.create_future()
            # Nobody waits for it at the end of the process.
            threading.Thread(
                target=self._look_up_on_thread, args=(name, loop, answer), name="bursar-names", daemon=True
            ).start()
            return await answer

    def _look_up_on_thread(self, name: Name, loop: asyncio.AbstractEventLoop, answer: Answer) -> None:
        found: Sequence[str] | Exception
        try:
            found = self._look_up(*name)
        except Exception as problem:
            # A name that cannot be encoded is no OSError, but leads as little anywhere.
            found = problem if isinstance(problem, OSError) else socket.gaierror(str(problem))
        with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            loop.call_soon_threadsafe(_settle, answer, found)

    def _answered(self, name: Name, done: asyncio.Task[Sequence[str]]) -> None:
        self._asking.pop(name, None)
        if done.cancelled() or done.exception() is not None:
            self._found.pop(name, None)
            return
        self._found[name] = (done.get_loop().time() + KEPT_SECONDS, done.result())
        self._found.move_to_end(name)
        if len(self._found) > NAMES_KEPT_MAX:
            self._found.popitem(last=False)


def _settle(answer: Answer, found: Sequence[str] | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)
