"""The page's addresses.

Whoever knows a trace id may pay its session, from anywhere, by the API; nobody is signed in, so no form of another site
can do anything in somebody's name. A browser's form is refused all the same when it comes from another site: a page
that asks for cards itself belongs to the API, where its merchant knows what that means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from bursar.checkout import forms, screens
from bursar.checkout.endpoints import PAY_URL, RESULT_URL, SHOW_URL, pay_endpoint, result_endpoint, show_endpoint
from bursar.checkout.forms import Sent
from bursar.checkout.schemas import CheckoutView
from bursar.checkout.service import PATH, RETURN_PATH, CheckoutService
from bursar.checkout.words import of_decline, of_refusal
from bursar.http.asgi import Application, Handler, Message, Receive, Scope, Send
from bursar.http.dispatch import Dispatcher
from bursar.http.endpoint import Endpoint
from bursar.http.requests import ClientGone, read_body, read_headers
from bursar.http.responses import Answer, Header
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import (
    BodyTooLarge,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PermissionMissing,
    RequestError,
    UnsupportedContentType,
)
from bursar.kit.ids import IdFactory
from bursar.payment_sessions.payers import TRACE
from bursar.payment_sessions.schemas import AcceptAnswer

FORM_BYTES_MAX = 16 * 1024  # the largest form has six short fields
FORM_TYPE = b"application/x-www-form-urlencoded"
READING = ("GET", "HEAD")
FOREIGN = frozenset((b"cross-site", b"same-site"))
# A second click comes while the first is being carried out, and its answer is what the browser shows.
IN_USE_WAITS_MAX = 24
IN_USE_WAIT_SECONDS = 0.5
# Codes that say how the session stands rather than what is wrong with the form.
_OF_SESSIONS = frozenset(("session_paid", "session_in_payment", "session_expired", "session_closed"))
_PASSED_ON = (b"ratelimit", b"retry-after", b"request-id")

Answering = Callable[[Scope, Receive], Awaitable[Answer]]


class ErrorMembers(msgspec.Struct):
    code: str | None = None
    param: str | None = None


class ErrorBody(msgspec.Struct):
    error: ErrorMembers


class Told(NamedTuple):
    """What the dispatcher answered, as a client of the API would get it."""

    status: int
    body: bytes
    headers: list[Header]

    @property
    def error(self) -> ErrorMembers:
        return msgspec.json.decode(self.body, type=ErrorBody).error


class Refused(Exception):
    """Instead of what was asked for."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.status)
        self.told = told


class CheckoutPages:
    def __init__(self, checkout: CheckoutService, clock: Clock, dispatcher: Dispatcher) -> None:
        self._checkout = checkout
        self._clock = clock
        self._dispatcher = dispatcher
        self._request_ids = IdFactory()
        self._show_endpoint = show_endpoint(checkout)
        self._result_endpoint = result_endpoint(checkout)
        self._pay_endpoint = pay_endpoint(checkout)

    def add_routes(self, application: Application) -> None:
        application.add(SHOW_URL, self._handler(self._show, READING))
        application.add(PAY_URL, self._handler(self._pay, ("POST",)))
        application.add(RESULT_URL, self._handler(self._result, READING))
        application.add(f"{RETURN_PATH}/{{token}}", self._handler(self._come_back, READING))

    async def _show(self, scope: Scope, _receive: Receive) -> Answer:
        told = await self._ask(self._show_endpoint, scope)
        return _with_headers(screens.form(_view(told)), told)

    async def _result(self, scope: Scope, _receive: Receive) -> Answer:
        told = await self._ask(self._result_endpoint, scope)
        return _with_headers(screens.result(_view(told)), told)

    async def _come_back(self, scope: Scope, _receive: Receive) -> Answer:
        """From the bank's page, whatever was done there."""
        trace = self._checkout.trace_of_return(scope["path_params"]["token"])
        if trace is None:
            raise NotFound("")
        return screens.here(f"{PATH}/{trace}/result")

    async def _pay(self, scope: Scope, receive: Receive) -> Answer:
        _refuse_foreign(scope)
        sent = forms.read(await _read_form(scope, receive), seconds(self._clock.now_microseconds()))
        if sent.problems:
            told = await self._ask(self._show_endpoint, scope)
            return _with_headers(screens.form(_view(told), 422, sent.problems, sent.method, sent.kept), told)
        told = await self._carried_out(scope, sent)
        return _with_headers(await self._paid(scope, sent, told), told)

    async def _carried_out(self, scope: Scope, sent: Sent) -> Told:
        body = msgspec.json.encode(sent.body)
        told = await self._ask(self._pay_endpoint, scope, body, sent.key, or_error=True)
        for _ in range(IN_USE_WAITS_MAX):
            if told.status != 409 or told.error.code != "idempotency_key_in_use":
                break
            await asyncio.sleep(IN_USE_WAIT_SECONDS)
            told = await self._ask(self._pay_endpoint, scope, body, sent.key, or_error=True)
        return told

    async def _paid(self, scope: Scope, sent: Sent, told: Told) -> Answer:
        result_path = f"{PATH}/{scope['path_params'][TRACE]}/result"
        if told.status == 200:
            answer = msgspec.json.decode(told.body, type=AcceptAnswer)
            if answer.status == "requires_action" and answer.next_action is not None and answer.next_action.url:
                return screens.leave(answer.next_action.url)
            if answer.status != "declined":
                return screens.here(result_path)
            problem = of_decline(answer.reason or "", answer.message, sent.method)
            return await self._again(scope, sent, 402, problem)
        error = told.error
        if error.code in _OF_SESSIONS:
            return screens.here(result_path)
        is_unknown_session = told.status == 404 and error.param in (TRACE, None)
        if is_unknown_session or told.status >= 500 or (told.status == 429 and error.param != "pin"):
            raise Refused(told)
        status = told.status if told.status in (409, 429) else 422
        return await self._again(scope, sent, status, of_refusal(told.status, error.code, error.param))

    async def _again(self, scope: Scope, sent: Sent, status: int, problem: forms.Problem) -> Answer:
        shown = await self._checkout.show_again(scope["path_params"])
        if shown.session.status not in ("open", "requires_action"):
            return screens.here(f"{PATH}/{scope['path_params'][TRACE]}/result")
        return screens.form(shown, status, [problem], sent.method, sent.kept)

    async def _ask(
        self, endpoint: Endpoint, scope: Scope, body: bytes = b"", key: str | None = None, *, or_error: bool = False
    ) -> Told:
        """The same way through limits, idempotency, log, figures and traces that a request to the API goes."""
        headers = [header for header in scope["headers"] if header[0] in (b"traceparent", b"tracestate")]
        if key is not None:
            headers += [(b"content-type", b"application/json"), (b"idempotency-key", key.encode())]
        # Without the query: banks add to it what belongs into no log.
        asked = {**scope, "method": endpoint.method, "query_string": b"", "headers": headers}
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        await self._dispatcher.handle({endpoint.method: endpoint}, asked, receive, send)
        passed_on = [header for header in said[0]["headers"] if header[0].startswith(_PASSED_ON)]
        told = Told(said[0]["status"], b"".join(message.get("body", b"") for message in said), passed_on)
        if told.status != 200 and not or_error:
            raise Refused(told)
        return told

    def _handler(self, answer: Answering, methods: tuple[str, ...]) -> Handler:
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                done = await self._answered(answer, methods, scope, receive)
            except ClientGone:
                return
            headers = done.headers
            if not any(name == b"request-id" for name, _ in headers):
                headers.append((b"request-id", self._request_ids.new("req").encode()))
            await send({"type": "http.response.start", "status": done.status, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else done.body})

        return handle

    async def _answered(self, answer: Answering, methods: tuple[str, ...], scope: Scope, receive: Receive) -> Answer:
        request_id = self._request_ids.new("req")
        try:
            if scope["method"] not in methods:
                raise MethodNotAllowed(f"Only {' and '.join(methods)} can be sent here.")
            return await answer(scope, receive)
        except ClientGone:
            raise
        except Refused as refused:
            return _with_headers(_refusal(refused.told.status, ""), refused.told)
        except RequestError as problem:
            done = _refusal(problem.status, problem.message)
            if isinstance(problem, MethodNotAllowed):
                done.headers.append((b"allow", ", ".join(methods).encode()))
            elif isinstance(problem, BodyTooLarge):
                done.headers.append((b"connection", b"close"))
            return done
        except Exception as problem:
            return _refusal(self._dispatcher.failure(problem, request_id).status, "")


def _view(told: Told) -> CheckoutView:
    return msgspec.json.decode(told.body, type=CheckoutView)


def _with_headers(answer: Answer, told: Told) -> Answer:
    answer.headers += told.headers
    return answer


def _refusal(status: int, message: str) -> Answer:
    """What is told to people of what went wrong; the words of the API are for programs."""
    if status == 404:
        words = "Compare the address with the one that the seller gave you. Nothing was taken."
        return screens.message_page("There is no such payment", words, status)
    if status == 429:
        return screens.message_page("Too many tries", "Wait a moment, and try again.", status)
    if status >= 500:
        words = "We cannot tell at the moment. Open the page again in a moment to see whether it is paid."
        return screens.message_page("Something went wrong", words, status)
    return screens.message_page("This cannot be done", message or "Open the page again, and pay there.", status)


async def _read_form(scope: Scope, receive: Receive) -> bytes:
    headers = read_headers(scope)
    if headers.content_type.partition(b";")[0].strip().lower() != FORM_TYPE:
        raise UnsupportedContentType("Only the page's own forms can be sent here.")
    announced = headers.content_length
    if announced is not None and announced.isdigit() and int(announced) > FORM_BYTES_MAX:
        raise BodyTooLarge("The form is too large. Open the page again, and pay there.")
    body = await read_body(receive, announced)
    if len(body) > FORM_BYTES_MAX:
        raise BodyTooLarge("The form is too large. Open the page again, and pay there.")
    if not body:
        raise InvalidRequest("The form is empty. Open the page again, and pay there.")
    return body


def _refuse_foreign(scope: Scope) -> None:
    """By what the browser says of where the form was; its origin is not told, as our pages have no referrer."""
    if any(name == b"sec-fetch-site" and value in FOREIGN for name, value in scope["headers"]):
        raise PermissionMissing("The form was sent from another site. Open the page of the payment, and pay there.")
