"""Tells event loops that the log has grown, so that whoever reads it need not wait for its next look."""

from __future__ import annotations

import asyncio
import threading


class Listener:
    """Belongs to the event loop that it was made on."""

    def __init__(self, signal: CommitSignal) -> None:
        self._signal = signal
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        # Whether the event loop has been called already: of many commits, one call is enough.
        self._is_told = False

    def tell(self) -> None:
        """On a writer's thread."""
        if self._is_told:
            return
        self._is_told = True
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:  # the loop is closed: nobody is there to be told
            self.close()

    async def wait(self, seconds: float) -> bool:
        """Until something was committed since the last wait, or for so long; tells which."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        # In this order: a commit between the two calls the loop once more, which is one look too many at most.
        self._is_told = False
        self._event.clear()
        return True

    def close(self) -> None:
        self._signal.forget(self)


class CommitSignal:
    """Writers tell it of each commit that had entries of the log, in this process."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def listen(self) -> Listener:
        listener = Listener(self)
        with self._lock:
            self._listeners += (listener,)
        return listener

    def forget(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

    def tell(self) -> None:
        for listener in self._listeners:
            listener.tell()
