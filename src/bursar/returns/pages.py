"""The address that banks send customers back to. There is nothing to see: it leads on to the merchant."""

from __future__ import annotations

from bursar.http.asgi import Application, Receive, Scope
from bursar.http.dispatch import Dispatcher
from bursar.http.requests import read_address
from bursar.http.responses import Answer
from bursar.returns.service import ReturnService
from bursar.store.log import Origin
from bursar.three_d_secure.service import RETURN_PATH
from bursar.three_d_secure.serving import PageServer, gone_on


class ReturnPages:
    def __init__(self, service: ReturnService, dispatcher: Dispatcher) -> None:
        self._service = service
        self._server = PageServer(dispatcher)

    def add_routes(self, application: Application) -> None:
        application.add(f"{RETURN_PATH}/{{connector}}/{{place}}", self._server.handler(self._answer, ("GET",)))

    async def _answer(self, scope: Scope, _receive: Receive) -> Answer:
        path = scope["path_params"]
        query = scope["query_string"].decode("latin-1")
        origin = Origin(address=read_address(scope))
        return gone_on(await self._service.come_back(path["connector"], path["place"], query, origin))
