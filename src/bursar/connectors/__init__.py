"""Acquirers and payment providers: seven verbs, one file for each of them."""
