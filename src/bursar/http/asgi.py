"""The application that the server calls: finds the route, tells of start and stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class _Node:
    """A step of the path: known words, or one that is a parameter."""

    __slots__ = ("handler", "parameter", "parameter_name", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.parameter_name = ""
        self.handler: Handler | None = None


class Application:
    """Routes by path; what a path's methods are is its handler's affair."""

    def __init__(self, fallback: Handler, lifespan: Lifespan) -> None:
        self._exact: dict[str, Handler] = {}
        self._root = _Node()
        self._fallback = fallback
        self._lifespan = lifespan

    def add(self, path: str, handler: Handler) -> None:
        """`/v1/customers/{customer}`: a parameter takes one segment that is not empty."""
        if "{" not in path:
            assert path not in self._exact, f"{path} is routed twice"
            self._exact[path] = handler
        node = self._root
        for segment in path.strip("/").split("/"):
            if not segment.startswith("{"):
                node = node.words.setdefault(segment, _Node())
                continue
            if node.parameter is None:
                node.parameter = _Node()
                node.parameter_name = segment[1:-1]
            assert node.parameter_name == segment[1:-1], f"{path} names a parameter differently from its neighbours"
            node = node.parameter
        assert node.handler is None, f"{path} is routed twice"
        node.handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            handler = self._exact.get(scope["path"]) or self._match(scope) or self._fallback
            await handler(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    def _match(self, scope: Scope) -> Handler | None:
        node = self._root
        values: dict[str, str] = {}
        for segment in scope["path"][1:].split("/"):
            known = node.words.get(segment)
            if known is None:
                if node.parameter is None or not segment:
                    return None
                values[node.parameter_name] = segment
                known = node.parameter
            node = known
        scope["path_params"] = values
        return node.handler

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        started = False
        try:
            async with self._lifespan():
                await send({"type": "lifespan.startup.complete"})
                started = True
                await receive()
        except Exception as problem:
            await send({"type": f"lifespan.{'shutdown' if started else 'startup'}.failed", "message": str(problem)})
            raise
        await send({"type": "lifespan.shutdown.complete"})
