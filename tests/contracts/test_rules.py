"""Which contract an organisation's payments go by."""

import pytest

from bursar.contracts import rules
from bursar.kit.errors import InvalidRequest

NOW = 1_800_000_000_000_000


def test_whoever_never_made_a_contract_has_the_one_of_everybody() -> None:
    (contract,) = rules.known([], livemode=True)
    assert (contract.acquirer, contract.status, contract.by_default) == ("piggybank", "active", True)
    assert rules.active([contract]) is contract


def test_a_contract_that_was_ended_is_not_replaced_by_the_one_of_everybody() -> None:
    ended = rules.ended(rules.new("piggybank", NOW, livemode=False), NOW)
    assert rules.active(rules.known([ended], livemode=False)) is None
    assert rules.active([rules.renewed(ended)]) is not None


def test_an_acquirer_that_nothing_here_can_talk_to_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rules.require_acquirer("bank_of_nowhere")
    assert (refusal.value.param, refusal.value.code) == ("acquirer", "acquirer_unknown")
