"""Proves that payments, books, log and bank tell the same story. Only reads, and has no tables of its own.

Facts about one payment stand in many tables, none of which is sorted by payment. So each table is read once, in the
order of its key, and what counts of each row is put into a file that sorts it (`scratch.py`); then payment by payment
is looked at with all that belongs to it (`rules.py`, `log_rules.py`, `bank_rules.py`).
"""
