"""`bursar sim upi`, `bank` and `wallet`: what customers do who pay without a card."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from bursar.commands.options import ConfigOption
from bursar.commands.output import EXIT_FOUND_WRONG, JSON_OPTION, console, explained, fail, print_json, print_table
from bursar.commands.simulator_bank import DataOption, KeyOption, UrlOption, call, named_bank
from piggybank_cards.methods import Table
from piggybank_cards.methods import wallet as wallet_of_table

upi = typer.Typer(no_args_is_help=True, help="What customers do in their UPI apps.")
bank = typer.Typer(no_args_is_help=True, help="What customers do on the pages of their banks.")
wallet = typer.Typer(no_args_is_help=True, help="The wallets that customers have at the bank.")

IdArgument = Annotated[
    str,
    typer.Argument(help="The bank's id of the payment, or the reference that Bursar gave it; `waiting` lists both."),
]
METHODS = {"upi": "UPI payment", "net_banking": "payment on a bank's page"}


@upi.command("approve")
def approve_upi(
    payment: IdArgument,
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Approve a UPI payment that waits."""
    with explained():
        _act(named_bank(data, url, api_key, config), "upi", payment, "approve", as_json=as_json)


@upi.command("decline")
def decline_upi(
    payment: IdArgument,
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Decline a UPI payment that waits."""
    with explained():
        _act(named_bank(data, url, api_key, config), "upi", payment, "decline", as_json=as_json)


@upi.command("waiting")
def waiting_upi(
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """List the UPI payments that wait for their customers, the latest first."""
    with explained():
        _show_waiting(named_bank(data, url, api_key, config), "upi", as_json=as_json)


@bank.command("approve")
def approve_at_bank(
    payment: IdArgument,
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Approve a payment as the button of the bank's page would."""
    with explained():
        _act(named_bank(data, url, api_key, config), "net_banking", payment, "approve", as_json=as_json)


@bank.command("decline")
def decline_at_bank(
    payment: IdArgument,
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Decline a payment as the button of the bank's page would."""
    with explained():
        _act(named_bank(data, url, api_key, config), "net_banking", payment, "decline", as_json=as_json)


@bank.command("waiting")
def waiting_at_bank(
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """List the payments that wait on banks' pages, the latest first."""
    with explained():
        _show_waiting(named_bank(data, url, api_key, config), "net_banking", as_json=as_json)


@wallet.command("create")
def create_wallet(
    balance: Annotated[int, typer.Option(min=0, help="In minor units, so 5000 is 50.00 INR.")],
    currency: Annotated[str, typer.Option(help="Three letters.")] = "inr",
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Open a wallet that a customer can pay from until it is empty."""
    wanted = {"balance": balance, "currency": currency.lower()}
    with explained():
        _show_wallet(call(named_bank(data, url, api_key, config), "POST", "/v1/wallets", wanted), as_json=as_json)


@wallet.command("show")
def show_wallet(
    wallet_id: Annotated[str, typer.Argument(help="pw_…")],
    data: DataOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Show what a wallet has left."""
    with explained():
        path = f"/v1/wallets/{_in_path(wallet_id)}"
        _show_wallet(call(named_bank(data, url, api_key, config), "GET", path), as_json=as_json)


def method_rows(table: Table) -> list[dict[str, str | None]]:
    """What pays without a card in a test, as rows of the table of cards."""
    named: list[tuple[str, str, str | None, str]]
    named = [("upi", row.vpa, None, row.behaviour) for row in table.upi]
    for row in table.banks:
        only = f"; {', '.join(row.currencies)} only" if row.currencies is not None else ""
        named.append(("net_banking", row.code, row.name, row.behaviour + only))
    named += [("wallet", row.id, None, row.behaviour) for row in table.wallets]
    none: dict[str, str | None] = {"funding": None, "country": None}
    return [
        {"number": name, "payment method": method, "brand": brand, "behaviour": behaviour} | none
        for method, name, brand, behaviour in named
    ]


def _act(at: tuple[str, str], method: str, payment: str, act: str, *, as_json: bool) -> None:
    found = _waiting(at, method, payment)
    if not found:
        raise fail(
            f"No {METHODS[method]} waits under {payment}. `waiting` instead of `{act}` lists them.", EXIT_FOUND_WRONG
        )
    (operation, *_) = found
    path = f"/v1/authorizations/{operation['id']}/customer"
    done = call(at, "POST", path, {"merchant": operation["merchant"], "act": act})
    if as_json:
        print_json(done)
        return
    why = f", {done['decline']}" if done["decline"] else ""
    console.print(f"{done['id']} is {done['status']}{why}: {done['amount']} {done['currency']}.")


def _show_waiting(at: tuple[str, str], method: str, *, as_json: bool) -> None:
    waiting = _waiting(at, method)
    if as_json:
        print_json({"waiting": waiting})
    elif not waiting:
        console.print("Nothing waits.")
    else:
        rows = [one | {"amount": f"{one['amount']} {one['currency']}"} for one in waiting]
        print_table(rows, ["id", "reference", "merchant", "amount"])


def _waiting(at: tuple[str, str], method: str, payment: str | None = None) -> list[dict[str, Any]]:
    query = {"method": method} | ({"id": payment} if payment is not None else {})
    waiting: list[dict[str, Any]] = call(at, "GET", f"/v1/waiting?{urlencode(query)}")["waiting"]
    return waiting


def _show_wallet(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        row = wallet_of_table(shown["id"])
        console.print(f"{shown['id']}: " + (row.behaviour if row else f"{shown['balance']} {shown['currency']}"))


def _in_path(wallet_id: str) -> str:
    if not (wallet_id.isascii() and wallet_id.replace("_", "").isalnum()):
        raise fail(f"{wallet_id} is no id of a wallet.", EXIT_FOUND_WRONG)
    return wallet_id
