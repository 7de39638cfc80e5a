"""Payments through the official Node SDK, its answers held against Python's annotations."""

import pytest

from tests.wire.conftest import RunNode
from tests.wire.exchanges import Exchange, complaints, kinds

pytestmark = pytest.mark.service("node")


@pytest.fixture(scope="module")
def exchanges(run_node: RunNode) -> list[Exchange]:
    """Every answer that the script has received; it fails by itself where the SDK understood one wrongly."""
    return run_node("payments.mjs")


def test_every_answer_conforms_to_the_annotations(exchanges: list[Exchange]) -> None:
    assert complaints(exchanges) == []


def test_every_kind_of_answer_is_met(exchanges: list[Exchange]) -> None:
    assert kinds(exchanges) >= {
        "balance",
        "balance_transaction",
        "charge",
        "customer",
        "dispute",
        "list of charge",
        "list of dispute",
        "list of event",
        "list of payment_intent",
        "list of payment_method",
        "list of refund",
        "payment_intent",
        "payment_method",
        "refund",
        "search_result of payment_intent",
        "setup_intent",
        "token",
    }


def test_every_kind_of_refusal_is_met(exchanges: list[Exchange]) -> None:
    assert {exchange["status"] for exchange in exchanges} == {200, 400, 402, 403, 404}
