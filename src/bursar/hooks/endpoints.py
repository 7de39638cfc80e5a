"""Where banks send their messages, who may being decided by the signature alone; and what came, on `/api/v1`."""

from __future__ import annotations

from functools import partial

from bursar.connectors.contract import WebhookRefused
from bursar.connectors.registry import UnknownConnector
from bursar.hooks.inbox import URL, Inbox
from bursar.hooks.schemas import IncomingWebhook, IncomingWebhookDetails, IncomingWebhookListParams
from bursar.hooks.service import Delivery, HookService, UnknownAccount
from bursar.http.asgi import Application, Receive, Scope, Send
from bursar.http.call import Call, Effect
from bursar.http.dispatch import Dispatcher
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import Params
from bursar.http.requests import ClientGone, read_address, read_body, read_headers
from bursar.http.responses import Answer, send_json
from bursar.kit.errors import BodyTooLarge, InvalidRequest, MethodNotAllowed, NotFound
from bursar.kit.ids import IdFactory
from bursar.store.log import Origin

# The second is what banks were told before there were accounts; there the message itself says whose it is.
PATHS = ("/hooks/{connector}/{account}", "/hooks/{connector}")
RECEIVED = b'{"received":true}'
# More than any bank sends; a larger one is refused before it is read.
BODY_BYTES_MAX = 256 * 1024
# In figures: whatever strangers make up is one.
NOBODY = "unknown"

READ, WRITE = "incoming_webhooks.read", "incoming_webhooks.write"
ONE_URL = f"{URL}/{{incoming_webhook}}"

Control = partial(Endpoint, surface="control")


class HookEndpoint:
    def __init__(self, service: HookService, dispatcher: Dispatcher) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._request_ids = IdFactory()

    def add_routes(self, application: Application) -> None:
        for path in PATHS:
            application.add(path, self._handle)

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
        path = scope["path_params"]
        try:
            body = await read_body(receive, read_headers(scope).content_length, BODY_BYTES_MAX)
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            origin = Origin(address=read_address(scope), request_id=request_id)
            await self._service.receive(Delivery(path["connector"], path.get("account"), headers, body, origin))
        except BodyTooLarge:
            self._service.refused(NOBODY, "too_large")
            raise
        except (UnknownConnector, UnknownAccount):
            self._service.refused(NOBODY, "unknown_address")
            raise NotFound("No bank sends messages here.", code="resource_missing") from None
        except WebhookRefused as problem:
            raise InvalidRequest(str(problem), code="signature_invalid") from problem
        return Answer(200, RECEIVED)


def control_endpoints(inbox: Inbox) -> list[Endpoint]:
    async def list_incoming_webhooks(call: Call, params: IncomingWebhookListParams) -> Page[IncomingWebhook]:
        return await inbox.page(call, params)

    async def retrieve_incoming_webhook(call: Call, _params: Params) -> IncomingWebhookDetails:
        return await inbox.retrieve(call)

    async def process_incoming_webhook(call: Call, _params: Params) -> Effect:
        return await inbox.process_again(call)

    page, one = Page[IncomingWebhook], ONE_URL
    return [
        Control("GET", URL, list_incoming_webhooks, "List banks' messages", READ, page, IncomingWebhookListParams),
        Control("GET", one, retrieve_incoming_webhook, "Retrieve a bank's message", READ, IncomingWebhookDetails),
        Control("POST", f"{one}/process", process_incoming_webhook, "Process a message again", WRITE, IncomingWebhook),
    ]
