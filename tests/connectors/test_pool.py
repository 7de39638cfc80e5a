"""How many connections there are, who gets which, and how long each lives. Against real sockets, on both loops."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing
from typing import Any, cast

import pytest
import uvloop

from bursar.connectors.connection import Connection
from bursar.connectors.pool import NoConnection, Pool
from bursar.connectors.wire import CONNECTION_LOST, TIME_IS_UP, Address, Answer

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SECONDS_MAX = 15.0
Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Loop:
    made: Loop = request.param
    return made


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(SECONDS_MAX)
        yield made


_pools: list[Pool] = []


def run(loop: Loop, scenario: Coroutine[Any, Any, None]) -> None:
    async def whole() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        try:
            async with asyncio.timeout(60):
                await scenario
        finally:
            while _pools:
                await _pools.pop().close()
        assert complaints == []

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(whole())


def pool_for(listener: socket.socket, connections_max: int = 8, connect: float = 20.0, keep: float = 30.0) -> Pool:
    address = Address(f"http://127.0.0.1:{listener.getsockname()[1]}")
    _pools.append(Pool(address, None, connections_max, connect, keep))
    return _pools[-1]


def in_time(pool: Pool) -> float:
    return pool.now() + SECONDS_MAX


async def opened(pool: Pool, listener: socket.socket) -> tuple[Connection, socket.socket]:
    """A connection and its other end."""
    connection = await pool.take()
    peer, _ = await asyncio.to_thread(listener.accept)
    return connection, peer


async def used(pool: Pool, listener: socket.socket) -> socket.socket:
    """The other end of a connection that has served once, and now lies idle."""
    connection, peer = await opened(pool, listener)
    peer.sendall(GOOD)
    assert await pool.exchange(connection, b"x", in_time(pool)) == Answer(200, b"{}")
    return peer


async def ended(peer: socket.socket) -> bool:
    """Waits until the other side has closed."""
    peer.settimeout(SECONDS_MAX)

    def read() -> bool:
        try:
            while peer.recv(1000):
                pass
        except ConnectionResetError:
            pass
        return True

    return await asyncio.to_thread(read)


async def turned(is_so: Callable[[], bool]) -> None:
    """Lets the loop turn until just then."""
    for _ in range(100_000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError


def test_a_connection_is_kept_and_used_again(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener)
        assert pool.take_kept() is None
        with await used(pool, listener) as peer:
            for _ in range(3):
                connection = pool.take_kept()
                assert connection is not None
                assert pool.take_kept() is None
                peer.sendall(GOOD)
                await pool.exchange(connection, b"x", in_time(pool))

    run(loop, scenario())


@pytest.mark.parametrize("unasked", [b"\r", GOOD, b""])
def test_what_the_loop_has_not_read_yet_is_seen(loop: Loop, listener: socket.socket, unasked: bytes) -> None:
    """A byte, a whole second answer, or the end."""

    async def scenario() -> None:
        pool = pool_for(listener)
        with await used(pool, listener) as peer:
            peer.sendall(unasked)
            if not unasked:
                peer.shutdown(socket.SHUT_WR)
            assert pool.take_kept() is None
            assert await ended(peer)

    run(loop, scenario())


def test_one_that_serves_once_is_closed_after_its_answer(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, keep=0)
        with await used(pool, listener) as peer:
            assert pool.take_kept() is None
            assert await ended(peer)

    run(loop, scenario())


def test_one_that_lay_idle_too_long_is_not_handed_out_even_if_nobody_swept(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, keep=0.1)
        with await used(pool, listener) as peer:
            time.sleep(0.15)  # noqa: ASYNC251 - the loop must not turn
            await asyncio.sleep(0)
            assert pool.take_kept() is None
            assert await ended(peer)

    run(loop, scenario())


def test_one_that_lies_idle_too_long_is_closed_by_itself(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1, keep=0.1)
        with await used(pool, listener) as peer:
            assert await ended(peer)
            await turned(lambda: not pool._idle)
        with await used(pool, listener):
            pass  # its slot is free again

    run(loop, scenario())


def test_one_that_is_used_now_and_then_stays(
    loop: Loop, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, keep=20)
        clock = ByHand(asyncio.get_running_loop())
        monkeypatch.setattr(pool, "_loop", clock)
        with await used(pool, listener) as peer:
            for _ in range(4):
                clock.advance(12)
                await asyncio.sleep(0)
                connection = pool.take_kept()
                assert connection is not None
                peer.sendall(GOOD)
                await pool.exchange(connection, b"x", in_time(pool))

    run(loop, scenario())


def test_exchanges_end_at_their_own_times(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener)
        pairs = [await opened(pool, listener) for _ in range(3)]
        started = pool.now()

        async def expire(connection: Connection, seconds: float) -> float:
            """How much too late it ended."""
            assert await pool.exchange(connection, b"x", started + seconds) == TIME_IS_UP
            return pool.now() - started - seconds

        with ExitStack() as stack:
            peers = [stack.enter_context(closing(peer)) for _, peer in pairs]
            calls = [
                expire(connection, seconds) for (connection, _), seconds in zip(pairs, (0.2, 0.4, 0.1), strict=True)
            ]
            for late in await asyncio.gather(*calls):
                assert -0.02 < late < SECONDS_MAX
            for peer in peers:
                assert await ended(peer)

    run(loop, scenario())


def test_calls_do_not_set_timers_of_their_own(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        pool = pool_for(listener)
        with await used(pool, listener) as peer:
            running = asyncio.get_running_loop()
            honest_call_at, timers = running.call_at, list[float]()

            def call_at(when: float, *arguments: Any) -> asyncio.TimerHandle:
                timers.append(when)
                return honest_call_at(when, *arguments)

            monkeypatch.setattr(running, "call_at", call_at)
            for _ in range(100):
                connection = pool.take_kept()
                assert connection is not None
                peer.sendall(GOOD)
                await pool.exchange(connection, b"x", in_time(pool))
            assert len(timers) <= 1

    run(asyncio.new_event_loop, scenario())


def test_there_are_never_more_than_the_limit(loop: Loop, listener: socket.socket) -> None:
    """Everybody gets one in the end, while connections are given back, broken, or given up."""

    async def scenario() -> None:
        pool = pool_for(listener, connections_max=3)
        at_once, most, served = 0, 0, 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal at_once, most, served
            at_once += 1
            most = max(most, at_once)
            try:
                while await reader.read(1):
                    served += 1
                    await asyncio.sleep(0)
                    if served % 5 == 0:
                        break
                    writer.write(GOOD)
            except ConnectionError:
                pass
            finally:
                at_once -= 1
                writer.close()

        async def call(number: int) -> object:
            connection = pool.take_kept() or await pool.take()
            async with asyncio.timeout(None if number % 7 else 0.001 * (number % 3)):
                return await pool.exchange(connection, b"x", in_time(pool))

        server = await asyncio.start_server(serve, sock=listener)
        results = await asyncio.gather(*map(call, range(200)), return_exceptions=True)
        kinds = {type(result) if isinstance(result, Exception) else result for result in results}
        assert kinds <= {Answer(200, b"{}"), CONNECTION_LOST, TimeoutError}
        assert results.count(Answer(200, b"{}")) > 100
        assert most == 3
        assert pool._slots_free + len(pool._connections) == 3
        assert len(pool._connections) >= len(pool._idle)
        await pool.close()
        assert pool._slots_free == 3
        server.close()
        await server.wait_closed()

    run(loop, scenario())


def test_who_came_first_is_served_first(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1)
        connection, peer = await opened(pool, listener)
        order: list[int] = []

        async def wait(number: int) -> None:
            taken = await pool.take()
            order.append(number)
            peer.sendall(GOOD)
            await pool.exchange(taken, b"x", in_time(pool))

        with peer:
            tasks = []
            for number in range(4):
                tasks.append(asyncio.create_task(wait(number)))
                await asyncio.sleep(0)
            peer.sendall(GOOD)
            await pool.exchange(connection, b"x", in_time(pool))
            assert pool.take_kept() is None, "it is the first one's that waits"
            await asyncio.gather(*tasks)
            assert order == [0, 1, 2, 3]

    run(loop, scenario())


def test_waiting_has_an_end_and_leaves_nothing_behind(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1, connect=0.2)
        _, peer = await opened(pool, listener)
        with peer:
            started = pool.now()
            with pytest.raises(TimeoutError):
                await pool.take()
            assert 0.15 < pool.now() - started < SECONDS_MAX
            assert not pool._waiting

    run(loop, scenario())


@pytest.mark.parametrize("stays", [True, False])
def test_who_gives_up_while_being_served_passes_it_on(loop: Loop, listener: socket.socket, stays: bool) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1)
        connection, peer = await opened(pool, listener)
        with peer:
            given_up, patient = asyncio.create_task(pool.take()), asyncio.create_task(pool.take())
            await asyncio.sleep(0)
            exchange = asyncio.create_task(pool.exchange(connection, b"x", in_time(pool)))
            await asyncio.sleep(0)
            peer.sendall(GOOD if stays else GOOD.replace(b"200 OK", b"200 OK\r\nConnection: close"))
            await turned(lambda: len(pool._waiting) == 1)
            given_up.cancel()  # what it was given is on its way
            with pytest.raises(asyncio.CancelledError):
                await given_up
            taken = await patient
            assert taken.is_clean()
            assert (taken is connection) is stays
            await exchange

    run(loop, scenario())


def test_one_that_broke_on_its_way_to_who_waits_is_replaced(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1)
        connection, peer = await opened(pool, listener)
        with peer:
            patient = asyncio.create_task(pool.take())
            await asyncio.sleep(0)
            exchange = asyncio.create_task(pool.exchange(connection, b"x", in_time(pool)))
            await asyncio.sleep(0)
            peer.sendall(GOOD)
            await turned(lambda: not pool._waiting)
            peer.sendall(GOOD)
            taken = await patient
            assert taken is not connection
            assert taken.is_clean()
            await exchange

    run(loop, scenario())


def test_who_waits_for_one_that_serves_once_gets_a_new_one(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1, keep=0)
        connection, peer = await opened(pool, listener)
        with peer:
            patient = asyncio.create_task(pool.take())
            await asyncio.sleep(0)
            peer.sendall(GOOD)
            await pool.exchange(connection, b"x", in_time(pool))
            assert await patient is not connection

    run(loop, scenario())


def test_one_that_is_lost_before_anybody_has_it_frees_its_slot(
    loop: Loop, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest_connect = Pool._connect

    async def lose(pool: Pool) -> Connection:
        connection = await honest_connect(pool)
        connection._transport.abort()
        await turned(lambda: connection.is_lost)
        return connection

    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1)
        monkeypatch.setattr(Pool, "_connect", lose)
        with pytest.raises(NoConnection):
            await pool.take()
        monkeypatch.setattr(Pool, "_connect", honest_connect)
        assert (await pool.take()).is_clean()

    run(loop, scenario())


def test_a_cancelled_exchange_closes_its_connection(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1, keep=1000)
        connection, peer = await opened(pool, listener)
        with peer:
            exchange = asyncio.create_task(pool.exchange(connection, b"x", in_time(pool)))
            await asyncio.sleep(0)
            exchange.cancel()
            with pytest.raises(asyncio.CancelledError):
                await exchange
            assert await ended(peer)
            assert (await pool.take()).is_clean()

    run(loop, scenario())


def test_who_is_cancelled_while_connecting_frees_the_slot(loop: Loop) -> None:
    with ExitStack() as stack:
        full = full_listener(stack)

        async def scenario() -> None:
            pool = pool_for(full, connections_max=1)
            opening = asyncio.create_task(pool.take())
            await asyncio.sleep(0.05)
            assert pool._slots_free == 0
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            assert pool._slots_free == 1

        run(loop, scenario())


def test_nobody_there_is_said_and_frees_the_slot(loop: Loop) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))

        async def scenario() -> None:
            pool = pool_for(unheard, connections_max=1)
            for _ in range(3):
                with pytest.raises(ConnectionRefusedError):
                    await pool.take()
            assert pool._slots_free == 1

        run(loop, scenario())


def full_listener(stack: ExitStack, host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """One that lets connections hang: its queue is full, and nobody takes any out of it."""
    listener = stack.enter_context(closing(socket.socket()))
    listener.bind((host, port))
    listener.listen(0)
    for _ in range(4):
        client = stack.enter_context(closing(socket.socket()))
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    return listener


def test_connecting_has_an_end(loop: Loop) -> None:
    with ExitStack() as stack:
        full = full_listener(stack)

        async def scenario() -> None:
            pool = pool_for(full, connections_max=1, connect=0.2)
            started = pool.now()
            with pytest.raises(TimeoutError):
                await pool.take()
            assert 0.15 < pool.now() - started < SECONDS_MAX
            assert pool._slots_free == 1

        run(loop, scenario())


@pytest.mark.parametrize("first", ["refuses", "hangs"])
def test_the_next_address_of_a_name_is_tried(
    loop: Loop, listener: socket.socket, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listener.getsockname()[1]
    with ExitStack() as stack:
        if first == "hangs":
            full_listener(stack, "127.0.0.2", port)

        async def resolve(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", port)) for last in (2, 1, 1)]

        async def scenario() -> None:
            pool = pool_for(listener, connections_max=1, connect=6.0)
            pool._address = Address(f"http://bank.example:{port}")
            monkeypatch.setattr(pool, "_loop", Resolving(asyncio.get_running_loop(), resolve))
            connection, peer = await opened(pool, listener)
            with peer:
                assert connection.is_clean()

        run(loop, scenario())


class ByHand:
    """An event loop whose clock, for those who ask it, stands still until the test turns it on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._now = loop.time()
        self._timers: list[asyncio.TimerHandle] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, arguments, cast(asyncio.AbstractEventLoop, self))
        self._timers.append(timer)
        return timer

    def _timer_handle_cancelled(self, _: asyncio.TimerHandle) -> None:
        pass

    def advance(self, seconds: float) -> None:
        """Calls whatever comes due on the way, each at its time."""
        until = self._now + seconds
        while due := [timer for timer in self._timers if timer.when() <= until]:
            timer = min(due, key=asyncio.TimerHandle.when)
            self._timers.remove(timer)
            self._now = max(self._now, timer.when())
            if not timer.cancelled():
                timer._run()
        self._now = until


class Resolving:
    """An event loop that looks names up in its own way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, getaddrinfo: Any) -> None:
        self._loop = loop
        self.getaddrinfo = getaddrinfo

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


def test_closing_ends_what_is_under_way_and_what_waits(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=2)
        busy, busy_peer = await opened(pool, listener)
        with busy_peer, await used(pool, listener) as idle_peer:
            exchange = asyncio.create_task(pool.exchange(busy, b"x", in_time(pool)))
            kept = pool.take_kept()
            assert kept is not None
            second = asyncio.create_task(pool.exchange(kept, b"x", in_time(pool)))
            waiting = asyncio.create_task(pool.take())
            await asyncio.sleep(0)
            await pool.close()
            assert await exchange == await second == CONNECTION_LOST
            for taking in (waiting, pool.take()):
                with pytest.raises(NoConnection):
                    await taking
            assert await ended(busy_peer)
            assert await ended(idle_peer)
            assert not pool._connections

    run(loop, scenario())


def test_who_waits_while_others_connect_ends_with_the_pool(loop: Loop) -> None:
    with ExitStack() as stack:
        full = full_listener(stack)

        async def scenario() -> None:
            pool = pool_for(full, connections_max=1)
            opening, waiting = asyncio.create_task(pool.take()), asyncio.create_task(pool.take())
            await turned(lambda: len(pool._waiting) == 1)
            await pool.close()
            with pytest.raises(NoConnection):
                await waiting
            assert not opening.done()
            opening.cancel()

        run(loop, scenario())


def test_who_is_cancelled_while_the_pool_closes_is_cancelled(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener, connections_max=1)
        _, peer = await opened(pool, listener)
        with peer:
            waiting = asyncio.create_task(pool.take())
            await asyncio.sleep(0)
            closing_pool = asyncio.create_task(pool.close())
            await asyncio.sleep(0)
            assert not waiting.done()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await closing_pool

    run(loop, scenario())


def test_what_is_opened_while_the_pool_closes_is_closed(loop: Loop, listener: socket.socket) -> None:
    async def scenario() -> None:
        pool = pool_for(listener)
        opening = asyncio.create_task(pool.take())
        await asyncio.sleep(0)
        await pool.close()
        with pytest.raises(NoConnection):
            await opening
        peer, _ = await asyncio.to_thread(listener.accept)
        with peer:
            assert await ended(peer)

    run(loop, scenario())
