"""Payment methods and tokens on `/v1`."""

from __future__ import annotations

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.expand import Expansion
from bursar.http.paging import Page
from bursar.http.params import Params
from bursar.methods.schemas import (
    AttachParams,
    CustomerMethodListParams,
    PaymentMethod,
    PaymentMethodCreateParams,
    PaymentMethodListParams,
    PaymentMethodUpdateParams,
    Token,
    TokenParams,
)
from bursar.methods.service import CUSTOMERS_URL, URL, MethodService

READ, WRITE = "payment_methods.read", "payment_methods.write"
ONE_URL = f"{URL}/{{payment_method}}"
OF_CUSTOMER_URL = f"{CUSTOMERS_URL}/{{customer}}/payment_methods"
ONE_OF_CUSTOMER_URL = f"{OF_CUSTOMER_URL}/{{payment_method}}"
TOKENS_URL = "/v1/tokens"


def endpoints(service: MethodService) -> list[Endpoint]:
    expandable = {"customer": Expansion(load=service.load_customers)}

    async def create_payment_method(call: Call, params: PaymentMethodCreateParams) -> Effect:
        return await service.create(call, params)

    async def retrieve_payment_method(call: Call, _params: Params) -> PaymentMethod:
        return await service.retrieve(call)

    async def update_payment_method(call: Call, params: PaymentMethodUpdateParams) -> Effect:
        return await service.update(call, params)

    async def list_payment_methods(call: Call, params: PaymentMethodListParams) -> Page[PaymentMethod]:
        return await service.page(call, params)

    async def attach_payment_method(call: Call, params: AttachParams) -> Effect:
        return await service.attach(call, params)

    async def detach_payment_method(call: Call, _params: Params) -> Effect:
        return await service.detach(call)

    async def list_customer_payment_methods(call: Call, params: CustomerMethodListParams) -> Page[PaymentMethod]:
        return await service.page_of_customer(call, params)

    async def retrieve_customer_payment_method(call: Call, _params: Params) -> PaymentMethod:
        return await service.retrieve_of_customer(call)

    method, page = PaymentMethod, Page[PaymentMethod]
    return [
        Endpoint(
            "POST",
            URL,
            create_payment_method,
            "Create a payment method",
            WRITE,
            method,
            PaymentMethodCreateParams,
            expandable,
            publishable=True,
            refuses_cards=True,
        ),
        Endpoint(
            "GET",
            URL,
            list_payment_methods,
            "List a customer's payment methods",
            READ,
            page,
            PaymentMethodListParams,
            expandable,
        ),
        Endpoint(
            "GET", ONE_URL, retrieve_payment_method, "Retrieve a payment method", READ, method, Params, expandable
        ),
        Endpoint(
            "POST",
            ONE_URL,
            update_payment_method,
            "Update a payment method",
            WRITE,
            method,
            PaymentMethodUpdateParams,
            expandable,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/attach",
            attach_payment_method,
            "Attach a payment method to a customer",
            WRITE,
            method,
            AttachParams,
            expandable,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/detach",
            detach_payment_method,
            "Detach a payment method from its customer",
            WRITE,
            method,
            Params,
            expandable,
        ),
        Endpoint(
            "GET",
            OF_CUSTOMER_URL,
            list_customer_payment_methods,
            "List the payment methods of a customer",
            READ,
            page,
            CustomerMethodListParams,
            expandable,
        ),
        Endpoint(
            "GET",
            ONE_OF_CUSTOMER_URL,
            retrieve_customer_payment_method,
            "Retrieve a payment method of a customer",
            READ,
            method,
            Params,
            expandable,
        ),
        *_token_endpoints(service),
    ]


def _token_endpoints(service: MethodService) -> list[Endpoint]:
    async def create_token(call: Call, params: TokenParams) -> Effect:
        return await service.create_token(call, params)

    async def retrieve_token(call: Call, _params: Params) -> Token:
        return await service.retrieve_token(call)

    return [
        Endpoint(
            "POST",
            TOKENS_URL,
            create_token,
            "Create a token",
            "tokens.write",
            Token,
            TokenParams,
            publishable=True,
            refuses_cards=True,
        ),
        Endpoint("GET", f"{TOKENS_URL}/{{token}}", retrieve_token, "Retrieve a token", "tokens.read", Token),
    ]
