"""Withdrawals: money that an organisation wants out of a wallet, on its own bank account.

Here it is asked for, set aside, and approved by a second person where the amount demands it. What is approved waits
for the transfer to the bank.
"""
