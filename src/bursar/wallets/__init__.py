"""Wallets: purses of an organisation's money, each with a code that people may know and a PIN that they must not.

A wallet is a name in the ledger and a row here. Money is in the ledger alone; the row has a version, which every
debit that a person asks for must move, so that of two that see the same balance only one goes through.
"""
