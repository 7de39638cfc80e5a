"""The bank as a child of the development server."""

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from bursar.commands.bank_process import BankProcess, read_address
from tests.piggybank.harness import HOST, until

PARENT = """
import sys, time
from pathlib import Path
from bursar.commands.bank_process import BankProcess
bank = BankProcess(Path(sys.argv[1]), webhook_url="http://127.0.0.1:1/")
bank.start()
print(bank.url, flush=True)
time.sleep(60)
"""


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def test_it_is_started_again_when_it_dies_and_ended_with_the_server(tmp_path: Path) -> None:
    bank = BankProcess(tmp_path, webhook_url="http://127.0.0.1:1/")
    port = port_of(bank.url)
    bank.start()
    try:
        until(lambda: answers(port))
        assert bank._process is not None
        first = bank._process.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: bank._process is not None and bank._process.pid != first and answers(port))
    finally:
        bank.stop()
    assert not answers(port)
    assert bank._process.returncode == 0


def test_its_secrets_are_kept_and_private(tmp_path: Path) -> None:
    bank = BankProcess(tmp_path, webhook_url="http://127.0.0.1:1/")
    again = BankProcess(tmp_path, webhook_url="http://127.0.0.1:1/")
    assert (again.api_key, again.webhook_secret) == (bank.api_key, bank.webhook_secret)
    assert bank.api_key != bank.webhook_secret
    for name in ("address.json", "api_key", "webhook_secret"):
        assert (tmp_path / "piggybank" / name).stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "piggybank" / "address.json").read_bytes()) == {
        "url": again.url,
        "api_key": again.api_key,
    }
    assert read_address(tmp_path).url == again.url
    bank.stop()


def test_it_ends_when_the_server_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        port = port_of(parent.stdout.readline().decode().strip())
        until(lambda: answers(port))
    finally:
        parent.kill()
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()
    until(lambda: not answers(port))
