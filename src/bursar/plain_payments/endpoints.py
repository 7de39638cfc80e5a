"""The plain API: `/api/v1/payments`, and `/pay` for who wants it plainest."""

from __future__ import annotations

from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.payments.endpoints import READ, WRITE
from bursar.plain_payments.schemas import (
    PayAnswer,
    PayParams,
    PlainCaptureParams,
    PlainPayment,
    PlainPaymentParams,
    PlainRefund,
    PlainRefundParams,
)
from bursar.plain_payments.service import URL, PlainPaymentService
from bursar.refunds.endpoints import WRITE as REFUNDS_WRITE

ONE_URL = f"{URL}/{{payment}}"
PAY_URL = "/pay"


def endpoints(service: PlainPaymentService) -> list[Endpoint]:
    async def create_payment(call: Call, params: PlainPaymentParams) -> Effect | Staged:
        return await service.pay(call, params)

    async def retrieve_payment(call: Call, _params: Params) -> PlainPayment:
        return await service.retrieve(call)

    async def capture_payment(call: Call, params: PlainCaptureParams) -> Effect | Staged:
        return await service.capture(call, params)

    async def cancel_payment(call: Call, _params: Params) -> Effect | Staged:
        return await service.cancel(call)

    async def refund_payment(call: Call, params: PlainRefundParams) -> Effect | Staged:
        return await service.refund(call, params)

    async def pay(call: Call, params: PayParams) -> Effect | Staged:
        return await service.pay_in_major_units(call, params)

    return [
        Endpoint(
            "POST",
            URL,
            create_payment,
            "Pay",
            WRITE,
            PlainPayment,
            PlainPaymentParams,
            resume=service.resume_payment,
            surface="control",
        ),
        Endpoint("GET", ONE_URL, retrieve_payment, "Retrieve a payment", READ, PlainPayment, surface="control"),
        Endpoint(
            "POST",
            f"{ONE_URL}/capture",
            capture_payment,
            "Capture a payment",
            WRITE,
            PlainPayment,
            PlainCaptureParams,
            resume=service.resume,
            refuses_cards=True,
            surface="control",
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/cancel",
            cancel_payment,
            "Cancel a payment",
            WRITE,
            PlainPayment,
            resume=service.resume,
            refuses_cards=True,
            surface="control",
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/refunds",
            refund_payment,
            "Refund a payment",
            REFUNDS_WRITE,
            PlainRefund,
            PlainRefundParams,
            resume=service.resume_refund,
            surface="control",
        ),
        Endpoint(
            "POST",
            PAY_URL,
            pay,
            "Pay an amount in major units",
            WRITE,
            PayAnswer,
            PayParams,
            resume=service.resume_pay,
            surface="control",
        ),
    ]
