"""The page where a cardholder authenticates: one form, no script, nothing from elsewhere."""

from __future__ import annotations

from urllib.parse import parse_qs

from bursar.http.asgi import Application, Receive, Scope
from bursar.http.dispatch import Dispatcher
from bursar.http.requests import read_address, read_body, read_headers
from bursar.http.responses import Answer
from bursar.kit.errors import InvalidRequest
from bursar.three_d_secure.service import PATH, AuthenticationService
from bursar.three_d_secure.serving import PageServer, gone_on, page

RESULTS = {"passed": True, "failed": False}
METHODS = ("GET", "HEAD", "POST")
FIELDS_MAX = 8  # one is ours; a browser's helpers may add some of their own


class AuthenticationPages:
    def __init__(self, authentications: AuthenticationService, dispatcher: Dispatcher) -> None:
        self._authentications = authentications
        self._server = PageServer(dispatcher)

    def add_routes(self, application: Application) -> None:
        application.add(f"{PATH}/{{place}}/{{secret}}", self._server.handler(self._answer, METHODS))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["path_params"]
        # Before anything else: whoever clicks and closes the page has decided none the less.
        body = await read_body(receive, read_headers(scope).content_length) if scope["method"] == "POST" else None
        authentication = await self._authentications.find(path["place"], path["secret"])
        if body is not None:
            passed = _read_result(body)
            return gone_on(
                await self._authentications.decide(authentication, passed=passed, address=read_address(scope))
            )
        waiting = await self._authentications.waiting(authentication)
        if waiting is None:
            return page("Nothing to do", None, "This authentication is over. You can close this page.", 200)
        return page("Confirm that it is you", waiting, None, 200)


def _read_result(body: bytes) -> bool:
    try:
        results = parse_qs(body.decode("latin-1"), max_num_fields=FIELDS_MAX).get("result", [])
    except ValueError:
        results = []
    if len(results) != 1 or results[0] not in RESULTS:
        raise InvalidRequest("The form was sent without a result. Go back and choose one.", param="result")
    return RESULTS[results[0]]
