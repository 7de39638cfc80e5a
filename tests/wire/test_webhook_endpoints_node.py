"""Webhook endpoints through the official Node SDK, its answers held against Python's annotations."""

import pytest

from tests.wire.conftest import RunNode
from tests.wire.exchanges import Exchange, complaints, kinds

pytestmark = pytest.mark.service("node")


@pytest.fixture(scope="module")
def exchanges(run_node: RunNode) -> list[Exchange]:
    """The script verifies by itself what it is sent, and fails where the SDK's verifier takes what it must not."""
    return run_node("webhooks.mjs")


def test_every_answer_conforms_to_the_annotations(exchanges: list[Exchange]) -> None:
    assert complaints(exchanges) == []
    assert kinds(exchanges) >= {"customer", "list of webhook_endpoint", "webhook_endpoint"}
