"""The books: double entry, in the same commit as the change that they tell of.

A group of postings shares a transaction id and adds up to zero in its currency. Credits are positive and
debits negative, so what we owe a merchant reads as a positive balance and what a bank owes us as a negative one.
Groups are only ever added. Accounts are names (`accounts.py`); a balance is the last snapshot of an account
plus what followed it, so that no row is changed by every payment.
"""
