"""The page of a UPI payment: a code to scan, or a link for the phone that has the app. No script."""

from __future__ import annotations

import time
from pathlib import Path

from bursar.http.asgi import Application, Receive, Scope
from bursar.http.dispatch import Dispatcher
from bursar.http.responses import Answer
from bursar.three_d_secure.service import INSTRUCTIONS_PATH
from bursar.three_d_secure.serving import ALWAYS, PageServer, gone_on, rendered
from bursar.upi_pages import codes
from bursar.upi_pages.service import Instructions, UpiPageService

TEMPLATE = Path(__file__).parent / "templates" / "upi.html"
METHODS = ("GET", "HEAD")
ONE = f"{INSTRUCTIONS_PATH}/{{place}}/{{secret}}"
# An image may be opened by itself, and then is a page of this origin: it may load nothing and run nothing.
IMAGE_POLICY = b"default-src 'none'; sandbox"


class UpiPages:
    def __init__(self, service: UpiPageService, dispatcher: Dispatcher) -> None:
        self._service = service
        self._server = PageServer(dispatcher)

    def add_routes(self, application: Application) -> None:
        application.add(ONE, self._server.handler(self._page, METHODS))
        application.add(f"{ONE}/qr.svg", self._server.handler(self._svg, METHODS))
        application.add(f"{ONE}/qr.png", self._server.handler(self._png, METHODS))

    async def _page(self, scope: Scope, _receive: Receive) -> Answer:
        path = scope["path_params"]
        shown = await self._service.show(path["place"], path["secret"])
        if not isinstance(shown, Instructions):
            return gone_on(shown)
        expires = time.strftime("%H:%M", time.gmtime(shown.expires_at))
        code_url = f"{INSTRUCTIONS_PATH}/{path['place']}/{path['secret']}/qr.svg"
        return rendered(TEMPLATE, 200, images=True, shown=shown, expires=expires, code_url=code_url)

    async def _svg(self, scope: Scope, _receive: Receive) -> Answer:
        return _image(b"image/svg+xml", codes.svg(await self._link(scope)))

    async def _png(self, scope: Scope, _receive: Receive) -> Answer:
        return _image(b"image/png", codes.png(await self._link(scope)))

    async def _link(self, scope: Scope) -> str:
        path = scope["path_params"]
        return await self._service.link(path["place"], path["secret"])


def _image(content_type: bytes, body: bytes) -> Answer:
    headers = [
        (b"content-type", content_type),
        (b"content-security-policy", IMAGE_POLICY),
        *ALWAYS,
        (b"content-length", b"%d" % len(body)),
    ]
    return Answer(200, body, headers)
