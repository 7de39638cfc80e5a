CREATE TABLE api_keys (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    kind VARCHAR(20) COLLATE Latin1_General_100_BIN2 NOT NULL,
    name NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    key_hash VARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    hint VARCHAR(24) COLLATE Latin1_General_100_BIN2 NOT NULL,
    permissions NVARCHAR(max) NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NULL,
    revoked BIGINT NULL,
    CONSTRAINT pk_api_keys PRIMARY KEY (org_id, id)
);

CREATE INDEX ix_api_keys_hash ON api_keys (key_hash);

CREATE TABLE attempts (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kind VARCHAR(12) COLLATE Latin1_General_100_BIN2 NOT NULL,
    subject_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    state VARCHAR(12) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    fence INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_look BIGINT NULL,
    bank_reference VARCHAR(100) COLLATE Latin1_General_100_BIN2 NULL,
    order_document NVARCHAR(max) NOT NULL,
    outcome_document NVARCHAR(max) NULL,
    CONSTRAINT pk_attempts PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_attempts_next_look ON attempts (next_look, org_id);

CREATE TABLE authentications (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    subject_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    secret VARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    state VARCHAR(12) COLLATE Latin1_General_100_BIN2 NOT NULL,
    bank_reference VARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    return_url NVARCHAR(max) NULL,
    CONSTRAINT pk_authentications PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE balance_snapshots (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    account VARCHAR(80) COLLATE Latin1_General_100_BIN2 NOT NULL,
    through_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    CONSTRAINT pk_balance_snapshots PRIMARY KEY (org_id, livemode, account)
);

CREATE TABLE balance_transactions (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    source_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    transaction_type VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    fee_minor BIGINT NOT NULL,
    net_minor BIGINT NOT NULL,
    available_on BIGINT NOT NULL,
    created BIGINT NOT NULL,
    payout_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_balance_transactions PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_balance_transactions_source ON balance_transactions (org_id, livemode, source_id, id);

CREATE TABLE bank_events (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    connector VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    event_id VARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kind VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    state VARCHAR(12) COLLATE Latin1_General_100_BIN2 NOT NULL,
    received BIGINT NOT NULL,
    note NVARCHAR(max) NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_bank_events PRIMARY KEY (org_id, livemode, connector, event_id)
);

CREATE TABLE capture_deadlines (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    payment_intent VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    due BIGINT NOT NULL,
    CONSTRAINT pk_capture_deadlines PRIMARY KEY (org_id, livemode, payment_intent)
);

CREATE INDEX ix_capture_deadlines_due ON capture_deadlines (due);

CREATE TABLE charges (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version INTEGER NOT NULL,
    payment_intent VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    customer VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    status VARCHAR(12) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    captured_minor BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    disputed_minor BIGINT NOT NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    connector VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    bank_reference VARCHAR(100) COLLATE Latin1_General_100_BIN2 NULL,
    attempt_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    increments INTEGER NOT NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_charges PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_charges_customer ON charges (org_id, livemode, customer, id);

CREATE INDEX ix_charges_payment_intent ON charges (org_id, livemode, payment_intent, id);

CREATE TABLE customer_methods (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    customer_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    method_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_customer_methods PRIMARY KEY (org_id, livemode, customer_id, method_id)
);

CREATE TABLE customers (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version INTEGER NOT NULL,
    email NVARCHAR(512) COLLATE Latin1_General_100_BIN2 NULL,
    email_folded NVARCHAR(256) COLLATE Latin1_General_100_BIN2 NULL,
    name_folded NVARCHAR(256) COLLATE Latin1_General_100_BIN2 NULL,
    phone_folded NVARCHAR(256) COLLATE Latin1_General_100_BIN2 NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE data_keys (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    version INTEGER NOT NULL,
    wrapped VARCHAR(80) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kek_id VARCHAR(16) COLLATE Latin1_General_100_BIN2 NOT NULL,
    created BIGINT NOT NULL,
    state VARCHAR(10) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_data_keys PRIMARY KEY (org_id, livemode, version)
);

CREATE TABLE deleted_customers (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_deleted_customers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE disputes (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version INTEGER NOT NULL,
    charge VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    payment_intent VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    status VARCHAR(24) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    withdrawn_minor BIGINT NOT NULL,
    fee_minor BIGINT NOT NULL,
    connector VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    bank_reference VARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_disputes PRIMARY KEY (org_id, livemode, id)
);

CREATE UNIQUE INDEX ix_disputes_bank_reference ON disputes (org_id, livemode, connector, bank_reference);

CREATE INDEX ix_disputes_charge ON disputes (org_id, livemode, charge, id);

CREATE INDEX ix_disputes_payment_intent ON disputes (org_id, livemode, payment_intent, id);

CREATE TABLE event_heads (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    lane INTEGER NOT NULL,
    sequence_number BIGINT NOT NULL,
    event_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    row_hash VARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_event_heads PRIMARY KEY (org_id, livemode, lane)
);

CREATE TABLE events (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    lane INTEGER NOT NULL,
    sequence_number BIGINT NOT NULL,
    event_type VARCHAR(80) COLLATE Latin1_General_100_BIN2 NOT NULL,
    created BIGINT NOT NULL,
    object_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    actor VARCHAR(60) COLLATE Latin1_General_100_BIN2 NOT NULL,
    address VARCHAR(64) COLLATE Latin1_General_100_BIN2 NULL,
    request_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    idempotency_key VARCHAR(255) COLLATE Latin1_General_100_BIN2 NULL,
    api_version VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    data NVARCHAR(max) NOT NULL,
    row_hash VARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_events_type ON events (org_id, livemode, event_type, id);

CREATE TABLE idempotency_keys (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    idempotency_key VARCHAR(255) COLLATE Latin1_General_100_BIN2 NOT NULL,
    created BIGINT NOT NULL,
    fingerprint VARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    request_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    status INTEGER NOT NULL,
    body NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (org_id, livemode, idempotency_key)
);

CREATE INDEX ix_idempotency_keys_created ON idempotency_keys (org_id, created);

CREATE TABLE ledger_holds (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    operation_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    resolution VARCHAR(20) COLLATE Latin1_General_100_BIN2 NULL,
    CONSTRAINT pk_ledger_holds PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE ledger_postings (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    account VARCHAR(80) COLLATE Latin1_General_100_BIN2 NOT NULL,
    transaction_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    created BIGINT NOT NULL,
    operation_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    hold_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    CONSTRAINT pk_ledger_postings PRIMARY KEY (org_id, livemode, account, transaction_id)
);

CREATE TABLE ledger_releases (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    version INTEGER NOT NULL,
    open_day INTEGER NOT NULL,
    CONSTRAINT pk_ledger_releases PRIMARY KEY (org_id, livemode)
);

CREATE TABLE organisations (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    name NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (org_id)
);

CREATE TABLE payment_intents (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR(24) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    customer VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    attempt_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    authentication_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_payment_intents PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_payment_intents_customer ON payment_intents (org_id, livemode, customer, id);

CREATE TABLE payment_methods (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version INTEGER NOT NULL,
    state VARCHAR(10) COLLATE Latin1_General_100_BIN2 NOT NULL,
    allow_redisplay VARCHAR(12) COLLATE Latin1_General_100_BIN2 NOT NULL,
    agreed SMALLINT NOT NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_payment_methods PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE refunds (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version INTEGER NOT NULL,
    charge VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    payment_intent VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    status VARCHAR(16) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR(3) COLLATE Latin1_General_100_BIN2 NOT NULL,
    attempt_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_refunds PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_refunds_charge ON refunds (org_id, livemode, charge, id);

CREATE INDEX ix_refunds_payment_intent ON refunds (org_id, livemode, payment_intent, id);

CREATE TABLE search_terms (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    time_slice INTEGER NOT NULL,
    term VARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    object_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (org_id, livemode, time_slice, term, object_id)
);

CREATE TABLE setup_intents (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR(24) COLLATE Latin1_General_100_BIN2 NOT NULL,
    customer VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    payment_method VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    attempt_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    authentication_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_setup_intents PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_setup_intents_customer ON setup_intents (org_id, livemode, customer, id);

CREATE INDEX ix_setup_intents_method ON setup_intents (org_id, livemode, payment_method, id);

CREATE TABLE tokens (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    used SMALLINT NOT NULL,
    document NVARCHAR(max) NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE vault_cards (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    key_version INTEGER NOT NULL,
    sealed VARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_vault_cards PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE writer_lanes (
    org_id VARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    lane INTEGER NOT NULL,
    holder NVARCHAR(80) COLLATE Latin1_General_100_BIN2 NOT NULL,
    leased_until BIGINT NOT NULL,
    CONSTRAINT pk_writer_lanes PRIMARY KEY (org_id, lane)
);

-- bursar.accounts.repository.INSERT_ORGANISATION
INSERT INTO organisations (org_id, name, created) VALUES (:org_id, :name, :created);

-- bursar.accounts.repository.INSERT_KEY
INSERT INTO api_keys (org_id, id, livemode, kind, name, key_hash, hint, permissions, created, expires, revoked) VALUES (:org_id, :id, :livemode, :kind, :name, :key_hash, :hint, :permissions, :created, :expires, :revoked);

-- bursar.accounts.repository.SET_EXPIRY
UPDATE api_keys SET expires=:at WHERE api_keys.org_id = :o AND api_keys.id = :i AND api_keys.revoked IS NULL;

-- bursar.accounts.repository.SET_REVOKED
UPDATE api_keys SET revoked=:at WHERE api_keys.org_id = :o AND api_keys.id = :i AND api_keys.revoked IS NULL;

-- bursar.attempts.repository.INSERT
INSERT INTO attempts (org_id, livemode, id, kind, subject_id, state, amount_minor, currency, fence, tries, next_look, bank_reference, order_document, outcome_document) VALUES (:org_id, :livemode, :id, :kind, :subject_id, :state, :amount_minor, :currency, :fence, :tries, :next_look, :bank_reference, :order_document, :outcome_document);

-- bursar.attempts.repository.CLAIM
UPDATE attempts SET fence=(attempts.fence + :fence_1), next_look=:new_look WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id = :i AND attempts.fence = :held_fence AND attempts.next_look IS NOT NULL AND attempts.next_look = :seen_look;

-- bursar.attempts.repository.SETTLE
UPDATE attempts SET state=:new_state, next_look=:new_look, bank_reference=:new_reference, outcome_document=:new_outcome WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id = :i AND attempts.fence = :held_fence AND attempts.next_look IS NOT NULL;

-- bursar.attempts.repository.POSTPONE
UPDATE attempts SET state=:new_state, tries=(attempts.tries + :tries_1), next_look=:new_look WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id = :i AND attempts.fence = :held_fence AND attempts.next_look IS NOT NULL;

-- bursar.attempts.repository.REOPEN
UPDATE attempts SET state=:state, fence=(attempts.fence + :fence_1), tries=:tries, next_look=:new_look WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id = :i AND attempts.fence = :held_fence;

-- bursar.attempts.repository.CONCLUDE
UPDATE attempts SET state=:new_state, next_look=:next_look WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id = :i AND attempts.state = :expected_state;

-- bursar.attempts.repository._FIND
SELECT attempts.org_id, attempts.livemode, attempts.id, attempts.kind, attempts.subject_id, attempts.state, attempts.amount_minor, attempts.currency, attempts.fence, attempts.tries, attempts.next_look, attempts.bank_reference, attempts.order_document, attempts.outcome_document
FROM attempts
WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id = :i;

-- bursar.attempts.repository._DUE
SELECT anon_1.org_id, anon_1.livemode, anon_1.id, anon_1.kind, anon_1.subject_id, anon_1.state, anon_1.amount_minor, anon_1.currency, anon_1.fence, anon_1.tries, anon_1.next_look, anon_1.bank_reference, anon_1.order_document, anon_1.outcome_document
FROM (SELECT attempts.org_id AS org_id, attempts.livemode AS livemode, attempts.id AS id, attempts.kind AS kind, attempts.subject_id AS subject_id, attempts.state AS state, attempts.amount_minor AS amount_minor, attempts.currency AS currency, attempts.fence AS fence, attempts.tries AS tries, attempts.next_look AS next_look, attempts.bank_reference AS bank_reference, attempts.order_document AS order_document, attempts.outcome_document AS outcome_document, ROW_NUMBER() OVER (ORDER BY attempts.next_look) AS mssql_rn
FROM attempts
WHERE attempts.next_look <= :now) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._INTENTS
SELECT anon_1.id, anon_1.status, anon_1.amount_minor, anon_1.currency, anon_1.attempt_id, anon_1.document
FROM (SELECT payment_intents.id AS id, payment_intents.status AS status, payment_intents.amount_minor AS amount_minor, payment_intents.currency AS currency, payment_intents.attempt_id AS attempt_id, payment_intents.document AS document, ROW_NUMBER() OVER (ORDER BY payment_intents.org_id, payment_intents.livemode, payment_intents.id) AS mssql_rn
FROM payment_intents
WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._SETUPS
SELECT anon_1.id, anon_1.status, anon_1.attempt_id, anon_1.document
FROM (SELECT setup_intents.id AS id, setup_intents.status AS status, setup_intents.attempt_id AS attempt_id, setup_intents.document AS document, ROW_NUMBER() OVER (ORDER BY setup_intents.org_id, setup_intents.livemode, setup_intents.id) AS mssql_rn
FROM setup_intents
WHERE setup_intents.org_id = :o AND setup_intents.livemode = :m AND setup_intents.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._CHARGES
SELECT anon_1.org_id, anon_1.livemode, anon_1.id, anon_1.version, anon_1.payment_intent, anon_1.customer, anon_1.status, anon_1.amount_minor, anon_1.captured_minor, anon_1.refunded_minor, anon_1.disputed_minor, anon_1.currency, anon_1.connector, anon_1.bank_reference, anon_1.attempt_id, anon_1.increments, anon_1.document
FROM (SELECT charges.org_id AS org_id, charges.livemode AS livemode, charges.id AS id, charges.version AS version, charges.payment_intent AS payment_intent, charges.customer AS customer, charges.status AS status, charges.amount_minor AS amount_minor, charges.captured_minor AS captured_minor, charges.refunded_minor AS refunded_minor, charges.disputed_minor AS disputed_minor, charges.currency AS currency, charges.connector AS connector, charges.bank_reference AS bank_reference, charges.attempt_id AS attempt_id, charges.increments AS increments, charges.document AS document, ROW_NUMBER() OVER (ORDER BY charges.org_id, charges.livemode, charges.id) AS mssql_rn
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._REFUNDS
SELECT anon_1.org_id, anon_1.livemode, anon_1.id, anon_1.version, anon_1.charge, anon_1.payment_intent, anon_1.status, anon_1.amount_minor, anon_1.currency, anon_1.attempt_id, anon_1.document
FROM (SELECT refunds.org_id AS org_id, refunds.livemode AS livemode, refunds.id AS id, refunds.version AS version, refunds.charge AS charge, refunds.payment_intent AS payment_intent, refunds.status AS status, refunds.amount_minor AS amount_minor, refunds.currency AS currency, refunds.attempt_id AS attempt_id, refunds.document AS document, ROW_NUMBER() OVER (ORDER BY refunds.org_id, refunds.livemode, refunds.id) AS mssql_rn
FROM refunds
WHERE refunds.org_id = :o AND refunds.livemode = :m AND refunds.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._DISPUTES
SELECT anon_1.org_id, anon_1.livemode, anon_1.id, anon_1.version, anon_1.charge, anon_1.payment_intent, anon_1.status, anon_1.amount_minor, anon_1.currency, anon_1.withdrawn_minor, anon_1.fee_minor, anon_1.connector, anon_1.bank_reference, anon_1.document
FROM (SELECT disputes.org_id AS org_id, disputes.livemode AS livemode, disputes.id AS id, disputes.version AS version, disputes.charge AS charge, disputes.payment_intent AS payment_intent, disputes.status AS status, disputes.amount_minor AS amount_minor, disputes.currency AS currency, disputes.withdrawn_minor AS withdrawn_minor, disputes.fee_minor AS fee_minor, disputes.connector AS connector, disputes.bank_reference AS bank_reference, disputes.document AS document, ROW_NUMBER() OVER (ORDER BY disputes.org_id, disputes.livemode, disputes.id) AS mssql_rn
FROM disputes
WHERE disputes.org_id = :o AND disputes.livemode = :m AND disputes.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._ATTEMPTS
SELECT anon_1.org_id, anon_1.livemode, anon_1.id, anon_1.kind, anon_1.subject_id, anon_1.state, anon_1.amount_minor, anon_1.currency, anon_1.fence, anon_1.tries, anon_1.next_look, anon_1.bank_reference, anon_1.order_document, anon_1.outcome_document
FROM (SELECT attempts.org_id AS org_id, attempts.livemode AS livemode, attempts.id AS id, attempts.kind AS kind, attempts.subject_id AS subject_id, attempts.state AS state, attempts.amount_minor AS amount_minor, attempts.currency AS currency, attempts.fence AS fence, attempts.tries AS tries, attempts.next_look AS next_look, attempts.bank_reference AS bank_reference, attempts.order_document AS order_document, attempts.outcome_document AS outcome_document, ROW_NUMBER() OVER (ORDER BY attempts.org_id, attempts.livemode, attempts.id) AS mssql_rn
FROM attempts
WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._TRANSACTIONS
SELECT anon_1.id, anon_1.source_id, anon_1.transaction_type
FROM (SELECT balance_transactions.id AS id, balance_transactions.source_id AS source_id, balance_transactions.transaction_type AS transaction_type, ROW_NUMBER() OVER (ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id) AS mssql_rn
FROM balance_transactions
WHERE balance_transactions.org_id = :o AND balance_transactions.livemode = :m AND balance_transactions.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._EVENTS
SELECT anon_1.id, anon_1.event_type, anon_1.object_id, anon_1.data
FROM (SELECT events.id AS id, events.event_type AS event_type, events.object_id AS object_id, events.data AS data, ROW_NUMBER() OVER (ORDER BY events.org_id, events.livemode, events.id) AS mssql_rn
FROM events
WHERE events.org_id = :o AND events.livemode = :m AND events.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.books.repository._POSTINGS
SELECT anon_1.org_id, anon_1.livemode, anon_1.account, anon_1.transaction_id, anon_1.amount_minor, anon_1.currency, anon_1.created, anon_1.operation_id, anon_1.hold_id
FROM (SELECT ledger_postings.org_id AS org_id, ledger_postings.livemode AS livemode, ledger_postings.account AS account, ledger_postings.transaction_id AS transaction_id, ledger_postings.amount_minor AS amount_minor, ledger_postings.currency AS currency, ledger_postings.created AS created, ledger_postings.operation_id AS operation_id, ledger_postings.hold_id AS hold_id, ROW_NUMBER() OVER (ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id) AS mssql_rn
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account = :a AND ledger_postings.transaction_id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.customers.repository.INSERT
INSERT INTO customers (org_id, livemode, id, version, email, email_folded, name_folded, phone_folded, document) VALUES (:org_id, :livemode, :id, :version, :email, :email_folded, :name_folded, :phone_folded, :document);

-- bursar.customers.repository.INSERT_DELETED
INSERT INTO deleted_customers (org_id, livemode, id) VALUES (:org_id, :livemode, :id);

-- bursar.customers.repository.UPDATE
UPDATE customers SET version=:new_version, email=:new_email, email_folded=:new_email_folded, name_folded=:new_name, phone_folded=:new_phone, document=:new_document WHERE customers.org_id = :o AND customers.livemode = :m AND customers.id = :i AND customers.version = :expected_version;

-- bursar.customers.repository.DELETE
DELETE FROM customers WHERE customers.org_id = :o AND customers.livemode = :m AND customers.id = :i AND customers.version = :expected_version;

-- bursar.customers.repository._FIND
SELECT customers.version, customers.document
FROM customers
WHERE customers.org_id = :o AND customers.livemode = :m AND customers.id = :i;

-- bursar.customers.repository._FIND_DELETED
SELECT deleted_customers.id
FROM deleted_customers
WHERE deleted_customers.org_id = :o AND deleted_customers.livemode = :m AND deleted_customers.id = :i;

-- bursar.disputes.repository.INSERT
INSERT INTO disputes (org_id, livemode, id, version, charge, payment_intent, status, amount_minor, currency, withdrawn_minor, fee_minor, connector, bank_reference, document) VALUES (:org_id, :livemode, :id, :version, :charge, :payment_intent, :status, :amount_minor, :currency, :withdrawn_minor, :fee_minor, :connector, :bank_reference, :document);

-- bursar.disputes.repository.UPDATE
UPDATE disputes SET version=:new_version, status=:new_status, amount_minor=:new_amount, withdrawn_minor=:new_withdrawn, fee_minor=:new_fee, document=:new_document WHERE disputes.org_id = :o AND disputes.livemode = :m AND disputes.id = :i AND disputes.version = :expected_version;

-- bursar.disputes.repository._FIND
SELECT disputes.org_id, disputes.livemode, disputes.id, disputes.version, disputes.charge, disputes.payment_intent, disputes.status, disputes.amount_minor, disputes.currency, disputes.withdrawn_minor, disputes.fee_minor, disputes.connector, disputes.bank_reference, disputes.document
FROM disputes
WHERE disputes.org_id = :o AND disputes.livemode = :m AND disputes.id = :i;

-- bursar.disputes.repository._FIND_OF_BANK
SELECT disputes.org_id, disputes.livemode, disputes.id, disputes.version, disputes.charge, disputes.payment_intent, disputes.status, disputes.amount_minor, disputes.currency, disputes.withdrawn_minor, disputes.fee_minor, disputes.connector, disputes.bank_reference, disputes.document
FROM disputes
WHERE disputes.org_id = :o AND disputes.livemode = :m AND disputes.connector = :c AND disputes.bank_reference = :r;

-- bursar.events.repository._FIND
SELECT events.id, events.livemode, events.event_type, events.created, events.request_id, events.idempotency_key, events.api_version, events.data
FROM events
WHERE events.org_id = :o AND events.livemode = :m AND events.id = :i AND (events.event_type < :event_type_1 OR events.event_type >= :event_type_2);

-- bursar.events.sealing.INSERT_EVENT
INSERT INTO events (org_id, livemode, id, lane, sequence_number, event_type, created, object_id, actor, address, request_id, idempotency_key, api_version, data, row_hash) VALUES (:org_id, :livemode, :id, :lane, :sequence_number, :event_type, :created, :object_id, :actor, :address, :request_id, :idempotency_key, :api_version, :data, :row_hash);

-- bursar.events.sealing.INSERT_HEAD
INSERT INTO event_heads (org_id, livemode, lane, sequence_number, event_id, row_hash) VALUES (:org_id, :livemode, :lane, :sequence_number, :event_id, :row_hash);

-- bursar.events.sealing.INSERT_LANE
INSERT INTO writer_lanes (org_id, lane, holder, leased_until) VALUES (:org_id, :lane, :holder, :leased_until);

-- bursar.events.sealing.MOVE_HEAD
UPDATE event_heads SET sequence_number=:new_number, event_id=:new_event_id, row_hash=:new_hash WHERE event_heads.org_id = :chain_org_id AND event_heads.livemode = :chain_livemode AND event_heads.lane = :chain_lane AND event_heads.sequence_number = :expected_number;

-- bursar.hooks.repository.INSERT
INSERT INTO bank_events (org_id, livemode, connector, event_id, kind, state, received, note, document) VALUES (:org_id, :livemode, :connector, :event_id, :kind, :state, :received, :note, :document);

-- bursar.hooks.repository._IS_KNOWN
SELECT bank_events.event_id
FROM bank_events
WHERE bank_events.org_id = :o AND bank_events.livemode = :m AND bank_events.connector = :c AND bank_events.event_id = :e;

-- bursar.hooks.repository._UNMATCHED
SELECT anon_1.org_id, anon_1.livemode, anon_1.connector, anon_1.event_id, anon_1.kind, anon_1.state, anon_1.received, anon_1.note, anon_1.document
FROM (SELECT bank_events.org_id AS org_id, bank_events.livemode AS livemode, bank_events.connector AS connector, bank_events.event_id AS event_id, bank_events.kind AS kind, bank_events.state AS state, bank_events.received AS received, bank_events.note AS note, bank_events.document AS document, ROW_NUMBER() OVER (ORDER BY bank_events.received DESC) AS mssql_rn
FROM bank_events
WHERE bank_events.state = :state_1) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.http.idempotency.INSERT
INSERT INTO idempotency_keys (org_id, livemode, idempotency_key, created, fingerprint, request_id, status, body) VALUES (:org_id, :livemode, :idempotency_key, :created, :fingerprint, :request_id, :status, :body);

-- bursar.http.idempotency._FIND
SELECT idempotency_keys.fingerprint, idempotency_keys.request_id, idempotency_keys.status, idempotency_keys.body
FROM idempotency_keys
WHERE idempotency_keys.org_id = :o AND idempotency_keys.livemode = :m AND idempotency_keys.idempotency_key = :k;

-- bursar.http.idempotency.COMPLETE
UPDATE idempotency_keys SET status=:new_status, body=:new_body WHERE idempotency_keys.org_id = :o AND idempotency_keys.livemode = :m AND idempotency_keys.idempotency_key = :k AND idempotency_keys.status = :status_1;

-- bursar.http.idempotency._DELETE
DELETE FROM idempotency_keys WHERE idempotency_keys.org_id = :o AND idempotency_keys.livemode = :m AND idempotency_keys.idempotency_key = :k;

-- bursar.ledger.balances._NEXT_ACCOUNT
SELECT TOP __[POSTCOMPILE_param_1] ledger_postings.account
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account > :a ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account;

-- bursar.ledger.balances._SNAPSHOT
SELECT balance_snapshots.through_id, balance_snapshots.amount_minor
FROM balance_snapshots
WHERE balance_snapshots.org_id = :o AND balance_snapshots.livemode = :m AND balance_snapshots.account = :a;

-- bursar.ledger.balances._SINCE
SELECT sum(ledger_postings.amount_minor) AS sum_1
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account = :a AND ledger_postings.transaction_id > :after;

-- bursar.ledger.balances._STEP
SELECT count(*) AS count_1, sum(anon_1.amount_minor) AS sum_1, max(anon_1.transaction_id) AS max_1
FROM (SELECT TOP __[POSTCOMPILE_param_1] ledger_postings.transaction_id AS transaction_id, ledger_postings.amount_minor AS amount_minor
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account = :a AND ledger_postings.transaction_id > :after AND ledger_postings.transaction_id < :before ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id) AS anon_1;

-- bursar.ledger.balances._RELEASE
SELECT ledger_releases.version, ledger_releases.open_day
FROM ledger_releases
WHERE ledger_releases.org_id = :o AND ledger_releases.livemode = :m;

-- bursar.ledger.balances._NEWEST_SNAPSHOT
SELECT max(balance_snapshots.through_id) AS max_1
FROM balance_snapshots;

-- bursar.ledger.balances.INSERT_SNAPSHOT
INSERT INTO balance_snapshots (org_id, livemode, account, through_id, amount_minor) VALUES (:org_id, :livemode, :account, :through_id, :amount_minor);

-- bursar.ledger.balances.MOVE_SNAPSHOT
UPDATE balance_snapshots SET through_id=:new_through, amount_minor=:new_amount WHERE balance_snapshots.org_id = :o AND balance_snapshots.livemode = :m AND balance_snapshots.account = :a AND balance_snapshots.through_id = :expected_through;

-- bursar.ledger.balances.FORGET_SNAPSHOTS
DELETE FROM balance_snapshots WHERE balance_snapshots.org_id = :o AND balance_snapshots.livemode = :m;

-- bursar.ledger.balances.INSERT_RELEASE
INSERT INTO ledger_releases (org_id, livemode, version, open_day) VALUES (:org_id, :livemode, :version, :open_day);

-- bursar.ledger.balances.MOVE_RELEASE
UPDATE ledger_releases SET version=:new_version, open_day=:new_open_day WHERE ledger_releases.org_id = :o AND ledger_releases.livemode = :m AND ledger_releases.version = :expected_version;

-- bursar.ledger.repository.INSERT_POSTING
INSERT INTO ledger_postings (org_id, livemode, account, transaction_id, amount_minor, currency, created, operation_id, hold_id) VALUES (:org_id, :livemode, :account, :transaction_id, :amount_minor, :currency, :created, :operation_id, :hold_id);

-- bursar.ledger.repository.INSERT_TRANSACTION
INSERT INTO balance_transactions (org_id, livemode, id, source_id, transaction_type, currency, amount_minor, fee_minor, net_minor, available_on, created, payout_id, document) VALUES (:org_id, :livemode, :id, :source_id, :transaction_type, :currency, :amount_minor, :fee_minor, :net_minor, :available_on, :created, :payout_id, :document);

-- bursar.ledger.repository.INSERT_HOLD
INSERT INTO ledger_holds (org_id, livemode, id, operation_id, currency, amount_minor, resolution) VALUES (:org_id, :livemode, :id, :operation_id, :currency, :amount_minor, :resolution);

-- bursar.ledger.repository.CHANGE_HOLD
UPDATE ledger_holds SET amount_minor=:new_amount, resolution=:new_resolution WHERE ledger_holds.org_id = :o AND ledger_holds.livemode = :m AND ledger_holds.id = :i AND ledger_holds.amount_minor = :expected_amount AND ledger_holds.resolution IS NULL;

-- bursar.ledger.repository._FIND
SELECT balance_transactions.document
FROM balance_transactions
WHERE balance_transactions.org_id = :o AND balance_transactions.livemode = :m AND balance_transactions.id = :i;

-- bursar.ledger.repository._FIND_MANY
SELECT balance_transactions.document
FROM balance_transactions
WHERE balance_transactions.org_id = :o AND balance_transactions.livemode = :m AND balance_transactions.id IN (__[POSTCOMPILE_ids]);

-- bursar.ledger.verification._PAGE_OF_ACCOUNT
SELECT anon_1.org_id, anon_1.livemode, anon_1.account, anon_1.transaction_id, anon_1.amount_minor, anon_1.currency, anon_1.created, anon_1.operation_id, anon_1.hold_id
FROM (SELECT ledger_postings.org_id AS org_id, ledger_postings.livemode AS livemode, ledger_postings.account AS account, ledger_postings.transaction_id AS transaction_id, ledger_postings.amount_minor AS amount_minor, ledger_postings.currency AS currency, ledger_postings.created AS created, ledger_postings.operation_id AS operation_id, ledger_postings.hold_id AS hold_id, ROW_NUMBER() OVER (ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id) AS mssql_rn
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account = :a AND ledger_postings.transaction_id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.ledger.verification._PAGE_OF_TRANSACTIONS
SELECT anon_1.org_id, anon_1.livemode, anon_1.id, anon_1.source_id, anon_1.transaction_type, anon_1.currency, anon_1.amount_minor, anon_1.fee_minor, anon_1.net_minor, anon_1.available_on, anon_1.created, anon_1.payout_id, anon_1.document
FROM (SELECT balance_transactions.org_id AS org_id, balance_transactions.livemode AS livemode, balance_transactions.id AS id, balance_transactions.source_id AS source_id, balance_transactions.transaction_type AS transaction_type, balance_transactions.currency AS currency, balance_transactions.amount_minor AS amount_minor, balance_transactions.fee_minor AS fee_minor, balance_transactions.net_minor AS net_minor, balance_transactions.available_on AS available_on, balance_transactions.created AS created, balance_transactions.payout_id AS payout_id, balance_transactions.document AS document, ROW_NUMBER() OVER (ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id) AS mssql_rn
FROM balance_transactions
WHERE balance_transactions.org_id = :o AND balance_transactions.livemode = :m AND balance_transactions.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.ledger.verification._PAGE_OF_HOLDS
SELECT anon_1.org_id, anon_1.livemode, anon_1.id, anon_1.operation_id, anon_1.currency, anon_1.amount_minor, anon_1.resolution
FROM (SELECT ledger_holds.org_id AS org_id, ledger_holds.livemode AS livemode, ledger_holds.id AS id, ledger_holds.operation_id AS operation_id, ledger_holds.currency AS currency, ledger_holds.amount_minor AS amount_minor, ledger_holds.resolution AS resolution, ROW_NUMBER() OVER (ORDER BY ledger_holds.org_id, ledger_holds.livemode, ledger_holds.id) AS mssql_rn
FROM ledger_holds
WHERE ledger_holds.org_id = :o AND ledger_holds.livemode = :m AND ledger_holds.id > :after) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.ledger.verification._ALL_SNAPSHOTS
SELECT balance_snapshots.org_id, balance_snapshots.livemode, balance_snapshots.account, balance_snapshots.through_id, balance_snapshots.amount_minor
FROM balance_snapshots
WHERE balance_snapshots.org_id = :o AND balance_snapshots.livemode = :m;

-- bursar.ledger.verification._OPERATIONS_WITH_SEVERAL_GROUPS
SELECT ledger_postings.operation_id, count(DISTINCT ledger_postings.transaction_id) AS groups
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.operation_id IS NOT NULL GROUP BY ledger_postings.operation_id
HAVING count(DISTINCT ledger_postings.transaction_id) > :count_1;

-- bursar.ledger.verification._BY_OPERATION
SELECT ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id, ledger_postings.amount_minor, ledger_postings.currency, ledger_postings.created, ledger_postings.operation_id, ledger_postings.hold_id
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.operation_id IS NOT NULL ORDER BY ledger_postings.operation_id, ledger_postings.transaction_id, ledger_postings.account;

-- bursar.methods.repository.INSERT
INSERT INTO payment_methods (org_id, livemode, id, version, state, allow_redisplay, agreed, document) VALUES (:org_id, :livemode, :id, :version, :state, :allow_redisplay, :agreed, :document);

-- bursar.methods.repository.INSERT_ATTACHMENT
INSERT INTO customer_methods (org_id, livemode, customer_id, method_id) VALUES (:org_id, :livemode, :customer_id, :method_id);

-- bursar.methods.repository.INSERT_TOKEN
INSERT INTO tokens (org_id, livemode, id, used, document) VALUES (:org_id, :livemode, :id, :used, :document);

-- bursar.methods.repository.UPDATE
UPDATE payment_methods SET version=:new_version, state=:new_state, allow_redisplay=:new_allow_redisplay, document=:new_document WHERE payment_methods.org_id = :o AND payment_methods.livemode = :m AND payment_methods.id = :i AND payment_methods.version = :expected_version;

-- bursar.methods.repository.AGREE
UPDATE payment_methods SET agreed=:new_agreed WHERE payment_methods.org_id = :o AND payment_methods.livemode = :m AND payment_methods.id = :i;

-- bursar.methods.repository.DELETE_ATTACHMENT
DELETE FROM customer_methods WHERE customer_methods.org_id = :o AND customer_methods.livemode = :m AND customer_methods.customer_id = :c AND customer_methods.method_id = :i;

-- bursar.methods.repository.HOLD_CUSTOMER
UPDATE customers SET version=(customers.version + :step) WHERE customers.org_id = :o AND customers.livemode = :m AND customers.id = :i;

-- bursar.methods.repository.USE_TOKEN
UPDATE tokens SET used=:new_used, document=:new_document WHERE tokens.org_id = :o AND tokens.livemode = :m AND tokens.id = :i AND tokens.used = :expected_used;

-- bursar.methods.repository._FIND
SELECT payment_methods.version, payment_methods.state, payment_methods.agreed, payment_methods.document
FROM payment_methods
WHERE payment_methods.org_id = :o AND payment_methods.livemode = :m AND payment_methods.id = :i;

-- bursar.methods.repository._FIND_TOKEN
SELECT tokens.document
FROM tokens
WHERE tokens.org_id = :o AND tokens.livemode = :m AND tokens.id = :i;

-- bursar.payments.charge_repository.INSERT
INSERT INTO charges (org_id, livemode, id, version, payment_intent, customer, status, amount_minor, captured_minor, refunded_minor, disputed_minor, currency, connector, bank_reference, attempt_id, increments, document) VALUES (:org_id, :livemode, :id, :version, :payment_intent, :customer, :status, :amount_minor, :captured_minor, :refunded_minor, :disputed_minor, :currency, :connector, :bank_reference, :attempt_id, :increments, :document);

-- bursar.payments.charge_repository.UPDATE
UPDATE charges SET version=:new_version, customer=:new_customer, status=:new_status, amount_minor=:new_amount, captured_minor=:new_captured, refunded_minor=:new_refunded, disputed_minor=:new_disputed, increments=:new_increments, document=:new_document WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id = :i AND charges.version = :expected_version;

-- bursar.payments.charge_repository.RESERVE_REFUND
UPDATE charges SET version=(charges.version + :version_1), refunded_minor=(charges.refunded_minor + :reserved) WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id = :i AND charges.disputed_minor = :disputed_minor_1 AND charges.captured_minor - charges.refunded_minor >= :reserved;

-- bursar.payments.charge_repository._FIND
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id = :i;

-- bursar.payments.charge_repository._FIND_OF_ATTEMPT
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.payment_intent = :i AND charges.attempt_id = :a;

-- bursar.payments.charge_repository._FIND_OF_BANK
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.payment_intent = :i AND charges.bank_reference = :r AND charges.status = :status_1 ORDER BY charges.id DESC;

-- bursar.payments.repository.INSERT
INSERT INTO payment_intents (org_id, livemode, id, version, status, amount_minor, currency, customer, attempt_id, authentication_id, document) VALUES (:org_id, :livemode, :id, :version, :status, :amount_minor, :currency, :customer, :attempt_id, :authentication_id, :document);

-- bursar.payments.repository.UPDATE
UPDATE payment_intents SET version=:new_version, status=:new_status, amount_minor=:new_amount, currency=:new_currency, customer=:new_customer, attempt_id=:new_attempt, authentication_id=:new_authentication, document=:new_document WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id = :i AND payment_intents.version = :expected_version;

-- bursar.payments.repository.INSERT_DEADLINE
INSERT INTO capture_deadlines (org_id, livemode, payment_intent, due) VALUES (:org_id, :livemode, :payment_intent, :due);

-- bursar.payments.repository.DELETE_DEADLINE
DELETE FROM capture_deadlines WHERE capture_deadlines.org_id = :o AND capture_deadlines.livemode = :m AND capture_deadlines.payment_intent = :i;

-- bursar.payments.repository.POSTPONE_DEADLINE
UPDATE capture_deadlines SET due=:new_due WHERE capture_deadlines.org_id = :o AND capture_deadlines.livemode = :m AND capture_deadlines.payment_intent = :i;

-- bursar.payments.repository._FIND
SELECT payment_intents.version, payment_intents.attempt_id, payment_intents.authentication_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id = :i;

-- bursar.payments.repository._DUE
SELECT anon_1.org_id, anon_1.livemode, anon_1.payment_intent, anon_1.due
FROM (SELECT capture_deadlines.org_id AS org_id, capture_deadlines.livemode AS livemode, capture_deadlines.payment_intent AS payment_intent, capture_deadlines.due AS due, ROW_NUMBER() OVER (ORDER BY capture_deadlines.due) AS mssql_rn
FROM capture_deadlines
WHERE capture_deadlines.due <= :now) AS anon_1
WHERE mssql_rn <= :rows;

-- bursar.refunds.repository.INSERT
INSERT INTO refunds (org_id, livemode, id, version, charge, payment_intent, status, amount_minor, currency, attempt_id, document) VALUES (:org_id, :livemode, :id, :version, :charge, :payment_intent, :status, :amount_minor, :currency, :attempt_id, :document);

-- bursar.refunds.repository.UPDATE
UPDATE refunds SET version=:new_version, status=:new_status, document=:new_document WHERE refunds.org_id = :o AND refunds.livemode = :m AND refunds.id = :i AND refunds.version = :expected_version;

-- bursar.refunds.repository._FIND
SELECT refunds.org_id, refunds.livemode, refunds.id, refunds.version, refunds.charge, refunds.payment_intent, refunds.status, refunds.amount_minor, refunds.currency, refunds.attempt_id, refunds.document
FROM refunds
WHERE refunds.org_id = :o AND refunds.livemode = :m AND refunds.id = :i;

-- bursar.setup_intents.repository.INSERT
INSERT INTO setup_intents (org_id, livemode, id, version, status, customer, payment_method, attempt_id, authentication_id, document) VALUES (:org_id, :livemode, :id, :version, :status, :customer, :payment_method, :attempt_id, :authentication_id, :document);

-- bursar.setup_intents.repository.UPDATE
UPDATE setup_intents SET version=:new_version, status=:new_status, customer=:new_customer, payment_method=:new_payment_method, attempt_id=:new_attempt, authentication_id=:new_authentication, document=:new_document WHERE setup_intents.org_id = :o AND setup_intents.livemode = :m AND setup_intents.id = :i AND setup_intents.version = :expected_version;

-- bursar.setup_intents.repository._FIND
SELECT setup_intents.version, setup_intents.attempt_id, setup_intents.authentication_id, setup_intents.document
FROM setup_intents
WHERE setup_intents.org_id = :o AND setup_intents.livemode = :m AND setup_intents.id = :i;

-- bursar.store.search_index.INSERT_TERM
INSERT INTO search_terms (org_id, livemode, time_slice, term, object_id) VALUES (:org_id, :livemode, :time_slice, :term, :object_id);

-- bursar.store.search_index.DELETE_TERM
DELETE FROM search_terms WHERE search_terms.org_id = :o AND search_terms.livemode = :m AND search_terms.time_slice = :s AND search_terms.term = :t AND search_terms.object_id = :i;

-- bursar.three_d_secure.repository.INSERT
INSERT INTO authentications (org_id, livemode, id, subject_id, secret, state, bank_reference, return_url) VALUES (:org_id, :livemode, :id, :subject_id, :secret, :state, :bank_reference, :return_url);

-- bursar.three_d_secure.repository.DECIDE
UPDATE authentications SET state=:new_state WHERE authentications.org_id = :o AND authentications.livemode = :m AND authentications.id = :i AND authentications.state = :state_1;

-- bursar.three_d_secure.repository._FIND
SELECT authentications.org_id, authentications.livemode, authentications.id, authentications.subject_id, authentications.secret, authentications.state, authentications.bank_reference, authentications.return_url
FROM authentications
WHERE authentications.org_id = :o AND authentications.livemode = :m AND authentications.id = :i;

-- bursar.vault.repository.INSERT_CARD
INSERT INTO vault_cards (org_id, livemode, id, key_version, sealed) VALUES (:org_id, :livemode, :id, :key_version, :sealed);

-- bursar.vault.repository.INSERT_KEY
INSERT INTO data_keys (org_id, livemode, version, wrapped, kek_id, created, state) VALUES (:org_id, :livemode, :version, :wrapped, :kek_id, :created, :state);

-- bursar.vault.repository.DELETE_CARD
DELETE FROM vault_cards WHERE vault_cards.org_id = :o AND vault_cards.livemode = :m AND vault_cards.id = :i;

-- bursar.vault.repository.RESEAL_CARD
UPDATE vault_cards SET key_version=:new_key_version, sealed=:new_sealed WHERE vault_cards.org_id = :o AND vault_cards.livemode = :m AND vault_cards.id = :i AND vault_cards.key_version = :expected_key_version AND vault_cards.sealed = :expected_sealed;

-- bursar.vault.repository.REWRAP_KEY
UPDATE data_keys SET wrapped=:new_wrapped, kek_id=:new_kek_id WHERE data_keys.org_id = :o AND data_keys.livemode = :m AND data_keys.version = :v AND data_keys.wrapped = :expected_wrapped;

-- bursar.vault.repository.SET_KEY_STATE
UPDATE data_keys SET state=:new_state WHERE data_keys.org_id = :o AND data_keys.livemode = :m AND data_keys.version = :v AND data_keys.state = :expected_state;

-- bursar.vault.repository.MARK_LEAVING
UPDATE data_keys SET state=:state WHERE data_keys.state = :state_1;

-- bursar.vault.repository._FIND_CARD
SELECT vault_cards.id, vault_cards.key_version, vault_cards.sealed
FROM vault_cards
WHERE vault_cards.org_id = :o AND vault_cards.livemode = :m AND vault_cards.id = :i;

-- bursar.vault.repository._FIND_KEYS
SELECT data_keys.org_id, data_keys.livemode, data_keys.version, data_keys.wrapped, data_keys.kek_id, data_keys.created, data_keys.state
FROM data_keys
WHERE data_keys.org_id = :o AND data_keys.livemode = :m ORDER BY data_keys.version;
