"""Whether an organisation may take a payment at all: asked before any bank, and mostly without a read."""

from __future__ import annotations

from bursar.accounts.organisations import OrganisationService
from bursar.accounts.terms import TermsService
from bursar.contracts.service import ContractService
from bursar.plain_payments import rules
from bursar.plain_payments.rules import Refusal


class Admission:
    def __init__(self, contracts: ContractService, organisations: OrganisationService, terms: TermsService) -> None:
        self._contracts = contracts
        self._organisations = organisations
        self.terms = terms

    async def refusal(self, org_id: str, livemode: int, amount_minor: int, currency: str) -> Refusal | None:
        """Why the payment is declined by rule; None when a bank may be asked."""
        organisation = await self._organisations.of(org_id)
        if organisation is None or organisation.suspended is not None:
            return rules.SUSPENDED
        if await self._contracts.active(org_id, livemode) is None:
            return rules.NO_CONTRACT
        terms = await self.terms.of(org_id)
        return rules.above_limit(amount_minor, currency, terms.payment_limit_minor)
