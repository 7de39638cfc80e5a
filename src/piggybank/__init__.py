"""PiggyBank: an acquiring bank with its card network and its issuers, as a program of its own.

`piggybank serve --port 8430 --data DIR` answers JSON over HTTP. It stands in for a real acquirer: it keeps what it
answered (a journal, written to the disk before the answer), knows its callers' references again, has holds, captures,
refunds, disputes, limits and accounts with real balances, and it can be told to misbehave.

Settings come from the environment: PIGGYBANK_API_KEY (or --api-key-file), PIGGYBANK_WEBHOOK_URL and
PIGGYBANK_WEBHOOK_SECRET, and PIGGYBANK_PUBLIC_URL where browsers find the bank elsewhere than it listens.
`{merchant}` in the webhooks' address stands for the merchant that each is about.
With --exit-with-stdin it ends when its standard input does, and so with its parent.

Which card does what
    The cards of `piggybank_cards` do as their rows say; any other number with a valid check digit is approved.
    Numbers from `POST /v1/accounts` belong to accounts with a balance, and are declined when it falls short.

Settlements
    Each operation books what it moves between the bank and its merchant. When a day (UTC) is over, or somebody asks by
    `POST /v1/settlements {merchant}`, a batch is made of it for each currency, with its totals, and announced by
    `settlement.ready`. With --settle-on-demand days end without one.

Who pays without a card
    `POST /v1/authorizations` takes one of `card`, `upi`, `net_banking` and `wallet`. `GET /v1/methods` and
    `bursar sim cards` list the UPI addresses, banks and wallets that behave in a way of their own. An authorisation by
    UPI or on a bank's page has the status `waiting` until the customer acts, or the time is over: by an address of the
    table, on the page at its `page_url`, or by `POST /v1/authorizations/{id}/customer {merchant, act}`, which
    `bursar sim upi` and `bursar sim bank` call; `GET /v1/waiting` lists what waits. The page sends the customer back
    to `return_url` with a query that is signed like webhooks. How it ended is told by `authorization.approved` and
    `authorization.declined`; an approval may follow what was declined, expired or reversed before.
    `POST /v1/wallets {balance, currency}` opens a wallet, which pays or declines at once.
    UPI costs nothing, the others 1.5 per cent; refunds by UPI are pending for about a second.

How to get any decline code
    By card: 4000 0099 0000 0NN and a check digit, NN being the code's row in `piggybank_cards.RESPONSE_CODES`;
    `GET /v1/cards` and `bursar sim cards` list them. They can be attached; their charges are declined.
    By fault: `PUT /v1/faults {"decline": 1, "decline_code": "lost"}` declines authorisations and increments of all
    cards, and what would be paid without one, at the given rate.

Faults (`PUT /v1/faults` replaces them all; they end with the process)
    latency_ms       half of it passes before an operation is carried out, half before it is answered
    drop_reply       the operation is carried out and the connection closed without an answer
    refuse           the connection is closed and nothing done
    duplicate_reply  the same answer is written twice
    bad_gateway      an answer 502 in HTML; about half of these operations are carried out
    decline          a decline with `decline_code`
    late_approval    a reversal is acknowledged, and a second later what it reversed is approved again, told by
                     `authorization.approved`; the next reversal is for good
    down             every connection is reset, but for /v1/faults and /v1/journal
    All but the last are rates from 0 to 1, and concern authorisations, what belongs to them, reversals and inquiries.

Crash points, for tests: PIGGYBANK_CRASH_AT=before_journal:N or after_journal_before_answer:N ends the process at the
N-th operation, without any handler.
"""
