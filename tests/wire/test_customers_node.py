"""Customers and their events through the official Node SDK, its answers held against Python's annotations."""

import pytest

from tests.wire.conftest import RunNode
from tests.wire.exchanges import Exchange, complaints, kinds

pytestmark = pytest.mark.service("node")


@pytest.fixture(scope="module")
def exchanges(run_node: RunNode) -> list[Exchange]:
    """Every answer that the script has received; it fails by itself where the SDK understood one wrongly."""
    return run_node("customers.mjs")


def test_every_answer_conforms_to_the_annotations(exchanges: list[Exchange]) -> None:
    assert complaints(exchanges) == []


def test_every_kind_of_answer_is_met(exchanges: list[Exchange]) -> None:
    assert kinds(exchanges) == {"customer", "event", "list of customer", "list of event", "search_result of customer"}


def test_every_kind_of_refusal_is_met(exchanges: list[Exchange]) -> None:
    assert {exchange["status"] for exchange in exchanges} == {200, 400, 401, 403, 404}
