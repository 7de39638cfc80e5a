"""An authenticator of software: real keys, real signatures, and whatever a hostile one would send."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from typing import Any, Literal

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ES256, EDDSA = -7, -8
AAGUID = bytes(range(16))


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One passkey, for one page."""

    def __init__(
        self,
        origin: str = "http://localhost:8420",
        *,
        kind: Literal["es256", "eddsa"] = "es256",
        counts: bool = True,
        verifies_user: bool = True,
    ) -> None:
        self.origin = origin
        self.counts = counts
        self.verifies_user = verifies_user
        self.counter = 0
        self.credential_id = os.urandom(32)
        self.user_handle = b""
        self.party = ""
        self._key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = (
            ec.generate_private_key(ec.SECP256R1()) if kind == "es256" else ed25519.Ed25519PrivateKey.generate()
        )

    def create(self, options: dict[str, Any], **claims: Any) -> dict[str, Any]:
        """What `navigator.credentials.create` gives, as JSON."""
        self.party = options["rp"]["id"]
        self.user_handle = bytes_of(options["user"]["id"])
        attested = AAGUID + struct.pack(">H", len(self.credential_id)) + self.credential_id + self._public_key()
        data = self._authenticator_data(ATTESTED) + attested
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        return {
            "id": text_of(self.credential_id),
            "rawId": text_of(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "clientDataJSON": text_of(self._client_data("webauthn.create", options["challenge"], **claims)),
                "attestationObject": text_of(cbor2.dumps(attestation)),
                "transports": ["internal"],
            },
        }

    def get(self, options: dict[str, Any], *, handle: bytes | None = None, **claims: Any) -> dict[str, Any]:
        """What `navigator.credentials.get` gives, as JSON."""
        self.counter += self.counts
        client_data = self._client_data("webauthn.get", options["challenge"], **claims)
        data = self._authenticator_data(0)
        signature = self._sign(data + hashlib.sha256(client_data).digest())
        return {
            "id": text_of(self.credential_id),
            "rawId": text_of(self.credential_id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text_of(client_data),
                "authenticatorData": text_of(data),
                "signature": text_of(signature),
                "userHandle": text_of(self.user_handle if handle is None else handle),
            },
        }

    def _client_data(self, kind: str, challenge: str, **claims: Any) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | claims).encode()

    def _authenticator_data(self, flags: int) -> bytes:
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies_user else 0)
        return hashlib.sha256(self.party.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        return self._key.sign(data, ec.ECDSA(SHA256()))

    def _public_key(self) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: raw})
        numbers = self._key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
