"""`bursar sim`: what the simulated bank can be asked and told, over its own HTTP API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import piggybank_cards
from bursar.commands import simulator_customers
from bursar.commands.options import ConfigOption
from bursar.commands.output import (
    EXIT_USAGE,
    JSON_OPTION,
    console,
    explained,
    fail,
    print_json,
    print_table,
)
from bursar.commands.simulator_bank import DataOption, KeyOption, UrlOption, call, named_bank
from piggybank_cards import TestCard, methods

RATES = ("drop_reply", "decline", "refuse", "duplicate_reply", "late_approval", "bad_gateway")

app = typer.Typer(
    no_args_is_help=True,
    help="The simulated bank: its test cards, accounts and wallets, what its customers do, and what goes wrong.",
)
app.add_typer(simulator_customers.upi, name="upi")
app.add_typer(simulator_customers.bank, name="bank")
app.add_typer(simulator_customers.wallet, name="wallet")


@app.command()
def cards(as_json: bool = JSON_OPTION) -> None:
    """List the test cards, UPI addresses, banks and wallets, and what each does. Needs no bank."""
    table, declining, others = piggybank_cards.ALL, piggybank_cards.DECLINE_CARDS, methods.table()
    if as_json:
        uncarded = {"upi": others.upi, "banks": others.banks, "wallets": others.wallets}
        print_json({"cards": table, "decline_cards": declining} | uncarded)
        return
    rows = [_card_row(card) for card in (*table, *declining)] + simulator_customers.method_rows(others)
    print_table(rows, ["number", "payment method", "brand", "funding", "country", "behaviour"])


@app.command("set")
def set_faults(
    faults: Annotated[
        list[str],
        typer.Argument(help="latency=200ms,drop_reply=5%,decline=2%,decline_code=lost,down, or none"),
    ],
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Make the bank misbehave from now on. What is not named goes well; `none` ends it all.

    latency=200ms; as rates: drop_reply, decline (with decline_code), refuse, duplicate_reply, late_approval,
    bad_gateway; and down.
    """
    with explained():
        try:
            wanted = parse_faults(",".join(faults))
        except ValueError as problem:
            raise fail(str(problem), EXIT_USAGE) from None
        _show_faults(call(named_bank(data, url, api_key, config), "PUT", "/v1/faults", wanted), as_json=as_json)


@app.command()
def show(
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Show how the bank misbehaves."""
    with explained():
        _show_faults(call(named_bank(data, url, api_key, config), "GET", "/v1/faults"), as_json=as_json)


@app.command()
def account(
    balance: Annotated[int, typer.Option(min=0, help="In minor units, so 5000 is 50.00 USD.")],
    currency: Annotated[str, typer.Option(help="Three letters.")] = "usd",
    limit: Annotated[int | None, typer.Option(min=1, help="The most that one payment may be.")] = None,
    brand: Annotated[str, typer.Option(help="visa, mastercard, amex, ...")] = "visa",
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Open an account with a card that can run out of money."""
    wanted = {"balance": balance, "currency": currency.lower(), "brand": brand, "limit": limit}
    with explained():
        opened = call(named_bank(data, url, api_key, config), "POST", "/v1/accounts", wanted)
    if as_json:
        print_json(opened)
        return
    console.print(f"{opened['id']}: {opened['balance']} {opened['currency']}\n")
    console.print(f"  number  {opened['number']}")
    console.print(f"  expiry  {opened['exp_month']:02}/{opened['exp_year']}")
    console.print(f"  CVC     {opened['cvc']}")


@app.command()
def dispute(
    authorization: Annotated[str, typer.Argument(help="The bank's id of the authorisation.")],
    merchant: Annotated[str, typer.Option(help="The organisation's id and the mode: org_…:test")],
    reason: Annotated[str, typer.Option(help="Such as fraudulent or product_not_received, or inquiry.")] = "fraudulent",
    amount: Annotated[int | None, typer.Option(min=1, help="In minor units; all of it by default.")] = None,
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Let the cardholder dispute a payment."""
    wanted: dict[str, Any] = {"authorization": authorization, "merchant": merchant, "reason": reason}
    if amount is not None:
        wanted["amount"] = amount
    with explained():
        opened = call(named_bank(data, url, api_key, config), "POST", "/v1/disputes", wanted)
    if as_json:
        print_json(opened)
    else:
        console.print(f"{opened['id']} is open: {opened['amount']} {opened['currency']}, {opened['reason']}.")


@app.command()
def settle(
    merchant: Annotated[str, typer.Argument(help="The organisation's id and the mode: org_…:test")],
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Let the bank settle now what it would settle at the day's end, and announce it."""
    with explained():
        made = call(named_bank(data, url, api_key, config), "POST", "/v1/settlements", {"merchant": merchant})
    if as_json:
        print_json(made)
        return
    for one in made["settlements"]:
        console.print(f"{one['id']}: {one['net']} {one['currency']} of {one['payments']} payments.")


def parse_faults(text: str) -> dict[str, Any]:
    """`latency=200ms,drop_reply=5%,down` as the bank takes it; raises ValueError with what is wrong."""
    wanted: dict[str, Any] = {}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if parts == ["none"]:
        return wanted
    if not parts:
        raise ValueError("Name what shall go wrong, such as decline=2%, or none.")
    for part in parts:
        name, separator, value = part.partition("=")
        if name == "down" and not separator:
            wanted["down"] = True
        elif name == "latency" and separator:
            wanted["latency_ms"] = _milliseconds(value)
        elif name == "decline_code" and separator:
            if value not in piggybank_cards.RESPONSE_CODES:
                raise ValueError(
                    f"There is no decline code {value}; there are {', '.join(piggybank_cards.RESPONSE_CODES)}."
                )
            wanted["decline_code"] = value
        elif name in RATES:
            wanted[name] = _rate(value) if separator else 1.0
        else:
            raise ValueError(
                f"{part} means nothing here; there are latency=200ms, {', '.join(RATES)}, decline_code=…, down."
            )
    return wanted


def _milliseconds(text: str) -> int:
    for unit, factor in (("ms", 1), ("s", 1000), ("", 1)):
        number = text.removesuffix(unit) if unit else text
        if text.endswith(unit) and number.replace(".", "", 1).isdecimal():
            return round(float(number) * factor)
    raise ValueError(f"{text} is no time; write 200ms or 2s.")


def _rate(text: str) -> float:
    number, percent = text.removesuffix("%"), text.endswith("%")
    if not number.replace(".", "", 1).isdecimal():
        raise ValueError(f"{text} is no rate; write 5% or 0.05.")
    rate = float(number) / 100 if percent else float(number)
    if rate > 1:
        raise ValueError(f"{text} is more than always; write 5% or 0.05.")
    return rate


def _card_row(card: TestCard) -> dict[str, str | None]:
    return {
        "number": card.number,
        "payment method": f"{piggybank_cards.PAYMENT_METHOD_PREFIX}{card.suffixes[0]}" if card.suffixes else None,
        "brand": card.brand,
        "funding": card.funding,
        "country": card.country,
        "behaviour": describe(card),
    }


def describe(card: TestCard) -> str:
    """What a card does that others do not, in a few words."""
    said = []
    if card.decline is not None:
        said.append(f"declined: {card.decline}" + ("" if card.attachable else ", cannot be attached"))
    checks = {"CVC": card.cvc_check, "line1": card.line1_check, "postal code": card.postal_check}
    said += [f"{name} check: {result}" for name, result in checks.items() if result is not None]
    if card.risk != "normal":
        said.append(f"risk: {card.risk}")
    if card.dispute is not None:
        said.append(f"disputed: {card.dispute}")
    if card.refund is not None:
        said.append("refunds are pending first" if card.refund == "pending" else "refunds fail later")
    if card.bypass_pending:
        said.append("available at once")
    if card.three_d_secure != "not_enrolled":
        said.append(f"3-D Secure: {card.three_d_secure}" + (", frictionless" if card.frictionless else ""))
    if card.decline_after_authentication is not None:
        said.append(f"declined after it: {card.decline_after_authentication}")
    return "; ".join(said) or "approved"


def _show_faults(faults: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(faults)
        return
    active = {name: value for name, value in faults.items() if value and name != "decline_code"}
    if not active:
        console.print("All goes well.")
    for name, value in active.items():
        code = f" with {faults['decline_code']}" if name == "decline" else ""
        if name == "latency_ms":
            console.print(f"latency: {value} ms")
        elif name == "down":
            console.print("down: every connection is reset")
        else:
            console.print(f"{name}: {value:.4%}".rstrip("%").rstrip("0").rstrip(".") + "%" + code)
