"""A Bursar that knows one provider, and a browser that goes there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bursar import settings as settings_module
from bursar.app import assemble
from bursar.federation import repository
from bursar.federation.schemas import Grant, ProviderDocument, ProviderParams
from bursar.federation.schemas import Provider as StoredProvider
from bursar.federation.service import SEALED_FOR
from bursar.http.asgi import Application
from bursar.http.authentication import USER, Principal
from bursar.http.call import Call, Effect
from bursar.kit.permissions import PLATFORM_ADMIN_PERMISSIONS
from bursar.kit.sealing import Sealing
from bursar.runtime import Runtime, running
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Unit
from tests.federation.provider import CLIENT_ID, CLIENT_SECRET, Provider

Answer = tuple[int, dict[str, str], bytes]
ADMIN = Principal(INSTALLATION, 0, "usr_admin", USER, PLATFORM_ADMIN_PERMISSIONS, "platform_admin")
ORGANISATION = "acct_bursardevelopment"


class Browser:
    """Keeps cookies, follows nothing by itself."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return await self.send("GET", path, headers)

    async def send(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        parts = urlsplit(path)
        sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        if self.cookies:
            sent.append((b"cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()).encode()))
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": sent,
            "client": ("127.0.0.1", 1234),
        }
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self._application(scope, receive, send)
        got: dict[str, str] = {}
        for name, value in messages[0]["headers"]:
            if name == b"set-cookie":
                self._keep(value.decode())
            else:
                got[name.decode()] = value.decode()
        return messages[0]["status"], got, b"".join(message.get("body", b"") for message in messages[1:])

    def _keep(self, line: str) -> None:
        first, *attributes = line.split("; ")
        name, _, value = first.partition("=")
        assert "HttpOnly" in attributes and "SameSite=Lax" in attributes
        if "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


class World:
    def __init__(self, application: Application, runtime: Runtime, provider: Provider) -> None:
        self.application = application
        self.runtime = runtime
        self.provider = provider
        self.provider_id = ""

    async def set_up(self, **settings: Any) -> str:
        given = {
            "name": "The company",
            "issuer": self.provider.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "creates_users": True,
            "grants": [Grant(claim="sub", value="*", organisation=ORGANISATION, role="developer")],
            **settings,
        }
        effect = await self.runtime.federation.service.create(Call(ADMIN, "req_test"), ProviderParams(**given))
        assert isinstance(effect, Effect)
        await self.runtime.store.commit(effect.unit)
        self.provider_id = effect.result.id  # type: ignore[attr-defined]
        return self.provider_id

    async def insert(self, provider_id: str, client_secret: str, **document: Any) -> None:
        """One whose id is known before."""
        sealing = Sealing(self.runtime.identity.secrets.keys(SEALED_FOR))
        provider = StoredProvider(
            id=provider_id,
            created=self.runtime.clock.now_microseconds(),
            version=1,
            document=ProviderDocument(name="The company", creates_users=True, **document),
            sealed_secret=sealing.seal(client_secret.encode(), provider_id),
        )
        await self.runtime.store.commit(Unit([repository.insertion(provider)]))

    async def start(self, browser: Browser, **query: str) -> str:
        """Where the browser is sent to."""
        path = f"/auth/oidc/{self.provider_id}/start"
        status, headers, body = await browser.get(f"{path}?{urlencode(query)}" if query else path)
        assert status == 303, body
        return headers["location"]

    async def come_back(self, browser: Browser, code: str, state: str, **more: str) -> Answer:
        query = urlencode({"code": code, "state": state, **more})
        return await browser.get(f"/auth/oidc/{self.provider_id}/callback?{query}")

    async def sign_in(self, browser: Browser | None = None) -> Answer:
        browser = browser or Browser(self.application)
        code, state = self.provider.authorize(await self.start(browser))
        return await self.come_back(browser, code, state)

    async def me(self, browser: Browser) -> dict[str, Any]:
        status, _, body = await browser.get("/api/v1/auth/me")
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    async def refusals(self) -> list[str]:
        """Why sign-ins were refused, as the log has it."""
        from sqlalchemy import select

        from bursar.events.tables import events

        def query(connection: Any) -> list[str]:
            rows = connection.execute(select(events.c.data).where(events.c.event_type == "bursar.sign_in.failed"))
            return [json.loads(row.data)["object"].get("reason", "") for row in rows]

        return await self.runtime.store.read(query)


@contextmanager
def world(tmp_path: Path, provider: Provider) -> Iterator[World]:
    settings = settings_module.development(tmp_path, 8420, {})
    with running(settings) as runtime:
        yield World(assemble(runtime), runtime, provider)
