"""Whoever follows the README and the guides gets what they promise: their examples are run here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.blocks import Block, complaint, read_blocks
from tests.docs.runner import DEVELOPMENT, Reader
from tests.services import node_command

ROOT = Path(__file__).parents[2]
NODE_PROJECT = ROOT / "tests" / "wire" / "node"
INSTALL_SECONDS_MAX = 120
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs" / "guides").glob("*.md"))]
RUNNABLE = [document for document in DOCUMENTS if read_blocks(document)]
# Whose examples start a program that need not be there.
NEEDS = {"behind-a-proxy.md": "nginx"}
# A guide that lost its marks would pass without having been tried.
BLOCKS_MIN = {
    "README.md": 3,
    "getting-started.md": 9,
    "customers.md": 9,
    "production.md": 5,
    "behind-a-proxy.md": 5,
    "command-line.md": 10,
    "audit.md": 6,
    "incoming-webhooks.md": 7,
    "limits.md": 6,
    "books.md": 6,
    "payments.md": 7,
    "upi-net-banking-wallets.md": 6,
    "vault.md": 2,
    "wallets.md": 9,
    "webhooks.md": 11,
    "streams.md": 6,
    "signing-in.md": 9,
    "members.md": 13,
    "notifications.md": 8,
    "api-keys.md": 9,
    "roles.md": 8,
    "plain-api.md": 7,
    "first-payment.md": 15,
}


def is_javascript(block: Block) -> bool:
    return block.language == "javascript"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            document,
            id=document.name,
            marks=[pytest.mark.service(NEEDS[document.name])] if document.name in NEEDS else [],
        )
        for document in RUNNABLE
    ],
)
def test_a_reader_gets_what_the_document_promises(document: Path, tmp_path: Path) -> None:
    blocks = read_blocks(document)
    with Reader(document, tmp_path) as reader:
        if not any(block.action == "serve" for block in blocks):
            reader.start_development()
        for block in blocks:
            if not is_javascript(block):
                reader.follow(block)


@pytest.fixture(scope="module")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with the official Node SDK, and the environment in which `node` is the one that was chosen."""
    command = node_command()
    assert command is not None, "the service mark lets no test run without Node.js"
    node = Path(shutil.which(command[0]) or command[0])
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])}
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_PROJECT / name, folder)
    npm = [str(node.with_name("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(npm, cwd=folder, env=environment, capture_output=True, timeout=INSTALL_SECONDS_MAX, check=True)
    return folder, environment


@pytest.mark.service("node")
@pytest.mark.parametrize(
    "document",
    [document for document in RUNNABLE if any(map(is_javascript, read_blocks(document)))],
    ids=lambda document: document.name,
)
def test_the_node_examples_do_what_they_say(
    document: Path, tmp_path: Path, node_project: tuple[Path, dict[str, str]]
) -> None:
    folder, environment = node_project
    with Reader(document, tmp_path) as reader:
        reader.start_development()
        for block in filter(is_javascript, read_blocks(document)):
            script = folder / f"{document.stem}-{block.line}.mjs"
            script.write_text(reader.adapted(block.text), encoding="utf-8")
            reader.check(block, ["node", str(script)], environment)


@pytest.mark.parametrize(("name", "blocks_min"), BLOCKS_MIN.items())
def test_every_guide_is_tried(name: str, blocks_min: int) -> None:
    document = next(document for document in DOCUMENTS if document.name == name)
    assert len(read_blocks(document)) >= blocks_min


def test_what_the_documents_call_make_run_is_what_the_makefile_runs() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nrun:")[2].partition("\n\n")[0]
    assert 'bursar dev --port "$(PORT)" --data "$(DATA)"' in recipe
    defaults = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "PORT ?= 8420\n" in defaults
    assert "DATA ?= var/dev\n" in defaults
    assert DEVELOPMENT == "make run"


@pytest.mark.parametrize(
    ("kind", "expected", "output"),
    [
        ("text", "missing", "something else"),
        ("text", "b\na", "a\nb"),
        ("json", '{"a": 1}', '{"a": 2}'),
        ("json", '{"a": 1}', '{"b": 1}'),
        ("json", '{"a": false}', '{"a": 0}'),
        ("json", '{"a": "x…"}', '{"a": "yx"}'),
        ("json", "[1]", "[1, 2]"),
        ("json", "[1, 2]", "[1]"),
        ("json", "{}", "no JSON"),
    ],
)
def test_what_is_not_there_is_complained_of(kind: str, expected: str, output: str) -> None:
    assert complaint(kind, expected, output) is not None


@pytest.mark.parametrize(
    ("kind", "expected", "output"),
    [
        ("text", "  one\nthree", "one two\ntwo three"),
        ("text", "key_… is revoked", "key_abc is revoked."),
        ("json", '{"a": {"b": 1}}', '{"a": {"b": 1, "c": 2}, "d": 3}'),
        ("json", '{"id": "cus_…"}', '{"id": "cus_1"}'),
        ("json", '[1, "…"]', "[1, 2, 3]"),
    ],
)
def test_what_is_there_is_found(kind: str, expected: str, output: str) -> None:
    assert complaint(kind, expected, output) is None
