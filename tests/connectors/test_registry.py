import asyncio
import traceback

import pytest

from bursar.connectors.contract import Account, Inquire
from bursar.connectors.registry import AcquirerMisconfigured, NoAcquirer, Registry, UnknownConnector, merchant_of

URL = "http://127.0.0.1:8430"


def test_without_an_acquirer_the_remedy_is_named() -> None:
    with pytest.raises(NoAcquirer, match="BURSAR_PIGGYBANK_URL"):
        Registry().account_for("org_1", False)


@pytest.mark.parametrize(("livemode", "merchant"), [(False, "org_1:test"), (True, "org_1:live")])
def test_an_account_names_the_organisation_and_the_mode(livemode: bool, merchant: str) -> None:
    account = Registry(URL, "key").account_for("org_1", livemode)
    assert (account.connector, account.merchant) == ("piggybank", merchant)
    assert merchant_of(account.merchant) == ("org_1", livemode)


@pytest.mark.parametrize("text", ["", "org_1", "org_1:", ":test", "org_1:sandbox", "test"])
def test_a_merchant_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a merchant of ours"):
        merchant_of(text)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8430",
        "ftp://bank",
        "http://",
        "http://user:hunter2@bank",
        "http://bank/?a=1",
        "http://b/#c",
        "http://b:99999",
        "http://[::1",
        "http://a b/",
        "http://hunter2:secret@",
    ],
)
def test_an_address_that_cannot_be_right_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(AcquirerMisconfigured) as refused:
        Registry(url, "key")
    assert "BURSAR_PIGGYBANK_URL" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("api_key", [None, ""])
def test_an_address_without_a_key_is_refused(api_key: str | None) -> None:
    with pytest.raises(AcquirerMisconfigured, match="BURSAR_PIGGYBANK_API_KEY"):
        Registry(URL, api_key)


def test_only_connectors_that_are_set_up_are_found() -> None:
    registry = Registry(URL, "key")
    assert registry.connector("piggybank").name == "piggybank"
    with pytest.raises(UnknownConnector, match="'mint'"):
        registry.connector("mint")
    order = Inquire(operation_id="op_1", account=Account(connector="mint", merchant="m"))
    with pytest.raises(UnknownConnector, match="'mint'"):
        asyncio.run(registry.carry_out(order))


@pytest.mark.parametrize("api_key", ["hunter2\r\nX-Injected: 1", "hunter2\n", "hunter2\0", "hünter2"])
def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it(api_key: str) -> None:
    with pytest.raises(AcquirerMisconfigured, match="BURSAR_PIGGYBANK_API_KEY") as refused:
        Registry(URL, api_key)
    assert "nter2" not in "".join(traceback.format_exception(refused.value))


def test_closing_what_was_never_used_does_nothing() -> None:
    asyncio.run(Registry(URL, "key").close())
