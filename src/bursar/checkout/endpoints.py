"""What the page asks for on behalf of payers: counted, limited, recorded and kept as what the API is asked for."""

from __future__ import annotations

from bursar.checkout.schemas import CheckoutView
from bursar.checkout.service import PATH, CheckoutService
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.payment_sessions.endpoints import READ, WRITE
from bursar.payment_sessions.schemas import AcceptAnswer, AcceptParams

SHOW_URL = f"{PATH}/{{transactionTraceId}}"
PAY_URL = f"{SHOW_URL}/pay"
RESULT_URL = f"{SHOW_URL}/result"


def show_endpoint(checkout: CheckoutService) -> Endpoint:
    async def show_checkout(call: Call, _params: Params) -> CheckoutView:
        return await checkout.show(call)

    return Endpoint(
        "GET",
        SHOW_URL,
        show_checkout,
        "Show a session to whoever pays it",
        READ,
        CheckoutView,
        surface="control",
        payer=checkout.payers.of_trace,
    )


def result_endpoint(checkout: CheckoutService) -> Endpoint:
    async def show_checkout_result(call: Call, _params: Params) -> CheckoutView:
        return await checkout.settle(call)

    return Endpoint(
        "GET",
        RESULT_URL,
        show_checkout_result,
        "Show how paying a session went",
        READ,
        CheckoutView,
        surface="control",
        payer=checkout.payers.of_trace,
    )


def pay_endpoint(checkout: CheckoutService) -> Endpoint:
    async def pay_on_checkout(call: Call, params: AcceptParams) -> AcceptAnswer | Effect | Staged:
        return await checkout.accept(call, params)

    return Endpoint(
        "POST",
        PAY_URL,
        pay_on_checkout,
        "Pay a session on its page",
        WRITE,
        AcceptAnswer,
        AcceptParams,
        resume=checkout.resume,
        surface="control",
        payer=checkout.payers.of_trace,
    )
