"""nginx and Apache with the configurations of deploy/, in front of a server that records what reaches it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import http.client
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bursar.http.protocol import BoundedProtocol
from tests.services import proxy_program
from tests.wire.harness import HOST, _free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
MODULES = Path("/usr/lib/apache2/modules")
OUTSIDE_NAME, INSIDE_NAME = "pay.example.com", "bursar.inside.example.com"
START_SECONDS_MAX = 60
STARTS_MAX = 3  # a port that was free may be taken a moment later
CLIENT_SECONDS_MAX = 30
APACHE_MODULES = (
    *("mpm_event", "authz_core", "authz_host", "headers", "http2", "macro", "proxy", "proxy_http", "reqtimeout"),
    *("rewrite", "setenvif", "socache_shmcb", "ssl"),
)


@dataclass(frozen=True)
class Seen:
    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    client: str
    scheme: str

    @property
    def path(self) -> str:
        return self.target.partition(b"?")[0].decode("latin-1")

    def all(self, name: str) -> list[str]:
        return [value.decode("latin-1") for known, value in self.headers if known == name.encode()]


@dataclass
class Recorder:
    """In Bursar's place, behind the same parser: keeps what it is asked, and answers as `answer` says."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    # Sent between the two halves of the answer to whatever has `halves` in its target.
    go_on: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", scope["type"]
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        self.seen.append(Seen(scope["method"], target, scope["headers"], body, scope["client"][0], scope["scheme"]))
        headers = [(b"content-type", b"text/plain"), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if b"halves" in target:
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await asyncio.to_thread(self.go_on.wait, CLIENT_SECONDS_MAX)
        await send({"type": "http.response.body", "body": b"reached", "more_body": False})


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder()

    class Counting(BoundedProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            recorder.connections.add(transport.get_extra_info("peername"))

    listener = socket.create_server((HOST, 0))
    recorder.port = listener.getsockname()[1]
    options: dict[str, Any] = {"http": Counting, "ws": "none", "lifespan": "off", "log_config": None}
    options |= {"proxy_headers": True, "forwarded_allow_ips": HOST, "timeout_keep_alive": 75}
    server = uvicorn.Server(uvicorn.Config(recorder, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until(lambda: server.started, "the recorder")
        yield recorder
    finally:
        recorder.go_on.set()
        server.should_exit = True
        thread.join(CLIENT_SECONDS_MAX)
        listener.close()


@dataclass(frozen=True)
class Proxy:
    name: str
    outside: int
    inside: int
    plain: int

    def outside_connection(self, source: str = HOST) -> Connection:
        return Connection(self.outside, OUTSIDE_NAME, source)

    def inside_connection(self, source: str = HOST) -> Connection:
        return Connection(self.inside, INSIDE_NAME, source)

    def raw(self, sent: bytes, seconds: float = 2.0, name: str | None = OUTSIDE_NAME, port: int | None = None) -> bytes:
        """Exactly these bytes by TLS, and what came back until the end or until nothing more comes."""
        context = unchecked()
        with (
            socket.create_connection((HOST, port or self.outside), timeout=CLIENT_SECONDS_MAX) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            secured.sendall(sent)
            secured.settimeout(seconds)
            came = b""
            with contextlib.suppress(OSError):
                while part := secured.recv(65_536):
                    came += part
            return came


class Connection(http.client.HTTPSConnection):
    """To a port of this machine, by the name that the certificate and the proxy know."""

    def __init__(self, port: int, name: str, source: str) -> None:
        super().__init__(HOST, port, timeout=CLIENT_SECONDS_MAX, source_address=(source, 0))
        self._name = name

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = unchecked().wrap_socket(self.sock, server_hostname=self._name)

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        self.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in ({"Host": self._name} | dict(headers or {})).items():
            self.putheader(name, value)
        if body or method in ("POST", "PUT", "PATCH"):
            self.putheader("Content-Length", str(len(body)))
        self.endheaders(body or None)
        answer = self.getresponse()
        return answer.status, answer.read(), answer.headers


def unchecked() -> ssl.SSLContext:
    """Whose certificate it is, is no affair of these tests."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline, f"{what} was not ready in time"
        time.sleep(0.02)


@contextmanager
def proxying(name: str, folder: Path, upstream_port: int) -> Iterator[Proxy]:
    """`nginx` or `apache2`, with what deploy/ has for it; only names of files, addresses and ports are ours."""
    for side in ("pay", "inside"):
        _make_certificate(folder, side)
    for _ in range(STARTS_MAX):
        proxy = Proxy(name, *(_free_port() for _ in range(3)))
        command = (_prepare_nginx if name == "nginx" else _prepare_apache)(folder, proxy, upstream_port)
        with (folder / "proxy.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        try:
            if _is_up(process, proxy):
                yield proxy
                return
        finally:
            process.terminate()
            try:
                process.wait(CLIENT_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    raise AssertionError((folder / "proxy.log").read_text(errors="replace"))


def _is_up(process: subprocess.Popen[bytes], proxy: Proxy) -> bool:
    def answers() -> bool:
        if process.poll() is not None:
            return True
        try:
            for port in (proxy.outside, proxy.inside, proxy.plain):
                socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            return False
        return True

    until(answers, proxy.name)
    return process.poll() is None


def deployed(text: str, folder: Path, proxy: Proxy, upstream_port: int) -> str:
    """The configuration as an operator would adapt it."""
    for known, ours in {
        "203.0.113.10:443": f"{HOST}:{proxy.outside}",
        "203.0.113.10:80": f"{HOST}:{proxy.plain}",
        "10.0.0.10:443": f"{HOST}:{proxy.inside}",
        "127.0.0.1:8420": f"{HOST}:{upstream_port}",
        "/etc/bursar/tls/": f"{folder}/",
    }.items():
        assert known in text, known
        text = text.replace(known, ours)
    return text


def _prepare_nginx(folder: Path, proxy: Proxy, upstream_port: int) -> list[str]:
    text = (DEPLOY / "nginx" / "bursar.conf").read_text()
    (folder / "bursar.conf").write_text(deployed(text, folder, proxy, upstream_port))
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in NGINX_FOLDERS)
    user = "user root;\n" if os.geteuid() == 0 else ""  # the folder is ours alone
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr notice;\n"
        "events { worker_connections 512; }\n"
        f"http {{\naccess_log off;\n{temporary}include {folder}/bursar.conf;\n}}\n"
    )
    program = proxy_program("nginx")
    assert program is not None, "the service mark lets no test run without it"
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


NGINX_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def _prepare_apache(folder: Path, proxy: Proxy, upstream_port: int) -> list[str]:
    text = (DEPLOY / "apache" / "bursar.conf").read_text()
    (folder / "bursar.conf").write_text(deployed(text, folder, proxy, upstream_port))
    modules = "".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so\n"
        for name in APACHE_MODULES
        if (MODULES / f"mod_{name}.so").exists()
    )
    user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    (folder / "httpd.conf").write_text(
        f"ServerRoot {folder}\nServerName localhost\nPidFile {folder}/apache.pid\nDefaultRuntimeDir {folder}\n"
        f"Mutex posixsem\nErrorLog {folder}/error.log\nLogLevel warn\nStartServers 1\n{modules}{user}"
        f"IncludeOptional {folder}/bursar.conf\n"
    )
    program = proxy_program("apache2")
    assert program is not None, "the service mark lets no test run without it"
    return [program, "-d", str(folder), "-f", str(folder / "httpd.conf"), "-DFOREGROUND"]


def _make_certificate(folder: Path, side: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    host = OUTSIDE_NAME if side == "pay" else INSIDE_NAME
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / f"{side}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{side}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
