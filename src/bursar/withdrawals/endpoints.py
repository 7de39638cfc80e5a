"""Withdrawals on `/api/v1`."""

from __future__ import annotations

from functools import partial

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.withdrawals.schemas import DecisionParams, Withdrawal, WithdrawalListParams, WithdrawalParams
from bursar.withdrawals.service import URL, WithdrawalService

READ, WRITE, APPROVE = "withdrawals.read", "withdrawals.write", "withdrawals.approve"
ONE_URL = f"{URL}/{{withdrawal}}"

_control = partial(Endpoint, surface="control")


def endpoints(service: WithdrawalService) -> list[Endpoint]:
    async def request_withdrawal(call: Call, params: WithdrawalParams) -> Effect:
        return await service.create(call, params)

    async def list_withdrawals(call: Call, params: WithdrawalListParams) -> Page[Withdrawal]:
        return await service.page(call, params)

    async def retrieve_withdrawal(call: Call, _params: object) -> Withdrawal:
        return await service.retrieve(call)

    async def approve_withdrawal(call: Call, params: DecisionParams) -> Effect:
        return await service.approve(call, params.reason)

    async def refuse_withdrawal(call: Call, params: DecisionParams) -> Effect:
        return await service.refuse(call, params.reason)

    async def cancel_withdrawal(call: Call, params: DecisionParams) -> Effect:
        return await service.cancel(call, params.reason)

    return [
        _control(
            "POST",
            "/api/v1/txn/withdraw",
            request_withdrawal,
            "Ask for a withdrawal",
            WRITE,
            Withdrawal,
            WithdrawalParams,
            needs_proof=True,
        ),
        _control("GET", URL, list_withdrawals, "List withdrawals", READ, Page[Withdrawal], WithdrawalListParams),
        _control("GET", ONE_URL, retrieve_withdrawal, "Retrieve a withdrawal", READ, Withdrawal),
        _control(
            "POST",
            f"{ONE_URL}/approve",
            approve_withdrawal,
            "Approve a withdrawal that somebody else has asked for",
            APPROVE,
            Withdrawal,
            DecisionParams,
            needs_proof=True,
        ),
        _control(
            "POST",
            f"{ONE_URL}/refuse",
            refuse_withdrawal,
            "Refuse a withdrawal",
            APPROVE,
            Withdrawal,
            DecisionParams,
        ),
        _control(
            "POST",
            f"{ONE_URL}/cancel",
            cancel_withdrawal,
            "Cancel a withdrawal",
            WRITE,
            Withdrawal,
            DecisionParams,
        ),
    ]
