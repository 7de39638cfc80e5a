CREATE TABLE api_keys (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    kind VARCHAR(20) NOT NULL,
    name VARCHAR(200) NOT NULL,
    key_hash VARCHAR(64) NOT NULL,
    "hint" VARCHAR(24) NOT NULL,
    permissions CLOB NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT,
    CONSTRAINT pk_api_keys PRIMARY KEY (org_id, id)
);

CREATE INDEX ix_api_keys_hash ON api_keys (key_hash);

CREATE TABLE attempts (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    kind VARCHAR(12) NOT NULL,
    subject_id VARCHAR(40) NOT NULL,
    state VARCHAR(12) NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    fence INT NOT NULL,
    tries INT NOT NULL,
    next_look BIGINT,
    bank_reference VARCHAR(100),
    order_document CLOB NOT NULL,
    outcome_document CLOB,
    CONSTRAINT pk_attempts PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_attempts_next_look ON attempts (next_look, org_id);

CREATE TABLE authentications (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    subject_id VARCHAR(40) NOT NULL,
    secret VARCHAR(64) NOT NULL,
    state VARCHAR(12) NOT NULL,
    bank_reference VARCHAR(100) NOT NULL,
    return_url CLOB,
    CONSTRAINT pk_authentications PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE balance_snapshots (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    account VARCHAR(80) NOT NULL,
    through_id VARCHAR(40) NOT NULL,
    amount_minor BIGINT NOT NULL,
    CONSTRAINT pk_balance_snapshots PRIMARY KEY (org_id, livemode, account)
);

CREATE TABLE balance_transactions (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    source_id VARCHAR(40) NOT NULL,
    transaction_type VARCHAR(40) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    amount_minor BIGINT NOT NULL,
    fee_minor BIGINT NOT NULL,
    net_minor BIGINT NOT NULL,
    available_on BIGINT NOT NULL,
    created BIGINT NOT NULL,
    payout_id VARCHAR(40),
    document CLOB NOT NULL,
    CONSTRAINT pk_balance_transactions PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_balance_transactions_source ON balance_transactions (org_id, livemode, source_id, id);

CREATE TABLE bank_events (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    connector VARCHAR(40) NOT NULL,
    event_id VARCHAR(100) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    state VARCHAR(12) NOT NULL,
    received BIGINT NOT NULL,
    note CLOB,
    document CLOB NOT NULL,
    CONSTRAINT pk_bank_events PRIMARY KEY (org_id, livemode, connector, event_id)
);

CREATE TABLE capture_deadlines (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    payment_intent VARCHAR(40) NOT NULL,
    due BIGINT NOT NULL,
    CONSTRAINT pk_capture_deadlines PRIMARY KEY (org_id, livemode, payment_intent)
);

CREATE INDEX ix_capture_deadlines_due ON capture_deadlines (due);

CREATE TABLE charges (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    payment_intent VARCHAR(40) NOT NULL,
    customer VARCHAR(40),
    status VARCHAR(12) NOT NULL,
    amount_minor BIGINT NOT NULL,
    captured_minor BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    disputed_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    connector VARCHAR(40) NOT NULL,
    bank_reference VARCHAR(100),
    attempt_id VARCHAR(40) NOT NULL,
    increments INT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_charges PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_charges_customer ON charges (org_id, livemode, customer, id);

CREATE INDEX ix_charges_payment_intent ON charges (org_id, livemode, payment_intent, id);

CREATE TABLE customer_methods (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    customer_id VARCHAR(40) NOT NULL,
    method_id VARCHAR(40) NOT NULL,
    CONSTRAINT pk_customer_methods PRIMARY KEY (org_id, livemode, customer_id, method_id)
);

CREATE TABLE customers (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    email VARCHAR(512),
    email_folded VARCHAR(256),
    name_folded VARCHAR(256),
    phone_folded VARCHAR(256),
    document CLOB NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE data_keys (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    "version" INT NOT NULL,
    wrapped VARCHAR(80) NOT NULL,
    kek_id VARCHAR(16) NOT NULL,
    created BIGINT NOT NULL,
    state VARCHAR(10) NOT NULL,
    CONSTRAINT pk_data_keys PRIMARY KEY (org_id, livemode, "version")
);

CREATE TABLE deleted_customers (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    CONSTRAINT pk_deleted_customers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE disputes (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    charge VARCHAR(40) NOT NULL,
    payment_intent VARCHAR(40) NOT NULL,
    status VARCHAR(24) NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    withdrawn_minor BIGINT NOT NULL,
    fee_minor BIGINT NOT NULL,
    connector VARCHAR(40) NOT NULL,
    bank_reference VARCHAR(100) NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_disputes PRIMARY KEY (org_id, livemode, id)
);

CREATE UNIQUE INDEX ix_disputes_bank_reference ON disputes (org_id, livemode, connector, bank_reference);

CREATE INDEX ix_disputes_charge ON disputes (org_id, livemode, charge, id);

CREATE INDEX ix_disputes_payment_intent ON disputes (org_id, livemode, payment_intent, id);

CREATE TABLE event_heads (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    lane INT NOT NULL,
    sequence_number BIGINT NOT NULL,
    event_id VARCHAR(40) NOT NULL,
    row_hash VARCHAR(64) NOT NULL,
    CONSTRAINT pk_event_heads PRIMARY KEY (org_id, livemode, lane)
);

CREATE TABLE events (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    lane INT NOT NULL,
    sequence_number BIGINT NOT NULL,
    event_type VARCHAR(80) NOT NULL,
    created BIGINT NOT NULL,
    object_id VARCHAR(40),
    actor VARCHAR(60) NOT NULL,
    address VARCHAR(64),
    request_id VARCHAR(40),
    idempotency_key VARCHAR(255),
    api_version VARCHAR(40) NOT NULL,
    "data" CLOB NOT NULL,
    row_hash VARCHAR(64) NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_events_type ON events (org_id, livemode, event_type, id);

CREATE TABLE idempotency_keys (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    idempotency_key VARCHAR(255) NOT NULL,
    created BIGINT NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    request_id VARCHAR(40) NOT NULL,
    status INT NOT NULL,
    body CLOB NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (org_id, livemode, idempotency_key)
);

CREATE INDEX ix_idempotency_keys_created ON idempotency_keys (org_id, created);

CREATE TABLE ledger_holds (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    operation_id VARCHAR(40),
    currency VARCHAR(3) NOT NULL,
    amount_minor BIGINT NOT NULL,
    resolution VARCHAR(20),
    CONSTRAINT pk_ledger_holds PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE ledger_postings (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    account VARCHAR(80) NOT NULL,
    transaction_id VARCHAR(40) NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    created BIGINT NOT NULL,
    operation_id VARCHAR(40),
    hold_id VARCHAR(40),
    CONSTRAINT pk_ledger_postings PRIMARY KEY (org_id, livemode, account, transaction_id)
);

CREATE TABLE ledger_releases (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    "version" INT NOT NULL,
    open_day INT NOT NULL,
    CONSTRAINT pk_ledger_releases PRIMARY KEY (org_id, livemode)
);

CREATE TABLE organisations (
    org_id VARCHAR(40) NOT NULL,
    name VARCHAR(200) NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (org_id)
);

CREATE TABLE payment_intents (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    status VARCHAR(24) NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    customer VARCHAR(40),
    attempt_id VARCHAR(40),
    authentication_id VARCHAR(40),
    document CLOB NOT NULL,
    CONSTRAINT pk_payment_intents PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_payment_intents_customer ON payment_intents (org_id, livemode, customer, id);

CREATE TABLE payment_methods (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    state VARCHAR(10) NOT NULL,
    allow_redisplay VARCHAR(12) NOT NULL,
    agreed SMALLINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_payment_methods PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE refunds (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    charge VARCHAR(40) NOT NULL,
    payment_intent VARCHAR(40) NOT NULL,
    status VARCHAR(16) NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    attempt_id VARCHAR(40) NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_refunds PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_refunds_charge ON refunds (org_id, livemode, charge, id);

CREATE INDEX ix_refunds_payment_intent ON refunds (org_id, livemode, payment_intent, id);

CREATE TABLE search_terms (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    time_slice INT NOT NULL,
    term VARCHAR(32) NOT NULL,
    object_id VARCHAR(40) NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (org_id, livemode, time_slice, term, object_id)
);

CREATE TABLE setup_intents (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    status VARCHAR(24) NOT NULL,
    customer VARCHAR(40),
    payment_method VARCHAR(40),
    attempt_id VARCHAR(40),
    authentication_id VARCHAR(40),
    document CLOB NOT NULL,
    CONSTRAINT pk_setup_intents PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_setup_intents_customer ON setup_intents (org_id, livemode, customer, id);

CREATE INDEX ix_setup_intents_method ON setup_intents (org_id, livemode, payment_method, id);

CREATE TABLE tokens (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    used SMALLINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE vault_cards (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    key_version INT NOT NULL,
    sealed VARCHAR(64) NOT NULL,
    CONSTRAINT pk_vault_cards PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE writer_lanes (
    org_id VARCHAR(40) NOT NULL,
    lane INT NOT NULL,
    holder VARCHAR(80) NOT NULL,
    leased_until BIGINT NOT NULL,
    CONSTRAINT pk_writer_lanes PRIMARY KEY (org_id, lane)
);

-- bursar.accounts.repository.INSERT_ORGANISATION
INSERT INTO organisations (org_id, name, created) VALUES (?, ?, ?);

-- bursar.accounts.repository.INSERT_KEY
INSERT INTO api_keys (org_id, id, livemode, kind, name, key_hash, "hint", permissions, created, expires, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.accounts.repository.SET_EXPIRY
UPDATE api_keys SET expires=? WHERE api_keys.org_id = ? AND api_keys.id = ? AND api_keys.revoked IS NULL;

-- bursar.accounts.repository.SET_REVOKED
UPDATE api_keys SET revoked=? WHERE api_keys.org_id = ? AND api_keys.id = ? AND api_keys.revoked IS NULL;

-- bursar.attempts.repository.INSERT
INSERT INTO attempts (org_id, livemode, id, kind, subject_id, state, amount_minor, currency, fence, tries, next_look, bank_reference, order_document, outcome_document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.attempts.repository.CLAIM
UPDATE attempts SET fence=(attempts.fence + ?), next_look=? WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id = ? AND attempts.fence = ? AND attempts.next_look IS NOT NULL AND attempts.next_look = ?;

-- bursar.attempts.repository.SETTLE
UPDATE attempts SET state=?, next_look=?, bank_reference=?, outcome_document=? WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id = ? AND attempts.fence = ? AND attempts.next_look IS NOT NULL;

-- bursar.attempts.repository.POSTPONE
UPDATE attempts SET state=?, tries=(attempts.tries + ?), next_look=? WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id = ? AND attempts.fence = ? AND attempts.next_look IS NOT NULL;

-- bursar.attempts.repository.REOPEN
UPDATE attempts SET state=?, fence=(attempts.fence + ?), tries=?, next_look=? WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id = ? AND attempts.fence = ?;

-- bursar.attempts.repository.CONCLUDE
UPDATE attempts SET state=?, next_look=? WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id = ? AND attempts.state = ?;

-- bursar.attempts.repository._FIND
SELECT attempts.org_id, attempts.livemode, attempts.id, attempts.kind, attempts.subject_id, attempts.state, attempts.amount_minor, attempts.currency, attempts.fence, attempts.tries, attempts.next_look, attempts.bank_reference, attempts.order_document, attempts.outcome_document
FROM attempts
WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id = ?;

-- bursar.attempts.repository._DUE
SELECT attempts.org_id, attempts.livemode, attempts.id, attempts.kind, attempts.subject_id, attempts.state, attempts.amount_minor, attempts.currency, attempts.fence, attempts.tries, attempts.next_look, attempts.bank_reference, attempts.order_document, attempts.outcome_document
FROM attempts
WHERE attempts.next_look <= ? ORDER BY attempts.next_look LIMIT ?;

-- bursar.books.repository._INTENTS
SELECT payment_intents.id, payment_intents.status, payment_intents.amount_minor, payment_intents.currency, payment_intents.attempt_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = ? AND payment_intents.livemode = ? AND payment_intents.id > ? ORDER BY payment_intents.org_id, payment_intents.livemode, payment_intents.id LIMIT ?;

-- bursar.books.repository._SETUPS
SELECT setup_intents.id, setup_intents.status, setup_intents.attempt_id, setup_intents.document
FROM setup_intents
WHERE setup_intents.org_id = ? AND setup_intents.livemode = ? AND setup_intents.id > ? ORDER BY setup_intents.org_id, setup_intents.livemode, setup_intents.id LIMIT ?;

-- bursar.books.repository._CHARGES
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id > ? ORDER BY charges.org_id, charges.livemode, charges.id LIMIT ?;

-- bursar.books.repository._REFUNDS
SELECT refunds.org_id, refunds.livemode, refunds.id, refunds."version", refunds.charge, refunds.payment_intent, refunds.status, refunds.amount_minor, refunds.currency, refunds.attempt_id, refunds.document
FROM refunds
WHERE refunds.org_id = ? AND refunds.livemode = ? AND refunds.id > ? ORDER BY refunds.org_id, refunds.livemode, refunds.id LIMIT ?;

-- bursar.books.repository._DISPUTES
SELECT disputes.org_id, disputes.livemode, disputes.id, disputes."version", disputes.charge, disputes.payment_intent, disputes.status, disputes.amount_minor, disputes.currency, disputes.withdrawn_minor, disputes.fee_minor, disputes.connector, disputes.bank_reference, disputes.document
FROM disputes
WHERE disputes.org_id = ? AND disputes.livemode = ? AND disputes.id > ? ORDER BY disputes.org_id, disputes.livemode, disputes.id LIMIT ?;

-- bursar.books.repository._ATTEMPTS
SELECT attempts.org_id, attempts.livemode, attempts.id, attempts.kind, attempts.subject_id, attempts.state, attempts.amount_minor, attempts.currency, attempts.fence, attempts.tries, attempts.next_look, attempts.bank_reference, attempts.order_document, attempts.outcome_document
FROM attempts
WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id > ? ORDER BY attempts.org_id, attempts.livemode, attempts.id LIMIT ?;

-- bursar.books.repository._TRANSACTIONS
SELECT balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type
FROM balance_transactions
WHERE balance_transactions.org_id = ? AND balance_transactions.livemode = ? AND balance_transactions.id > ? ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id LIMIT ?;

-- bursar.books.repository._EVENTS
SELECT events.id, events.event_type, events.object_id, events."data"
FROM events
WHERE events.org_id = ? AND events.livemode = ? AND events.id > ? ORDER BY events.org_id, events.livemode, events.id LIMIT ?;

-- bursar.books.repository._POSTINGS
SELECT ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id, ledger_postings.amount_minor, ledger_postings.currency, ledger_postings.created, ledger_postings.operation_id, ledger_postings.hold_id
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.account = ? AND ledger_postings.transaction_id > ? ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id LIMIT ?;

-- bursar.customers.repository.INSERT
INSERT INTO customers (org_id, livemode, id, "version", email, email_folded, name_folded, phone_folded, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.customers.repository.INSERT_DELETED
INSERT INTO deleted_customers (org_id, livemode, id) VALUES (?, ?, ?);

-- bursar.customers.repository.UPDATE
UPDATE customers SET "version"=?, email=?, email_folded=?, name_folded=?, phone_folded=?, document=? WHERE customers.org_id = ? AND customers.livemode = ? AND customers.id = ? AND customers."version" = ?;

-- bursar.customers.repository.DELETE
DELETE FROM customers WHERE customers.org_id = ? AND customers.livemode = ? AND customers.id = ? AND customers."version" = ?;

-- bursar.customers.repository._FIND
SELECT customers."version", customers.document
FROM customers
WHERE customers.org_id = ? AND customers.livemode = ? AND customers.id = ?;

-- bursar.customers.repository._FIND_DELETED
SELECT deleted_customers.id
FROM deleted_customers
WHERE deleted_customers.org_id = ? AND deleted_customers.livemode = ? AND deleted_customers.id = ?;

-- bursar.disputes.repository.INSERT
INSERT INTO disputes (org_id, livemode, id, "version", charge, payment_intent, status, amount_minor, currency, withdrawn_minor, fee_minor, connector, bank_reference, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.disputes.repository.UPDATE
UPDATE disputes SET "version"=?, status=?, amount_minor=?, withdrawn_minor=?, fee_minor=?, document=? WHERE disputes.org_id = ? AND disputes.livemode = ? AND disputes.id = ? AND disputes."version" = ?;

-- bursar.disputes.repository._FIND
SELECT disputes.org_id, disputes.livemode, disputes.id, disputes."version", disputes.charge, disputes.payment_intent, disputes.status, disputes.amount_minor, disputes.currency, disputes.withdrawn_minor, disputes.fee_minor, disputes.connector, disputes.bank_reference, disputes.document
FROM disputes
WHERE disputes.org_id = ? AND disputes.livemode = ? AND disputes.id = ?;

-- bursar.disputes.repository._FIND_OF_BANK
SELECT disputes.org_id, disputes.livemode, disputes.id, disputes."version", disputes.charge, disputes.payment_intent, disputes.status, disputes.amount_minor, disputes.currency, disputes.withdrawn_minor, disputes.fee_minor, disputes.connector, disputes.bank_reference, disputes.document
FROM disputes
WHERE disputes.org_id = ? AND disputes.livemode = ? AND disputes.connector = ? AND disputes.bank_reference = ?;

-- bursar.events.repository._FIND
SELECT events.id, events.livemode, events.event_type, events.created, events.request_id, events.idempotency_key, events.api_version, events."data"
FROM events
WHERE events.org_id = ? AND events.livemode = ? AND events.id = ? AND (events.event_type < ? OR events.event_type >= ?);

-- bursar.events.sealing.INSERT_EVENT
INSERT INTO events (org_id, livemode, id, lane, sequence_number, event_type, created, object_id, actor, address, request_id, idempotency_key, api_version, "data", row_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.events.sealing.INSERT_HEAD
INSERT INTO event_heads (org_id, livemode, lane, sequence_number, event_id, row_hash) VALUES (?, ?, ?, ?, ?, ?);

-- bursar.events.sealing.INSERT_LANE
INSERT INTO writer_lanes (org_id, lane, holder, leased_until) VALUES (?, ?, ?, ?);

-- bursar.events.sealing.MOVE_HEAD
UPDATE event_heads SET sequence_number=?, event_id=?, row_hash=? WHERE event_heads.org_id = ? AND event_heads.livemode = ? AND event_heads.lane = ? AND event_heads.sequence_number = ?;

-- bursar.hooks.repository.INSERT
INSERT INTO bank_events (org_id, livemode, connector, event_id, kind, state, received, note, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.hooks.repository._IS_KNOWN
SELECT bank_events.event_id
FROM bank_events
WHERE bank_events.org_id = ? AND bank_events.livemode = ? AND bank_events.connector = ? AND bank_events.event_id = ?;

-- bursar.hooks.repository._UNMATCHED
SELECT bank_events.org_id, bank_events.livemode, bank_events.connector, bank_events.event_id, bank_events.kind, bank_events.state, bank_events.received, bank_events.note, bank_events.document
FROM bank_events
WHERE bank_events.state = ? ORDER BY bank_events.received DESC LIMIT ?;

-- bursar.http.idempotency.INSERT
INSERT INTO idempotency_keys (org_id, livemode, idempotency_key, created, fingerprint, request_id, status, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.http.idempotency._FIND
SELECT idempotency_keys.fingerprint, idempotency_keys.request_id, idempotency_keys.status, idempotency_keys.body
FROM idempotency_keys
WHERE idempotency_keys.org_id = ? AND idempotency_keys.livemode = ? AND idempotency_keys.idempotency_key = ?;

-- bursar.http.idempotency.COMPLETE
UPDATE idempotency_keys SET status=?, body=? WHERE idempotency_keys.org_id = ? AND idempotency_keys.livemode = ? AND idempotency_keys.idempotency_key = ? AND idempotency_keys.status = ?;

-- bursar.http.idempotency._DELETE
DELETE FROM idempotency_keys WHERE idempotency_keys.org_id = ? AND idempotency_keys.livemode = ? AND idempotency_keys.idempotency_key = ?;

-- bursar.ledger.balances._NEXT_ACCOUNT
SELECT ledger_postings.account
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.account > ? ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account LIMIT __[POSTCOMPILE_param_1];

-- bursar.ledger.balances._SNAPSHOT
SELECT balance_snapshots.through_id, balance_snapshots.amount_minor
FROM balance_snapshots
WHERE balance_snapshots.org_id = ? AND balance_snapshots.livemode = ? AND balance_snapshots.account = ?;

-- bursar.ledger.balances._SINCE
SELECT sum(ledger_postings.amount_minor) AS sum_1
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.account = ? AND ledger_postings.transaction_id > ?;

-- bursar.ledger.balances._STEP
SELECT count(*) AS count_1, sum(anon_1.amount_minor) AS sum_1, max(anon_1.transaction_id) AS max_1
FROM (SELECT ledger_postings.transaction_id AS transaction_id, ledger_postings.amount_minor AS amount_minor
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.account = ? AND ledger_postings.transaction_id > ? AND ledger_postings.transaction_id < ? ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id LIMIT __[POSTCOMPILE_param_1]) AS anon_1;

-- bursar.ledger.balances._RELEASE
SELECT ledger_releases."version", ledger_releases.open_day
FROM ledger_releases
WHERE ledger_releases.org_id = ? AND ledger_releases.livemode = ?;

-- bursar.ledger.balances._NEWEST_SNAPSHOT
SELECT max(balance_snapshots.through_id) AS max_1
FROM balance_snapshots;

-- bursar.ledger.balances.INSERT_SNAPSHOT
INSERT INTO balance_snapshots (org_id, livemode, account, through_id, amount_minor) VALUES (?, ?, ?, ?, ?);

-- bursar.ledger.balances.MOVE_SNAPSHOT
UPDATE balance_snapshots SET through_id=?, amount_minor=? WHERE balance_snapshots.org_id = ? AND balance_snapshots.livemode = ? AND balance_snapshots.account = ? AND balance_snapshots.through_id = ?;

-- bursar.ledger.balances.FORGET_SNAPSHOTS
DELETE FROM balance_snapshots WHERE balance_snapshots.org_id = ? AND balance_snapshots.livemode = ?;

-- bursar.ledger.balances.INSERT_RELEASE
INSERT INTO ledger_releases (org_id, livemode, "version", open_day) VALUES (?, ?, ?, ?);

-- bursar.ledger.balances.MOVE_RELEASE
UPDATE ledger_releases SET "version"=?, open_day=? WHERE ledger_releases.org_id = ? AND ledger_releases.livemode = ? AND ledger_releases."version" = ?;

-- bursar.ledger.repository.INSERT_POSTING
INSERT INTO ledger_postings (org_id, livemode, account, transaction_id, amount_minor, currency, created, operation_id, hold_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.ledger.repository.INSERT_TRANSACTION
INSERT INTO balance_transactions (org_id, livemode, id, source_id, transaction_type, currency, amount_minor, fee_minor, net_minor, available_on, created, payout_id, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.ledger.repository.INSERT_HOLD
INSERT INTO ledger_holds (org_id, livemode, id, operation_id, currency, amount_minor, resolution) VALUES (?, ?, ?, ?, ?, ?, ?);

-- bursar.ledger.repository.CHANGE_HOLD
UPDATE ledger_holds SET amount_minor=?, resolution=? WHERE ledger_holds.org_id = ? AND ledger_holds.livemode = ? AND ledger_holds.id = ? AND ledger_holds.amount_minor = ? AND ledger_holds.resolution IS NULL;

-- bursar.ledger.repository._FIND
SELECT balance_transactions.document
FROM balance_transactions
WHERE balance_transactions.org_id = ? AND balance_transactions.livemode = ? AND balance_transactions.id = ?;

-- bursar.ledger.repository._FIND_MANY
SELECT balance_transactions.document
FROM balance_transactions
WHERE balance_transactions.org_id = ? AND balance_transactions.livemode = ? AND balance_transactions.id IN (__[POSTCOMPILE_ids]);

-- bursar.ledger.verification._PAGE_OF_ACCOUNT
SELECT ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id, ledger_postings.amount_minor, ledger_postings.currency, ledger_postings.created, ledger_postings.operation_id, ledger_postings.hold_id
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.account = ? AND ledger_postings.transaction_id > ? ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id LIMIT ?;

-- bursar.ledger.verification._PAGE_OF_TRANSACTIONS
SELECT balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type, balance_transactions.currency, balance_transactions.amount_minor, balance_transactions.fee_minor, balance_transactions.net_minor, balance_transactions.available_on, balance_transactions.created, balance_transactions.payout_id, balance_transactions.document
FROM balance_transactions
WHERE balance_transactions.org_id = ? AND balance_transactions.livemode = ? AND balance_transactions.id > ? ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id LIMIT ?;

-- bursar.ledger.verification._PAGE_OF_HOLDS
SELECT ledger_holds.org_id, ledger_holds.livemode, ledger_holds.id, ledger_holds.operation_id, ledger_holds.currency, ledger_holds.amount_minor, ledger_holds.resolution
FROM ledger_holds
WHERE ledger_holds.org_id = ? AND ledger_holds.livemode = ? AND ledger_holds.id > ? ORDER BY ledger_holds.org_id, ledger_holds.livemode, ledger_holds.id LIMIT ?;

-- bursar.ledger.verification._ALL_SNAPSHOTS
SELECT balance_snapshots.org_id, balance_snapshots.livemode, balance_snapshots.account, balance_snapshots.through_id, balance_snapshots.amount_minor
FROM balance_snapshots
WHERE balance_snapshots.org_id = ? AND balance_snapshots.livemode = ?;

-- bursar.ledger.verification._OPERATIONS_WITH_SEVERAL_GROUPS
SELECT ledger_postings.operation_id, count(DISTINCT ledger_postings.transaction_id) AS groups
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.operation_id IS NOT NULL GROUP BY ledger_postings.operation_id
HAVING count(DISTINCT ledger_postings.transaction_id) > ?;

-- bursar.ledger.verification._BY_OPERATION
SELECT ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id, ledger_postings.amount_minor, ledger_postings.currency, ledger_postings.created, ledger_postings.operation_id, ledger_postings.hold_id
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.operation_id IS NOT NULL ORDER BY ledger_postings.operation_id, ledger_postings.transaction_id, ledger_postings.account;

-- bursar.methods.repository.INSERT
INSERT INTO payment_methods (org_id, livemode, id, "version", state, allow_redisplay, agreed, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.methods.repository.INSERT_ATTACHMENT
INSERT INTO customer_methods (org_id, livemode, customer_id, method_id) VALUES (?, ?, ?, ?);

-- bursar.methods.repository.INSERT_TOKEN
INSERT INTO tokens (org_id, livemode, id, used, document) VALUES (?, ?, ?, ?, ?);

-- bursar.methods.repository.UPDATE
UPDATE payment_methods SET "version"=?, state=?, allow_redisplay=?, document=? WHERE payment_methods.org_id = ? AND payment_methods.livemode = ? AND payment_methods.id = ? AND payment_methods."version" = ?;

-- bursar.methods.repository.AGREE
UPDATE payment_methods SET agreed=? WHERE payment_methods.org_id = ? AND payment_methods.livemode = ? AND payment_methods.id = ?;

-- bursar.methods.repository.DELETE_ATTACHMENT
DELETE FROM customer_methods WHERE customer_methods.org_id = ? AND customer_methods.livemode = ? AND customer_methods.customer_id = ? AND customer_methods.method_id = ?;

-- bursar.methods.repository.HOLD_CUSTOMER
UPDATE customers SET "version"=(customers."version" + ?) WHERE customers.org_id = ? AND customers.livemode = ? AND customers.id = ?;

-- bursar.methods.repository.USE_TOKEN
UPDATE tokens SET used=?, document=? WHERE tokens.org_id = ? AND tokens.livemode = ? AND tokens.id = ? AND tokens.used = ?;

-- bursar.methods.repository._FIND
SELECT payment_methods."version", payment_methods.state, payment_methods.agreed, payment_methods.document
FROM payment_methods
WHERE payment_methods.org_id = ? AND payment_methods.livemode = ? AND payment_methods.id = ?;

-- bursar.methods.repository._FIND_TOKEN
SELECT tokens.document
FROM tokens
WHERE tokens.org_id = ? AND tokens.livemode = ? AND tokens.id = ?;

-- bursar.payments.charge_repository.INSERT
INSERT INTO charges (org_id, livemode, id, "version", payment_intent, customer, status, amount_minor, captured_minor, refunded_minor, disputed_minor, currency, connector, bank_reference, attempt_id, increments, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.payments.charge_repository.UPDATE
UPDATE charges SET "version"=?, customer=?, status=?, amount_minor=?, captured_minor=?, refunded_minor=?, disputed_minor=?, increments=?, document=? WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id = ? AND charges."version" = ?;

-- bursar.payments.charge_repository.RESERVE_REFUND
UPDATE charges SET "version"=(charges."version" + ?), refunded_minor=(charges.refunded_minor + ?) WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id = ? AND charges.disputed_minor = ? AND charges.captured_minor - charges.refunded_minor >= ?;

-- bursar.payments.charge_repository._FIND
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id = ?;

-- bursar.payments.charge_repository._FIND_OF_ATTEMPT
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.payment_intent = ? AND charges.attempt_id = ?;

-- bursar.payments.charge_repository._FIND_OF_BANK
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.payment_intent = ? AND charges.bank_reference = ? AND charges.status = ? ORDER BY charges.id DESC;

-- bursar.payments.repository.INSERT
INSERT INTO payment_intents (org_id, livemode, id, "version", status, amount_minor, currency, customer, attempt_id, authentication_id, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.payments.repository.UPDATE
UPDATE payment_intents SET "version"=?, status=?, amount_minor=?, currency=?, customer=?, attempt_id=?, authentication_id=?, document=? WHERE payment_intents.org_id = ? AND payment_intents.livemode = ? AND payment_intents.id = ? AND payment_intents."version" = ?;

-- bursar.payments.repository.INSERT_DEADLINE
INSERT INTO capture_deadlines (org_id, livemode, payment_intent, due) VALUES (?, ?, ?, ?);

-- bursar.payments.repository.DELETE_DEADLINE
DELETE FROM capture_deadlines WHERE capture_deadlines.org_id = ? AND capture_deadlines.livemode = ? AND capture_deadlines.payment_intent = ?;

-- bursar.payments.repository.POSTPONE_DEADLINE
UPDATE capture_deadlines SET due=? WHERE capture_deadlines.org_id = ? AND capture_deadlines.livemode = ? AND capture_deadlines.payment_intent = ?;

-- bursar.payments.repository._FIND
SELECT payment_intents."version", payment_intents.attempt_id, payment_intents.authentication_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = ? AND payment_intents.livemode = ? AND payment_intents.id = ?;

-- bursar.payments.repository._DUE
SELECT capture_deadlines.org_id, capture_deadlines.livemode, capture_deadlines.payment_intent, capture_deadlines.due
FROM capture_deadlines
WHERE capture_deadlines.due <= ? ORDER BY capture_deadlines.due LIMIT ?;

-- bursar.refunds.repository.INSERT
INSERT INTO refunds (org_id, livemode, id, "version", charge, payment_intent, status, amount_minor, currency, attempt_id, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.refunds.repository.UPDATE
UPDATE refunds SET "version"=?, status=?, document=? WHERE refunds.org_id = ? AND refunds.livemode = ? AND refunds.id = ? AND refunds."version" = ?;

-- bursar.refunds.repository._FIND
SELECT refunds.org_id, refunds.livemode, refunds.id, refunds."version", refunds.charge, refunds.payment_intent, refunds.status, refunds.amount_minor, refunds.currency, refunds.attempt_id, refunds.document
FROM refunds
WHERE refunds.org_id = ? AND refunds.livemode = ? AND refunds.id = ?;

-- bursar.setup_intents.repository.INSERT
INSERT INTO setup_intents (org_id, livemode, id, "version", status, customer, payment_method, attempt_id, authentication_id, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.setup_intents.repository.UPDATE
UPDATE setup_intents SET "version"=?, status=?, customer=?, payment_method=?, attempt_id=?, authentication_id=?, document=? WHERE setup_intents.org_id = ? AND setup_intents.livemode = ? AND setup_intents.id = ? AND setup_intents."version" = ?;

-- bursar.setup_intents.repository._FIND
SELECT setup_intents."version", setup_intents.attempt_id, setup_intents.authentication_id, setup_intents.document
FROM setup_intents
WHERE setup_intents.org_id = ? AND setup_intents.livemode = ? AND setup_intents.id = ?;

-- bursar.store.search_index.INSERT_TERM
INSERT INTO search_terms (org_id, livemode, time_slice, term, object_id) VALUES (?, ?, ?, ?, ?);

-- bursar.store.search_index.DELETE_TERM
DELETE FROM search_terms WHERE search_terms.org_id = ? AND search_terms.livemode = ? AND search_terms.time_slice = ? AND search_terms.term = ? AND search_terms.object_id = ?;

-- bursar.three_d_secure.repository.INSERT
INSERT INTO authentications (org_id, livemode, id, subject_id, secret, state, bank_reference, return_url) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.three_d_secure.repository.DECIDE
UPDATE authentications SET state=? WHERE authentications.org_id = ? AND authentications.livemode = ? AND authentications.id = ? AND authentications.state = ?;

-- bursar.three_d_secure.repository._FIND
SELECT authentications.org_id, authentications.livemode, authentications.id, authentications.subject_id, authentications.secret, authentications.state, authentications.bank_reference, authentications.return_url
FROM authentications
WHERE authentications.org_id = ? AND authentications.livemode = ? AND authentications.id = ?;

-- bursar.vault.repository.INSERT_CARD
INSERT INTO vault_cards (org_id, livemode, id, key_version, sealed) VALUES (?, ?, ?, ?, ?);

-- bursar.vault.repository.INSERT_KEY
INSERT INTO data_keys (org_id, livemode, "version", wrapped, kek_id, created, state) VALUES (?, ?, ?, ?, ?, ?, ?);

-- bursar.vault.repository.DELETE_CARD
DELETE FROM vault_cards WHERE vault_cards.org_id = ? AND vault_cards.livemode = ? AND vault_cards.id = ?;

-- bursar.vault.repository.RESEAL_CARD
UPDATE vault_cards SET key_version=?, sealed=? WHERE vault_cards.org_id = ? AND vault_cards.livemode = ? AND vault_cards.id = ? AND vault_cards.key_version = ? AND vault_cards.sealed = ?;

-- bursar.vault.repository.REWRAP_KEY
UPDATE data_keys SET wrapped=?, kek_id=? WHERE data_keys.org_id = ? AND data_keys.livemode = ? AND data_keys."version" = ? AND data_keys.wrapped = ?;

-- bursar.vault.repository.SET_KEY_STATE
UPDATE data_keys SET state=? WHERE data_keys.org_id = ? AND data_keys.livemode = ? AND data_keys."version" = ? AND data_keys.state = ?;

-- bursar.vault.repository.MARK_LEAVING
UPDATE data_keys SET state=? WHERE data_keys.state = ?;

-- bursar.vault.repository._FIND_CARD
SELECT vault_cards.id, vault_cards.key_version, vault_cards.sealed
FROM vault_cards
WHERE vault_cards.org_id = ? AND vault_cards.livemode = ? AND vault_cards.id = ?;

-- bursar.vault.repository._FIND_KEYS
SELECT data_keys.org_id, data_keys.livemode, data_keys."version", data_keys.wrapped, data_keys.kek_id, data_keys.created, data_keys.state
FROM data_keys
WHERE data_keys.org_id = ? AND data_keys.livemode = ? ORDER BY data_keys."version";
