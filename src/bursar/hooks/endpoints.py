"""Where banks send their messages. Who may is decided by the signature alone."""

from __future__ import annotations

from bursar.connectors.contract import WebhookRefused
from bursar.connectors.registry import UnknownConnector
from bursar.hooks.service import HookService
from bursar.http.asgi import Application, Receive, Scope, Send
from bursar.http.dispatch import Dispatcher
from bursar.http.requests import ClientGone, read_address, read_body, read_headers
from bursar.http.responses import Answer, send_json
from bursar.kit.errors import InvalidRequest, MethodNotAllowed, NotFound
from bursar.kit.ids import IdFactory
from bursar.store.log import Origin

PATH = "/hooks/{connector}"
RECEIVED = b'{"received":true}'


class HookEndpoint:
    def __init__(self, service: HookService, dispatcher: Dispatcher) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._request_ids = IdFactory()

    def add_routes(self, application: Application) -> None:
        application.add(PATH, self._handle)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._request_ids.new("req")
        try:
            answer = await self._answer(scope, receive, request_id)
        except ClientGone:
            return
        except Exception as problem:
            answer = self._dispatcher.failure(problem, request_id)
        await send_json(send, answer, request_id)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> Answer:
        if scope["method"] != "POST":
            raise MethodNotAllowed("Only POST is possible here.", code="method_not_allowed")
        body = await read_body(receive, read_headers(scope).content_length)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        origin = Origin(address=read_address(scope), request_id=request_id)
        try:
            await self._service.receive(scope["path_params"]["connector"], headers, body, origin)
        except UnknownConnector:
            raise NotFound("No bank sends messages here.", code="resource_missing") from None
        except WebhookRefused as problem:
            raise InvalidRequest(str(problem), code="signature_invalid") from problem
        return Answer(200, RECEIVED)
