"""An OpenID Connect provider on loopback that does exactly what a test tells it, right or wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

CLIENT_ID, CLIENT_SECRET = "bursar-at-provider", "the client's secret, which is long enough"
Change = Callable[[dict[str, Any]], None]


class Provider:
    """Honest by default. `claims` and `header` are changed by functions right before an ID token is signed."""

    def __init__(self) -> None:
        self.key: Key = ECKey.generate_key("P-256", parameters={"kid": "one", "use": "sig"})
        self.published: list[dict[str, Any]] = [self.key.as_dict(private=False)]
        self.algorithm = "ES256"
        self.change_claims: Change = lambda _: None
        self.change_header: Change = lambda _: None
        self.change_description: Change = lambda _: None
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = self._sign
        self.person: dict[str, Any] = {"sub": "person-1", "email": "ada@example.com", "email_verified": True}
        self.codes: dict[str, dict[str, str]] = {}
        self.key_reads = 0
        self.issuer = ""

    def description(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        self.change_description(found)
        return found

    def authorize(self, address: str) -> tuple[str, str]:
        """What the person's click there does: a code, and the state that came with the question."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}-{asked['state'][:8]}"
        self.codes[code] = asked
        return code, asked["state"]

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if challenge.decode().rstrip("=") != asked["code_challenge"] or asked["code_challenge_method"] != "S256":
            return 400, {"error": "invalid_grant"}
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.person,
        }
        header = {"alg": self.algorithm, "kid": self.key.kid}
        self.change_claims(claims)
        self.change_header(header)
        return self.sign(header, claims)

    def access_token(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "https://bursar.example/api",
            "sub": self.person["sub"],
            "iat": now,
            "exp": now + 300,
            "scope": "openid bursar",
            **changes,
        }
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid, "typ": "at+jwt"}, claims, self.key)

    def rotate(self, kid: str) -> None:
        """A new key, as providers do at any time."""
        self.key = RSAKey.generate_key(2048, parameters={"kid": kid, "use": "sig"})
        self.algorithm = "RS256"
        self.published = [self.key.as_dict(private=False)]

    def _sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(header, claims, self.key, algorithms=[str(header["alg"])])


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                self._answer(200, provider.description())
            elif self.path == "/keys":
                provider.key_reads += 1
                self._answer(200, {"keys": provider.published})
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            expected = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
            if given != base64.b64decode(expected.removeprefix("Basic ")):
                self._answer(401, {"error": "invalid_client"})
                return
            self._answer(*provider.token({name: values[0] for name, values in parse_qs(raw.decode()).items()}))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
