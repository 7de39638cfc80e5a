"""What the tests of payments without a card share."""

from tests.payments.harness import Json, Shop, World

URL = "/v1/payment_intents"
RETURN_URL = "https://shop.example/done?order=1"
UPI: Json = {"payment_method_data[type]": "upi"}
COLLECT: Json = UPI | {"payment_method_data[upi][vpa]": "asha@bank"}
NET_BANKING: Json = {
    "payment_method_data[type]": "net_banking",
    "payment_method_data[net_banking][bank_code]": "hdfc",
    "payment_method_data[net_banking][account]": "5010 0044 1234",
    "return_url": RETURN_URL,
}
WALLET: Json = {"payment_method_data[type]": "wallet", "payment_method_data[wallet][wallet_id]": "pw_1"}
EMPTY_WALLET = WALLET | {"payment_method_data[wallet][wallet_id]": "pw_empty"}
UNKNOWN_VPA = UPI | {"payment_method_data[upi][vpa]": "nobody@bank"}
WAITING: dict[str, Json] = {"upi": UPI, "collect": COLLECT, "net_banking": NET_BANKING}
STATUSES = {"upi": "requires_action", "collect": "processing", "net_banking": "requires_action"}


def rupees(**more: object) -> Json:
    return {"amount": 49900, "currency": "inr", "confirm": "true"} | more


async def waiting(world: World, kind: str, **more: object) -> Json:
    """An intent that waits for its customer at the bank."""
    reply = await world.shop.post(URL, rupees(**WAITING[kind], **more))
    assert reply.status == 200, reply.json
    assert reply.json["status"] == STATUSES[kind]
    return reply.json


def attempt_of(shop: Shop, intent_id: str) -> str:
    """The newest operation at the bank."""
    return shop.attempts_of(intent_id)[-1].id
