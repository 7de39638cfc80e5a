CREATE TABLE api_keys (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    kind VARCHAR2(20 CHAR) NOT NULL,
    name VARCHAR2(200 CHAR) NOT NULL,
    key_hash VARCHAR2(64 CHAR) NOT NULL,
    hint VARCHAR2(24 CHAR) NOT NULL,
    permissions CLOB NOT NULL,
    created NUMBER(19) NOT NULL,
    expires NUMBER(19),
    revoked NUMBER(19),
    CONSTRAINT pk_api_keys PRIMARY KEY (org_id, id)
);

CREATE INDEX ix_api_keys_hash ON api_keys (key_hash);

CREATE TABLE attempts (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    kind VARCHAR2(12 CHAR) NOT NULL,
    subject_id VARCHAR2(40 CHAR) NOT NULL,
    state VARCHAR2(12 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    fence INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_look NUMBER(19),
    bank_reference VARCHAR2(100 CHAR),
    order_document CLOB NOT NULL,
    outcome_document CLOB,
    CONSTRAINT pk_attempts PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_attempts_next_look ON attempts (next_look, org_id);

CREATE TABLE authentications (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    subject_id VARCHAR2(40 CHAR) NOT NULL,
    secret VARCHAR2(64 CHAR) NOT NULL,
    state VARCHAR2(12 CHAR) NOT NULL,
    bank_reference VARCHAR2(100 CHAR) NOT NULL,
    return_url CLOB,
    CONSTRAINT pk_authentications PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE balance_snapshots (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    account VARCHAR2(80 CHAR) NOT NULL,
    through_id VARCHAR2(40 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    CONSTRAINT pk_balance_snapshots PRIMARY KEY (org_id, livemode, account)
);

CREATE TABLE balance_transactions (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    source_id VARCHAR2(40 CHAR) NOT NULL,
    transaction_type VARCHAR2(40 CHAR) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    fee_minor NUMBER(19) NOT NULL,
    net_minor NUMBER(19) NOT NULL,
    available_on NUMBER(19) NOT NULL,
    created NUMBER(19) NOT NULL,
    payout_id VARCHAR2(40 CHAR),
    document CLOB NOT NULL,
    CONSTRAINT pk_balance_transactions PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_balance_transactions_source ON balance_transactions (org_id, livemode, source_id, id);

CREATE TABLE bank_events (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    connector VARCHAR2(40 CHAR) NOT NULL,
    event_id VARCHAR2(100 CHAR) NOT NULL,
    kind VARCHAR2(40 CHAR) NOT NULL,
    state VARCHAR2(12 CHAR) NOT NULL,
    received NUMBER(19) NOT NULL,
    note CLOB,
    document CLOB NOT NULL,
    CONSTRAINT pk_bank_events PRIMARY KEY (org_id, livemode, connector, event_id)
);

CREATE TABLE capture_deadlines (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    payment_intent VARCHAR2(40 CHAR) NOT NULL,
    due NUMBER(19) NOT NULL,
    CONSTRAINT pk_capture_deadlines PRIMARY KEY (org_id, livemode, payment_intent)
);

CREATE INDEX ix_capture_deadlines_due ON capture_deadlines (due);

CREATE TABLE charges (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    payment_intent VARCHAR2(40 CHAR) NOT NULL,
    customer VARCHAR2(40 CHAR),
    status VARCHAR2(12 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    captured_minor NUMBER(19) NOT NULL,
    refunded_minor NUMBER(19) NOT NULL,
    disputed_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    connector VARCHAR2(40 CHAR) NOT NULL,
    bank_reference VARCHAR2(100 CHAR),
    attempt_id VARCHAR2(40 CHAR) NOT NULL,
    increments INTEGER NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_charges PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_charges_customer ON charges (org_id, livemode, customer, id);

CREATE INDEX ix_charges_payment_intent ON charges (org_id, livemode, payment_intent, id);

CREATE TABLE customer_methods (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    customer_id VARCHAR2(40 CHAR) NOT NULL,
    method_id VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_customer_methods PRIMARY KEY (org_id, livemode, customer_id, method_id)
);

CREATE TABLE customers (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    email VARCHAR2(512 CHAR),
    email_folded VARCHAR2(256 CHAR),
    name_folded VARCHAR2(256 CHAR),
    phone_folded VARCHAR2(256 CHAR),
    document CLOB NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE data_keys (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    version INTEGER NOT NULL,
    wrapped VARCHAR2(80 CHAR) NOT NULL,
    kek_id VARCHAR2(16 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    state VARCHAR2(10 CHAR) NOT NULL,
    CONSTRAINT pk_data_keys PRIMARY KEY (org_id, livemode, version)
);

CREATE TABLE deleted_customers (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_deleted_customers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE disputes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    charge VARCHAR2(40 CHAR) NOT NULL,
    payment_intent VARCHAR2(40 CHAR) NOT NULL,
    status VARCHAR2(24 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    withdrawn_minor NUMBER(19) NOT NULL,
    fee_minor NUMBER(19) NOT NULL,
    connector VARCHAR2(40 CHAR) NOT NULL,
    bank_reference VARCHAR2(100 CHAR) NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_disputes PRIMARY KEY (org_id, livemode, id)
);

CREATE UNIQUE INDEX ix_disputes_bank_reference ON disputes (org_id, livemode, connector, bank_reference);

CREATE INDEX ix_disputes_charge ON disputes (org_id, livemode, charge, id);

CREATE INDEX ix_disputes_payment_intent ON disputes (org_id, livemode, payment_intent, id);

CREATE TABLE event_heads (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    lane INTEGER NOT NULL,
    sequence_number NUMBER(19) NOT NULL,
    event_id VARCHAR2(40 CHAR) NOT NULL,
    row_hash VARCHAR2(64 CHAR) NOT NULL,
    CONSTRAINT pk_event_heads PRIMARY KEY (org_id, livemode, lane)
);

CREATE TABLE events (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    lane INTEGER NOT NULL,
    sequence_number NUMBER(19) NOT NULL,
    event_type VARCHAR2(80 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    object_id VARCHAR2(40 CHAR),
    actor VARCHAR2(60 CHAR) NOT NULL,
    address VARCHAR2(64 CHAR),
    request_id VARCHAR2(40 CHAR),
    idempotency_key VARCHAR2(255 CHAR),
    api_version VARCHAR2(40 CHAR) NOT NULL,
    data CLOB NOT NULL,
    row_hash VARCHAR2(64 CHAR) NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_events_type ON events (org_id, livemode, event_type, id);

CREATE TABLE idempotency_keys (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    idempotency_key VARCHAR2(255 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    fingerprint VARCHAR2(64 CHAR) NOT NULL,
    request_id VARCHAR2(40 CHAR) NOT NULL,
    status INTEGER NOT NULL,
    body CLOB NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (org_id, livemode, idempotency_key)
);

CREATE INDEX ix_idempotency_keys_created ON idempotency_keys (org_id, created);

CREATE TABLE ledger_holds (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    operation_id VARCHAR2(40 CHAR),
    currency VARCHAR2(3 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    resolution VARCHAR2(20 CHAR),
    CONSTRAINT pk_ledger_holds PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE ledger_postings (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    account VARCHAR2(80 CHAR) NOT NULL,
    transaction_id VARCHAR2(40 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    operation_id VARCHAR2(40 CHAR),
    hold_id VARCHAR2(40 CHAR),
    CONSTRAINT pk_ledger_postings PRIMARY KEY (org_id, livemode, account, transaction_id)
);

CREATE TABLE ledger_releases (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    version INTEGER NOT NULL,
    open_day INTEGER NOT NULL,
    CONSTRAINT pk_ledger_releases PRIMARY KEY (org_id, livemode)
);

CREATE TABLE organisations (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    name VARCHAR2(200 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (org_id)
);

CREATE TABLE payment_intents (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR2(24 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    customer VARCHAR2(40 CHAR),
    attempt_id VARCHAR2(40 CHAR),
    authentication_id VARCHAR2(40 CHAR),
    document CLOB NOT NULL,
    CONSTRAINT pk_payment_intents PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_payment_intents_customer ON payment_intents (org_id, livemode, customer, id);

CREATE TABLE payment_methods (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    state VARCHAR2(10 CHAR) NOT NULL,
    allow_redisplay VARCHAR2(12 CHAR) NOT NULL,
    agreed SMALLINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_payment_methods PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE refunds (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    charge VARCHAR2(40 CHAR) NOT NULL,
    payment_intent VARCHAR2(40 CHAR) NOT NULL,
    status VARCHAR2(16 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    attempt_id VARCHAR2(40 CHAR) NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_refunds PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_refunds_charge ON refunds (org_id, livemode, charge, id);

CREATE INDEX ix_refunds_payment_intent ON refunds (org_id, livemode, payment_intent, id);

CREATE TABLE search_terms (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    time_slice INTEGER NOT NULL,
    term VARCHAR2(32 CHAR) NOT NULL,
    object_id VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (org_id, livemode, time_slice, term, object_id)
);

CREATE TABLE setup_intents (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR2(24 CHAR) NOT NULL,
    customer VARCHAR2(40 CHAR),
    payment_method VARCHAR2(40 CHAR),
    attempt_id VARCHAR2(40 CHAR),
    authentication_id VARCHAR2(40 CHAR),
    document CLOB NOT NULL,
    CONSTRAINT pk_setup_intents PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_setup_intents_customer ON setup_intents (org_id, livemode, customer, id);

CREATE INDEX ix_setup_intents_method ON setup_intents (org_id, livemode, payment_method, id);

CREATE TABLE tokens (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    used SMALLINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE vault_cards (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    key_version INTEGER NOT NULL,
    sealed VARCHAR2(64 CHAR) NOT NULL,
    CONSTRAINT pk_vault_cards PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE writer_lanes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    lane INTEGER NOT NULL,
    holder VARCHAR2(80 CHAR) NOT NULL,
    leased_until NUMBER(19) NOT NULL,
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
SELECT attempts.org_id, attempts.livemode, attempts.id, attempts.kind, attempts.subject_id, attempts.state, attempts.amount_minor, attempts.currency, attempts.fence, attempts.tries, attempts.next_look, attempts.bank_reference, attempts.order_document, attempts.outcome_document
FROM attempts
WHERE attempts.next_look <= :now ORDER BY attempts.next_look
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._INTENTS
SELECT payment_intents.id, payment_intents.status, payment_intents.amount_minor, payment_intents.currency, payment_intents.attempt_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id > :after ORDER BY payment_intents.org_id, payment_intents.livemode, payment_intents.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._SETUPS
SELECT setup_intents.id, setup_intents.status, setup_intents.attempt_id, setup_intents.document
FROM setup_intents
WHERE setup_intents.org_id = :o AND setup_intents.livemode = :m AND setup_intents.id > :after ORDER BY setup_intents.org_id, setup_intents.livemode, setup_intents.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._CHARGES
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id > :after ORDER BY charges.org_id, charges.livemode, charges.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._REFUNDS
SELECT refunds.org_id, refunds.livemode, refunds.id, refunds.version, refunds.charge, refunds.payment_intent, refunds.status, refunds.amount_minor, refunds.currency, refunds.attempt_id, refunds.document
FROM refunds
WHERE refunds.org_id = :o AND refunds.livemode = :m AND refunds.id > :after ORDER BY refunds.org_id, refunds.livemode, refunds.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._DISPUTES
SELECT disputes.org_id, disputes.livemode, disputes.id, disputes.version, disputes.charge, disputes.payment_intent, disputes.status, disputes.amount_minor, disputes.currency, disputes.withdrawn_minor, disputes.fee_minor, disputes.connector, disputes.bank_reference, disputes.document
FROM disputes
WHERE disputes.org_id = :o AND disputes.livemode = :m AND disputes.id > :after ORDER BY disputes.org_id, disputes.livemode, disputes.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._ATTEMPTS
SELECT attempts.org_id, attempts.livemode, attempts.id, attempts.kind, attempts.subject_id, attempts.state, attempts.amount_minor, attempts.currency, attempts.fence, attempts.tries, attempts.next_look, attempts.bank_reference, attempts.order_document, attempts.outcome_document
FROM attempts
WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id > :after ORDER BY attempts.org_id, attempts.livemode, attempts.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._TRANSACTIONS
SELECT balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type
FROM balance_transactions
WHERE balance_transactions.org_id = :o AND balance_transactions.livemode = :m AND balance_transactions.id > :after ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._EVENTS
SELECT events.id, events.event_type, events.object_id, events.data
FROM events
WHERE events.org_id = :o AND events.livemode = :m AND events.id > :after ORDER BY events.org_id, events.livemode, events.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._POSTINGS
SELECT ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id, ledger_postings.amount_minor, ledger_postings.currency, ledger_postings.created, ledger_postings.operation_id, ledger_postings.hold_id
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account = :a AND ledger_postings.transaction_id > :after ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id
 FETCH FIRST :rows ROWS ONLY;

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
SELECT bank_events.org_id, bank_events.livemode, bank_events.connector, bank_events.event_id, bank_events.kind, bank_events.state, bank_events.received, bank_events.note, bank_events.document
FROM bank_events
WHERE bank_events.state = :state_1 ORDER BY bank_events.received DESC
 FETCH FIRST :rows ROWS ONLY;

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
SELECT ledger_postings.account
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account > :a ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY;

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
FROM (SELECT ledger_postings.transaction_id AS transaction_id, ledger_postings.amount_minor AS amount_minor
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account = :a AND ledger_postings.transaction_id > :after AND ledger_postings.transaction_id < :before ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY) anon_1;

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
SELECT ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id, ledger_postings.amount_minor, ledger_postings.currency, ledger_postings.created, ledger_postings.operation_id, ledger_postings.hold_id
FROM ledger_postings
WHERE ledger_postings.org_id = :o AND ledger_postings.livemode = :m AND ledger_postings.account = :a AND ledger_postings.transaction_id > :after ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.ledger.verification._PAGE_OF_TRANSACTIONS
SELECT balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type, balance_transactions.currency, balance_transactions.amount_minor, balance_transactions.fee_minor, balance_transactions.net_minor, balance_transactions.available_on, balance_transactions.created, balance_transactions.payout_id, balance_transactions.document
FROM balance_transactions
WHERE balance_transactions.org_id = :o AND balance_transactions.livemode = :m AND balance_transactions.id > :after ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.ledger.verification._PAGE_OF_HOLDS
SELECT ledger_holds.org_id, ledger_holds.livemode, ledger_holds.id, ledger_holds.operation_id, ledger_holds.currency, ledger_holds.amount_minor, ledger_holds.resolution
FROM ledger_holds
WHERE ledger_holds.org_id = :o AND ledger_holds.livemode = :m AND ledger_holds.id > :after ORDER BY ledger_holds.org_id, ledger_holds.livemode, ledger_holds.id
 FETCH FIRST :rows ROWS ONLY;

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
SELECT capture_deadlines.org_id, capture_deadlines.livemode, capture_deadlines.payment_intent, capture_deadlines.due
FROM capture_deadlines
WHERE capture_deadlines.due <= :now ORDER BY capture_deadlines.due
 FETCH FIRST :rows ROWS ONLY;

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
