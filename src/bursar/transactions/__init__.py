"""One list of all that an organisation was paid and has paid: payments of both surfaces, sessions and wallets.

Nothing is written here, and nothing for it elsewhere: payments are read where they are, and merged by their time.
"""
