"""Banks behind https://: who they are is proved before anything is sent."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bursar.connectors.contract import Authorize, Card, Inquire
from bursar.connectors.registry import Registry
from tests.connectors import fake_bank
from tests.connectors.fake_bank import API_KEY, FakeBank

Loop = Callable[[], asyncio.AbstractEventLoop]
Scenario = Callable[[FakeBank, Registry], Coroutine[Any, Any, None]]
START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
END = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Loop:
    made: Loop = request.param
    return made


class Authority:
    """Signs certificates; whoever trusts `file` trusts them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("An authority of this test")
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = self._builder("An authority of this test", self._key.public_key(), START, END)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(self, *names: x509.GeneralName, end: datetime.datetime = END) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder("a bank", key.public_key(), START, end)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        certificate = builder.sign(self._key, hashes.SHA256())
        file = self._folder / "server.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def _builder(
        self, subject: str, key: ec.EllipticCurvePublicKey, start: datetime.datetime, end: datetime.datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The only one that is trusted."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return made


LOCALHOST = x509.DNSName("localhost")


def run(loop: Loop, context: ssl.SSLContext | None, scenario: Scenario, url: str = "", seconds: float = 4.0) -> None:
    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # of the server's failed handshakes
        async with FakeBank(tls=context) as bank:
            registry = Registry(url.replace("PORT", str(bank.port)) or bank.url, API_KEY, "secret", seconds)
            try:
                await scenario(bank, registry)
            finally:
                await registry.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(whole())


def sale(registry: Registry, operation_id: str = "op_1") -> Authorize:
    card = Card(number="4242424242424242", exp_month=12, exp_year=2034)
    account = registry.account_for("org_1", False)
    return Authorize(operation_id=operation_id, account=account, amount_minor=2500, currency="usd", method=card)


async def not_sent(bank: FakeBank, registry: Registry) -> None:
    for order in (sale(registry), Inquire(operation_id="op_1", account=registry.account_for("org_1", False))):
        assert (await registry.carry_out(order)).kind == "not_sent"
    assert bank.seen == []


def test_orders_and_questions_go_over_tls(loop: Loop, authority: Authority) -> None:
    names: list[str | None] = []
    context = authority.server(LOCALHOST)
    context.sni_callback = lambda socket, name, context: names.append(name)

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        for number in range(3):
            assert (await registry.carry_out(sale(registry, f"op_{number}"))).kind == "succeeded"
        assert bank.connections == 1, "it is kept"
        question = Inquire(operation_id="op_1", account=registry.account_for("org_1", False))
        assert (await registry.carry_out(question)).kind == "succeeded"
        assert bank.seen[0].headers["host"] == f"localhost:{bank.port}"
        assert names == ["localhost", "localhost"]

    run(loop, context, scenario)


def test_a_bank_that_is_named_by_its_number_proves_that(loop: Loop, authority: Authority) -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        assert (await registry.carry_out(sale(registry))).kind == "succeeded"

    context = authority.server(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    run(loop, context, scenario, "https://127.0.0.1:PORT")


def test_the_protocol_is_the_one_that_we_speak(loop: Loop, authority: Authority) -> None:
    spoken = []

    async def ask(bank: FakeBank, request: fake_bank.Seen, writer: asyncio.StreamWriter) -> bool:
        spoken.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        return await fake_bank.honest(bank, request, writer)

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        bank.answer_always = ask
        await registry.carry_out(sale(registry))
        assert spoken == ["http/1.1"]

    run(loop, authority.server(LOCALHOST), scenario)


def test_a_bank_of_an_unknown_authority_is_sent_nothing(loop: Loop, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    run(loop, Authority(tmp_path / "other").server(LOCALHOST), not_sent)


@pytest.mark.parametrize("name", ["bank.example", "127.0.0.1"])
def test_a_bank_of_another_name_is_sent_nothing(loop: Loop, authority: Authority, name: str) -> None:
    run(loop, authority.server(x509.DNSName(name)), not_sent)


def test_a_bank_whose_proof_is_too_old_is_sent_nothing(loop: Loop, authority: Authority) -> None:
    run(loop, authority.server(LOCALHOST, end=START + datetime.timedelta(days=1)), not_sent)


def test_a_bank_that_speaks_no_tls_is_sent_nothing(loop: Loop, authority: Authority) -> None:
    run(loop, None, not_sent, "https://localhost:PORT", seconds=0.6)


def test_a_handshake_has_an_end(loop: Loop, authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        run(loop, None, not_sent, f"https://127.0.0.1:{port}", seconds=0.4)


def test_what_goes_wrong_after_the_handshake_is_unknown(loop: Loop, authority: Authority) -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        for answer in (fake_bank.drop_reply, fake_bank.reset, fake_bank.say_bytes(b"HTTP/1.1 200 OK\r\n\r\n{")):
            bank.answers = [answer]
            assert (await registry.carry_out(sale(registry))).kind == "unknown"
        bank.answers = [fake_bank.answer_twice]
        for number in range(3):
            assert (await registry.carry_out(sale(registry, f"op_{number}"))).kind in ("succeeded", "unknown")

    run(loop, authority.server(LOCALHOST), scenario)
