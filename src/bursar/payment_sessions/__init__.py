"""Payment sessions: somebody is asked for an amount, and pays it from a wallet or by a method.

A session that is paid by a method has one payment intent, whose own state says how far that is: nothing of it is
repeated here, and whatever settles the payment settles the session. A session that is paid from a wallet ends in the
commit that moves the money, and takes its payment intent, if it had one, out of use in the same commit.
"""
