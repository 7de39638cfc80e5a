"""Google's fake of Pub/Sub, built from its published Go module and run as a process of its own."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.services import go_program

SOURCE = Path(__file__).parent / "pubsub"
# Beside what runs leave behind, so that it is built once for each checkout; named by what it is built of.
TOOLS = Path(__file__).resolve().parents[2] / "var" / "tools"
BUILD_SECONDS_MAX = 540  # gRPC is large, and is compiled once on a machine
END_SECONDS_MAX = 20
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class PubSub:
    """Where it listens: without TLS for everybody, as emulators do, and with it for the account that it knows."""

    plain: str
    guarded: str
    certificate: Path
    account: str

    def account_of_another(self) -> str:
        """The same name, and a key that the server does not know."""
        return _account(_key())


@contextmanager
def running(folder: Path) -> Iterator[PubSub]:
    key = _key()
    public, certificate = folder / "account.pem", folder / "certificate.pem"
    public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    with subprocess.Popen(
        [built(), public, certificate], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            yield PubSub(told["plain"], told["guarded"], certificate, _account(key))
        finally:
            process.stdin.close()
            process.wait(END_SECONDS_MAX)


def built() -> Path:
    """The program; made by whoever comes first, while others wait."""
    sources = sorted(SOURCE.glob("go.*")) + sorted(SOURCE.glob("*.go"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:16]
    program = TOOLS / f"pubsub-{digest}"
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "pubsub.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(program)
    return program


def _build(program: Path) -> None:
    go = go_program()
    assert go is not None, "the service mark lets no test run without Go"
    new = program.with_suffix(".new")
    done = subprocess.run(
        [go, "build", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w", "-o", new, "."],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    new.replace(program)


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def _account(key: rsa.RSAPrivateKey) -> str:
    """The file that Google hands out for a service account, as far as anything in it is needed."""
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    told = {
        "type": "service_account",
        "project_id": "shop",
        "private_key_id": "hush-id",
        "private_key": secret.decode(),
        "client_email": "bursar@shop.iam.example.com",
        "token_uri": "http://127.0.0.1:9/never-asked",
    }
    return json.dumps(told)
