"""Declared endpoints as routes of the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bursar.http.asgi import Application, Handler, Receive, Scope, Send
from bursar.http.dispatch import Dispatcher
from bursar.http.endpoint import Endpoint


def add_endpoints(application: Application, endpoints: Sequence[Endpoint], dispatcher: Dispatcher) -> None:
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        if endpoint.streams:
            continue
        methods = paths.setdefault(endpoint.path, {})
        assert endpoint.method not in methods, f"{endpoint.method} {endpoint.path} is declared twice"
        methods[endpoint.method] = endpoint
    for path, methods in paths.items():
        application.add(path, _handler(methods, dispatcher))


def _handler(methods: Mapping[str, Endpoint], dispatcher: Dispatcher) -> Handler:
    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        await dispatcher.handle(methods, scope, receive, send)

    return route
