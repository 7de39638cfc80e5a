CREATE TABLE announced_settlements (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    connector VARCHAR2(40 CHAR) NOT NULL,
    account VARCHAR2(100 CHAR) NOT NULL,
    settlement_id VARCHAR2(100 CHAR) NOT NULL,
    announced NUMBER(19) NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_announced_settlements PRIMARY KEY (org_id, livemode, connector, account, settlement_id)
);

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
    version INTEGER DEFAULT '1' NOT NULL,
    addresses CLOB,
    last_used NUMBER(19),
    last_used_address VARCHAR2(64 CHAR),
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
    wallet VARCHAR2(40 CHAR),
    CONSTRAINT pk_balance_transactions PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_balance_transactions_source ON balance_transactions (org_id, livemode, source_id, id);

CREATE INDEX ix_balance_transactions_wallet ON balance_transactions (org_id, livemode, wallet, id);

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
    wallet VARCHAR2(40 CHAR),
    CONSTRAINT pk_charges PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_charges_customer ON charges (org_id, livemode, customer, id);

CREATE INDEX ix_charges_payment_intent ON charges (org_id, livemode, payment_intent, id);

CREATE TABLE code_factors (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    channel VARCHAR2(8 CHAR) NOT NULL,
    recipient VARCHAR2(254 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    CONSTRAINT pk_code_factors PRIMARY KEY (org_id, user_id, channel)
);

CREATE TABLE contracts (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    acquirer VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR2(12 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    ended NUMBER(19),
    CONSTRAINT pk_contracts PRIMARY KEY (org_id, livemode, acquirer)
);

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

CREATE TABLE identities (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    provider_id VARCHAR2(40 CHAR) NOT NULL,
    subject_hash VARCHAR2(64 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    seen NUMBER(19) NOT NULL,
    CONSTRAINT pk_identities PRIMARY KEY (org_id, provider_id, subject_hash)
);

CREATE TABLE incoming_webhook_events (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    connector VARCHAR2(40 CHAR) NOT NULL,
    account VARCHAR2(100 CHAR) NOT NULL,
    event_id VARCHAR2(100 CHAR) NOT NULL,
    webhook_id VARCHAR2(40 CHAR),
    kind VARCHAR2(40 CHAR) NOT NULL,
    state VARCHAR2(12 CHAR) NOT NULL,
    received NUMBER(19) NOT NULL,
    note CLOB,
    CONSTRAINT pk_incoming_webhook_events PRIMARY KEY (org_id, livemode, connector, account, event_id)
);

CREATE TABLE incoming_webhooks (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    connector VARCHAR2(40 CHAR) NOT NULL,
    account VARCHAR2(100 CHAR) NOT NULL,
    state VARCHAR2(14 CHAR) NOT NULL,
    kind VARCHAR2(40 CHAR),
    received NUMBER(19) NOT NULL,
    next_at NUMBER(19),
    tries INTEGER NOT NULL,
    finished NUMBER(19),
    reason CLOB,
    sender VARCHAR2(64 CHAR),
    request_id VARCHAR2(40 CHAR),
    named VARCHAR2(130 CHAR),
    body_length INTEGER NOT NULL,
    body_digest VARCHAR2(64 CHAR) NOT NULL,
    is_exact SMALLINT NOT NULL,
    headers_document CLOB,
    body_text CLOB,
    events_document CLOB NOT NULL,
    CONSTRAINT pk_incoming_webhooks PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_incoming_webhooks_due ON incoming_webhooks (state, next_at);

CREATE INDEX ix_incoming_webhooks_state ON incoming_webhooks (org_id, livemode, state, id);

CREATE TABLE invitations (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    email VARCHAR2(254 CHAR) NOT NULL,
    role VARCHAR2(40 CHAR) NOT NULL,
    state VARCHAR2(20 CHAR) NOT NULL,
    round INTEGER NOT NULL,
    invited_by VARCHAR2(60 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    expires NUMBER(19) NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (org_id, id)
);

CREATE INDEX ix_invitations_state ON invitations (org_id, state, id);

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

CREATE TABLE log_cursors (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    lane INTEGER NOT NULL,
    reader VARCHAR2(60 CHAR) NOT NULL,
    event_id VARCHAR2(40 CHAR) NOT NULL,
    sequence_number NUMBER(19) NOT NULL,
    CONSTRAINT pk_log_cursors PRIMARY KEY (org_id, livemode, lane, reader)
);

CREATE TABLE member_organisations (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    organisation VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_member_organisations PRIMARY KEY (org_id, user_id, organisation)
);

CREATE TABLE member_rosters (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    version NUMBER(19) NOT NULL,
    owners INTEGER NOT NULL,
    second_factor_required SMALLINT NOT NULL,
    CONSTRAINT pk_member_rosters PRIMARY KEY (org_id)
);

CREATE TABLE memberships (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    role VARCHAR2(40 CHAR) NOT NULL,
    invited_by VARCHAR2(60 CHAR),
    created NUMBER(19) NOT NULL,
    CONSTRAINT pk_memberships PRIMARY KEY (org_id, user_id)
);

CREATE TABLE notification_brandings (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    document CLOB NOT NULL,
    version NUMBER(19) NOT NULL,
    CONSTRAINT pk_notification_brandings PRIMARY KEY (org_id)
);

CREATE TABLE notification_messages (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    event_id VARCHAR2(40 CHAR) NOT NULL,
    channel VARCHAR2(10 CHAR) NOT NULL,
    template VARCHAR2(40 CHAR) NOT NULL,
    language VARCHAR2(10 CHAR) NOT NULL,
    recipient VARCHAR2(254 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR),
    data CLOB NOT NULL,
    sealed CLOB,
    state VARCHAR2(24 CHAR) NOT NULL,
    tries INTEGER NOT NULL,
    next_at NUMBER(19) NOT NULL,
    problem VARCHAR2(300 CHAR),
    created NUMBER(19) NOT NULL,
    expires NUMBER(19) NOT NULL,
    finished NUMBER(19),
    CONSTRAINT pk_notification_messages PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_notification_messages_due ON notification_messages (state, next_at);

CREATE TABLE notification_preferences (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    document CLOB NOT NULL,
    version NUMBER(19) NOT NULL,
    CONSTRAINT pk_notification_preferences PRIMARY KEY (org_id, user_id)
);

CREATE TABLE notification_targets (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    document CLOB NOT NULL,
    sealed CLOB NOT NULL,
    CONSTRAINT pk_notification_targets PRIMARY KEY (org_id, id)
);

CREATE TABLE one_time_tokens (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    token_hash VARCHAR2(64 CHAR) NOT NULL,
    purpose VARCHAR2(40 CHAR) NOT NULL,
    subject CLOB NOT NULL,
    created NUMBER(19) NOT NULL,
    expires NUMBER(19) NOT NULL,
    used NUMBER(19),
    CONSTRAINT pk_one_time_tokens PRIMARY KEY (org_id, token_hash)
);

CREATE INDEX ix_one_time_tokens_expires ON one_time_tokens (org_id, expires);

CREATE TABLE organisation_codes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    code VARCHAR2(20 CHAR) NOT NULL,
    organisation VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_organisation_codes PRIMARY KEY (org_id, code)
);

CREATE TABLE organisation_terms (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_organisation_terms PRIMARY KEY (org_id)
);

CREATE TABLE organisations (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    name VARCHAR2(200 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    name_folded VARCHAR2(400 CHAR) DEFAULT '?' NOT NULL,
    code VARCHAR2(20 CHAR) DEFAULT '?' NOT NULL,
    category VARCHAR2(60 CHAR) DEFAULT 'general' NOT NULL,
    country VARCHAR2(2 CHAR),
    currency VARCHAR2(3 CHAR) DEFAULT 'usd' NOT NULL,
    suspended NUMBER(19),
    CONSTRAINT pk_organisations PRIMARY KEY (org_id)
);

CREATE TABLE own_roles (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_own_roles PRIMARY KEY (org_id, id)
);

CREATE TABLE passkeys (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    credential_hash VARCHAR2(64 CHAR) NOT NULL,
    credential_id CLOB NOT NULL,
    public_key CLOB NOT NULL,
    sign_count NUMBER(19) NOT NULL,
    name VARCHAR2(100 CHAR) NOT NULL,
    transports CLOB NOT NULL,
    backed_up SMALLINT NOT NULL,
    created NUMBER(19) NOT NULL,
    last_used NUMBER(19),
    CONSTRAINT pk_passkeys PRIMARY KEY (org_id, user_id, id),
    CONSTRAINT uq_passkeys_credential UNIQUE (org_id, credential_hash)
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
    wallet VARCHAR2(40 CHAR),
    service_fee_minor NUMBER(19),
    transaction_id VARCHAR2(40 CHAR),
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

CREATE TABLE payment_sessions (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR2(12 CHAR) NOT NULL,
    secret_hash VARCHAR2(64 CHAR) NOT NULL,
    wallet_id VARCHAR2(40 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    service_fee_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    expires NUMBER(19) NOT NULL,
    due NUMBER(19),
    tries INTEGER NOT NULL,
    payment_intent VARCHAR2(40 CHAR),
    transaction_id VARCHAR2(40 CHAR) NOT NULL,
    paid_by VARCHAR2(40 CHAR),
    answer CLOB,
    document CLOB NOT NULL,
    CONSTRAINT pk_payment_sessions PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_payment_sessions_due ON payment_sessions (due);

CREATE TABLE recovery_codes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    version NUMBER(19) NOT NULL,
    hashes CLOB NOT NULL,
    created NUMBER(19) NOT NULL,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (org_id, user_id)
);

CREATE TABLE refresh_tokens (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    token_hash VARCHAR2(64 CHAR) NOT NULL,
    session_id VARCHAR2(40 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    expires NUMBER(19) NOT NULL,
    used NUMBER(19),
    CONSTRAINT pk_refresh_tokens PRIMARY KEY (org_id, token_hash)
);

CREATE INDEX ix_refresh_tokens_expires ON refresh_tokens (org_id, expires);

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

CREATE TABLE running_processes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    command VARCHAR2(20 CHAR) NOT NULL,
    host VARCHAR2(60 CHAR) NOT NULL,
    process_number INTEGER NOT NULL,
    program_version VARCHAR2(40 CHAR) NOT NULL,
    roles VARCHAR2(400 CHAR) NOT NULL,
    started NUMBER(19) NOT NULL,
    seen NUMBER(19) NOT NULL,
    CONSTRAINT pk_running_processes PRIMARY KEY (org_id, id)
);

CREATE TABLE search_terms (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    time_slice INTEGER NOT NULL,
    term VARCHAR2(32 CHAR) NOT NULL,
    object_id VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (org_id, livemode, time_slice, term, object_id)
);

CREATE TABLE sent_codes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    purpose VARCHAR2(16 CHAR) NOT NULL,
    channel VARCHAR2(8 CHAR) NOT NULL,
    recipient VARCHAR2(254 CHAR) NOT NULL,
    code_hash VARCHAR2(64 CHAR) NOT NULL,
    tries INTEGER NOT NULL,
    created NUMBER(19) NOT NULL,
    expires NUMBER(19) NOT NULL,
    CONSTRAINT pk_sent_codes PRIMARY KEY (org_id, user_id, purpose)
);

CREATE INDEX ix_sent_codes_expires ON sent_codes (org_id, expires);

CREATE TABLE sessions (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    organisation VARCHAR2(40 CHAR),
    methods VARCHAR2(200 CHAR) NOT NULL,
    cookie_hash VARCHAR2(64 CHAR),
    remembered SMALLINT NOT NULL,
    created NUMBER(19) NOT NULL,
    proved_at NUMBER(19) NOT NULL,
    seen NUMBER(19) NOT NULL,
    expires NUMBER(19) NOT NULL,
    ended NUMBER(19),
    address VARCHAR2(64 CHAR),
    user_agent VARCHAR2(300 CHAR),
    CONSTRAINT pk_sessions PRIMARY KEY (org_id, id)
);

CREATE INDEX ix_sessions_cookie ON sessions (org_id, cookie_hash);

CREATE INDEX ix_sessions_expires ON sessions (org_id, expires);

CREATE INDEX ix_sessions_user ON sessions (org_id, user_id, id);

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

CREATE TABLE sign_in_failures (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    subject_hash VARCHAR2(64 CHAR) NOT NULL,
    failures INTEGER NOT NULL,
    changed NUMBER(19) NOT NULL,
    locked_until NUMBER(19) NOT NULL,
    version NUMBER(19) NOT NULL,
    CONSTRAINT pk_sign_in_failures PRIMARY KEY (org_id, subject_hash)
);

CREATE INDEX ix_sign_in_failures_changed ON sign_in_failures (org_id, changed);

CREATE TABLE sign_in_places (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    place_hash VARCHAR2(64 CHAR) NOT NULL,
    seen NUMBER(19) NOT NULL,
    CONSTRAINT pk_sign_in_places PRIMARY KEY (org_id, user_id, place_hash)
);

CREATE INDEX ix_sign_in_places_seen ON sign_in_places (org_id, seen);

CREATE TABLE sign_in_providers (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    sealed_secret CLOB,
    document CLOB NOT NULL,
    created NUMBER(19) NOT NULL,
    CONSTRAINT pk_sign_in_providers PRIMARY KEY (org_id, id)
);

CREATE TABLE signing_keys (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    key_number INTEGER NOT NULL,
    kid VARCHAR2(64 CHAR) NOT NULL,
    sealed CLOB NOT NULL,
    created NUMBER(19) NOT NULL,
    signs_from NUMBER(19) NOT NULL,
    CONSTRAINT pk_signing_keys PRIMARY KEY (org_id, key_number)
);

CREATE TABLE spent_challenges (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    challenge_hash VARCHAR2(64 CHAR) NOT NULL,
    expires NUMBER(19) NOT NULL,
    CONSTRAINT pk_spent_challenges PRIMARY KEY (org_id, challenge_hash)
);

CREATE INDEX ix_spent_challenges_expires ON spent_challenges (org_id, expires);

CREATE TABLE stream_states (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    state VARCHAR2(12 CHAR) NOT NULL,
    reason VARCHAR2(40 CHAR),
    detail CLOB,
    since NUMBER(19) NOT NULL,
    retry_at NUMBER(19),
    published NUMBER(19) NOT NULL,
    referenced NUMBER(19) NOT NULL,
    last_event_id VARCHAR2(40 CHAR),
    last_published_at NUMBER(19),
    CONSTRAINT pk_stream_states PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE streams (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    is_paused SMALLINT NOT NULL,
    credentials_sealed CLOB,
    document CLOB NOT NULL,
    CONSTRAINT pk_streams PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE tokens (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    used SMALLINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE totp_secrets (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    user_id VARCHAR2(40 CHAR) NOT NULL,
    sealed CLOB NOT NULL,
    created NUMBER(19) NOT NULL,
    confirmed NUMBER(19),
    last_step NUMBER(19) NOT NULL,
    CONSTRAINT pk_totp_secrets PRIMARY KEY (org_id, user_id)
);

CREATE TABLE transactions (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    code VARCHAR2(20 CHAR) NOT NULL,
    direction VARCHAR2(6 CHAR) NOT NULL,
    state VARCHAR2(20 CHAR) NOT NULL,
    method VARCHAR2(20 CHAR),
    amount_minor NUMBER(19) NOT NULL,
    service_fee_minor NUMBER(19) NOT NULL,
    refunded_minor NUMBER(19) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    wallet_id VARCHAR2(40 CHAR) NOT NULL,
    session_id VARCHAR2(40 CHAR),
    payment_intent VARCHAR2(40 CHAR),
    wallet_payment VARCHAR2(40 CHAR),
    customer VARCHAR2(40 CHAR),
    reason VARCHAR2(60 CHAR),
    document CLOB NOT NULL,
    CONSTRAINT pk_transactions PRIMARY KEY (org_id, livemode, id),
    CONSTRAINT uq_transactions_code UNIQUE (org_id, livemode, code)
);

CREATE INDEX ix_transactions_wallet ON transactions (org_id, livemode, wallet_id, id);

CREATE TABLE users (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    email VARCHAR2(254 CHAR) NOT NULL,
    name VARCHAR2(200 CHAR) NOT NULL,
    password_hash VARCHAR2(255 CHAR),
    email_verified SMALLINT NOT NULL,
    platform_admin SMALLINT NOT NULL,
    disabled SMALLINT NOT NULL,
    locale VARCHAR2(35 CHAR),
    created NUMBER(19) NOT NULL,
    version NUMBER(19) NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (org_id, id),
    CONSTRAINT uq_users_org_id_email UNIQUE (org_id, email)
);

CREATE TABLE vault_cards (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    key_version INTEGER NOT NULL,
    sealed VARCHAR2(64 CHAR) NOT NULL,
    CONSTRAINT pk_vault_cards PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE wallet_codes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    code VARCHAR2(11 CHAR) NOT NULL,
    wallet_org_id VARCHAR2(40 CHAR) NOT NULL,
    wallet_livemode SMALLINT NOT NULL,
    wallet_id VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_wallet_codes PRIMARY KEY (org_id, code)
);

CREATE TABLE wallet_payments (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    side VARCHAR2(5 CHAR) NOT NULL,
    wallet_id VARCHAR2(40 CHAR) NOT NULL,
    source_id VARCHAR2(40 CHAR) NOT NULL,
    other_org_id VARCHAR2(40 CHAR) NOT NULL,
    other_wallet_id VARCHAR2(40 CHAR) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    total_minor NUMBER(19) NOT NULL,
    service_fee_minor NUMBER(19) NOT NULL,
    refunded_minor NUMBER(19) NOT NULL,
    CONSTRAINT pk_wallet_payments PRIMARY KEY (org_id, livemode, id, side)
);

CREATE TABLE wallet_pins (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    wallet_id VARCHAR2(40 CHAR) NOT NULL,
    pin_hash VARCHAR2(200 CHAR) NOT NULL,
    tries INTEGER NOT NULL,
    pauses INTEGER NOT NULL,
    paused_until NUMBER(19) NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_wallet_pins PRIMARY KEY (org_id, livemode, wallet_id)
);

CREATE TABLE wallet_transfers (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    from_wallet_id VARCHAR2(40 CHAR) NOT NULL,
    to_wallet_id VARCHAR2(40 CHAR) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_wallet_transfers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE wallets (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    code VARCHAR2(11 CHAR) NOT NULL,
    name VARCHAR2(100 CHAR) NOT NULL,
    currency VARCHAR2(3 CHAR),
    ledger_name VARCHAR2(40 CHAR) NOT NULL,
    closed SMALLINT NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_wallets PRIMARY KEY (org_id, livemode, id),
    CONSTRAINT uq_wallets_ledger_name UNIQUE (org_id, livemode, ledger_name)
);

CREATE TABLE webhook_attempts (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    endpoint_id VARCHAR2(40 CHAR) NOT NULL,
    event_id VARCHAR2(40 CHAR) NOT NULL,
    "number" INTEGER NOT NULL,
    started NUMBER(19) NOT NULL,
    latency_milliseconds INTEGER NOT NULL,
    status_code INTEGER,
    error VARCHAR2(40 CHAR),
    answer CLOB,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (org_id, livemode, endpoint_id, event_id, "number")
);

CREATE TABLE webhook_counters (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    sequence_number NUMBER(19) NOT NULL,
    CONSTRAINT pk_webhook_counters PRIMARY KEY (org_id, livemode)
);

CREATE TABLE webhook_deliveries (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    endpoint_id VARCHAR2(40 CHAR) NOT NULL,
    event_id VARCHAR2(40 CHAR) NOT NULL,
    status VARCHAR2(12 CHAR) NOT NULL,
    event_type VARCHAR2(80 CHAR) NOT NULL,
    sequence_number NUMBER(19),
    pending_webhooks INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    tries_before INTEGER NOT NULL,
    next_at NUMBER(19) NOT NULL,
    finished_at NUMBER(19),
    last_status_code INTEGER,
    last_error VARCHAR2(40 CHAR),
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (org_id, livemode, endpoint_id, event_id)
);

CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (org_id, livemode, endpoint_id, status, next_at, event_id);

CREATE TABLE webhook_endpoints (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR2(12 CHAR) NOT NULL,
    is_paused SMALLINT NOT NULL,
    wakes INTEGER NOT NULL,
    failing_since NUMBER(19),
    disabled_reason VARCHAR2(40 CHAR),
    disabled_at NUMBER(19),
    secret_sealed CLOB NOT NULL,
    previous_secret_sealed CLOB,
    previous_secret_until NUMBER(19),
    begins_behind CLOB NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE withdrawals (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    wallet_id VARCHAR2(40 CHAR) NOT NULL,
    ledger_name VARCHAR2(40 CHAR) NOT NULL,
    status VARCHAR2(20 CHAR) NOT NULL,
    currency VARCHAR2(3 CHAR) NOT NULL,
    amount_minor NUMBER(19) NOT NULL,
    version INTEGER NOT NULL,
    destination_sealed CLOB NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_withdrawals PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE work_leases (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    name VARCHAR2(80 CHAR) NOT NULL,
    holder VARCHAR2(80 CHAR) NOT NULL,
    until NUMBER(19) NOT NULL,
    CONSTRAINT pk_work_leases PRIMARY KEY (org_id, name)
);

CREATE TABLE writer_lanes (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    lane INTEGER NOT NULL,
    holder VARCHAR2(80 CHAR) NOT NULL,
    leased_until NUMBER(19) NOT NULL,
    CONSTRAINT pk_writer_lanes PRIMARY KEY (org_id, lane)
);

-- bursar.accounts.repository.INSERT_ORGANISATION
INSERT INTO organisations (org_id, name, created, version, name_folded, code, category, country, currency, suspended) VALUES (:org_id, :name, :created, :version, :name_folded, :code, :category, :country, :currency, :suspended);

-- bursar.accounts.repository.INSERT_CODE
INSERT INTO organisation_codes (org_id, code, organisation) VALUES (:org_id, :code, :organisation);

-- bursar.accounts.repository.UPDATE_ORGANISATION
UPDATE organisations SET name=:new_name, version=:new_version, name_folded=:new_name_folded, category=:new_category, country=:new_country, currency=:new_currency, suspended=:new_suspended WHERE organisations.org_id = :o AND organisations.version = :expected_version;

-- bursar.accounts.repository.INSERT_KEY
INSERT INTO api_keys (org_id, id, livemode, kind, name, key_hash, hint, permissions, created, expires, revoked, version, addresses, last_used, last_used_address) VALUES (:org_id, :id, :livemode, :kind, :name, :key_hash, :hint, :permissions, :created, :expires, :revoked, :version, :addresses, :last_used, :last_used_address);

-- bursar.accounts.repository.UPDATE_KEY
UPDATE api_keys SET name=:new_name, permissions=:new_permissions, expires=:new_expires, revoked=:new_revoked, version=:new_version, addresses=:new_addresses WHERE api_keys.org_id = :o AND api_keys.id = :i AND api_keys.version = :expected_version AND api_keys.revoked IS NULL;

-- bursar.accounts.repository.SET_USED
UPDATE api_keys SET last_used=:at, last_used_address=:address WHERE api_keys.org_id = :o AND api_keys.id = :i AND (api_keys.last_used IS NULL OR api_keys.last_used < :at);

-- bursar.accounts.roles.INSERT
INSERT INTO own_roles (org_id, id, version, document) VALUES (:org_id, :id, :version, :document);

-- bursar.accounts.roles.UPDATE
UPDATE own_roles SET version=:new_version, document=:new_document WHERE own_roles.org_id = :o AND own_roles.id = :i AND own_roles.version = :expected_version;

-- bursar.accounts.roles.DELETE
DELETE FROM own_roles WHERE own_roles.org_id = :o AND own_roles.id = :i AND own_roles.version = :expected_version;

-- bursar.accounts.roles._FIND
SELECT own_roles.version, own_roles.document
FROM own_roles
WHERE own_roles.org_id = :o AND own_roles.id = :i;

-- bursar.accounts.terms.INSERT
INSERT INTO organisation_terms (org_id, version, document) VALUES (:org_id, :version, :document);

-- bursar.accounts.terms.UPDATE
UPDATE organisation_terms SET version=:new_version, document=:new_document WHERE organisation_terms.org_id = :o AND organisation_terms.version = :expected_version;

-- bursar.accounts.terms._FIND
SELECT organisation_terms.version, organisation_terms.document
FROM organisation_terms
WHERE organisation_terms.org_id = :o;

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

-- bursar.attempts.repository.GIVE_UP
UPDATE attempts SET state=:state, fence=(attempts.fence + :fence_1), tries=:tries, next_look=:new_look WHERE attempts.org_id = :o AND attempts.livemode = :m AND attempts.id = :i AND attempts.fence = :held_fence AND attempts.next_look IS NOT NULL AND attempts.state = :state_1;

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
SELECT payment_intents.id, payment_intents.status, payment_intents.amount_minor, payment_intents.currency, payment_intents.attempt_id, payment_intents.document, payment_intents.wallet, payment_intents.service_fee_minor
FROM payment_intents
WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id > :after ORDER BY payment_intents.org_id, payment_intents.livemode, payment_intents.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._SETUPS
SELECT setup_intents.id, setup_intents.status, setup_intents.attempt_id, setup_intents.document
FROM setup_intents
WHERE setup_intents.org_id = :o AND setup_intents.livemode = :m AND setup_intents.id > :after ORDER BY setup_intents.org_id, setup_intents.livemode, setup_intents.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._CHARGES
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
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
SELECT balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type, balance_transactions.currency, balance_transactions.amount_minor, balance_transactions.fee_minor, balance_transactions.wallet
FROM balance_transactions
WHERE balance_transactions.org_id = :o AND balance_transactions.livemode = :m AND balance_transactions.id > :after ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._TRANSFERS
SELECT wallet_transfers.org_id, wallet_transfers.livemode, wallet_transfers.id, wallet_transfers.from_wallet_id, wallet_transfers.to_wallet_id, wallet_transfers.currency, wallet_transfers.amount_minor, wallet_transfers.document
FROM wallet_transfers
WHERE wallet_transfers.org_id = :o AND wallet_transfers.livemode = :m AND wallet_transfers.id > :after ORDER BY wallet_transfers.org_id, wallet_transfers.livemode, wallet_transfers.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._WITHDRAWALS
SELECT withdrawals.org_id, withdrawals.livemode, withdrawals.id, withdrawals.wallet_id, withdrawals.ledger_name, withdrawals.status, withdrawals.currency, withdrawals.amount_minor, withdrawals.version, withdrawals.destination_sealed, withdrawals.document
FROM withdrawals
WHERE withdrawals.org_id = :o AND withdrawals.livemode = :m AND withdrawals.id > :after ORDER BY withdrawals.org_id, withdrawals.livemode, withdrawals.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._WALLET_PAYMENTS
SELECT wallet_payments.org_id, wallet_payments.livemode, wallet_payments.id, wallet_payments.side, wallet_payments.wallet_id, wallet_payments.source_id, wallet_payments.other_org_id, wallet_payments.other_wallet_id, wallet_payments.currency, wallet_payments.total_minor, wallet_payments.service_fee_minor, wallet_payments.refunded_minor
FROM wallet_payments
WHERE wallet_payments.org_id = :o AND wallet_payments.livemode = :m AND wallet_payments.id > :after AND wallet_payments.side = :side ORDER BY wallet_payments.org_id, wallet_payments.livemode, wallet_payments.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.books.repository._LEDGER_NAMES
SELECT wallets.id, wallets.ledger_name
FROM wallets
WHERE wallets.org_id = :o AND wallets.livemode = :m;

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

-- bursar.contracts.repository.INSERT
INSERT INTO contracts (org_id, livemode, acquirer, version, status, created, ended) VALUES (:org_id, :livemode, :acquirer, :version, :status, :created, :ended);

-- bursar.contracts.repository.UPDATE
UPDATE contracts SET version=(contracts.version + :version_1), status=:new_status, ended=:new_ended WHERE contracts.org_id = :o AND contracts.livemode = :m AND contracts.acquirer = :a AND contracts.status = :expected_status;

-- bursar.contracts.repository._OF_ORGANISATION
SELECT contracts.org_id, contracts.livemode, contracts.acquirer, contracts.version, contracts.status, contracts.created, contracts.ended
FROM contracts
WHERE contracts.org_id = :o AND contracts.livemode = :m ORDER BY contracts.acquirer;

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

-- bursar.events.leases.INSERT
INSERT INTO work_leases (org_id, name, holder, until) VALUES (:org_id, :name, :holder, :until);

-- bursar.events.leases.TAKE
UPDATE work_leases SET holder=:new_holder, until=:new_until WHERE work_leases.org_id = :org_id_1 AND work_leases.name = :n AND work_leases.holder = :expected_holder AND work_leases.until = :expected_until;

-- bursar.events.leases._FIND
SELECT work_leases.holder, work_leases.until
FROM work_leases
WHERE work_leases.org_id = :org_id_1 AND work_leases.name = :n;

-- bursar.events.leases._FIND_GROUP
SELECT work_leases.name, work_leases.holder
FROM work_leases
WHERE work_leases.org_id = :org_id_1 AND work_leases.name > :low AND work_leases.name < :high AND work_leases.until > :now;

-- bursar.events.reader.INSERT_CURSOR
INSERT INTO log_cursors (org_id, livemode, lane, reader, event_id, sequence_number) VALUES (:org_id, :livemode, :lane, :reader, :event_id, :sequence_number);

-- bursar.events.reader.MOVE_CURSOR
UPDATE log_cursors SET event_id=:new_event, sequence_number=:new_number WHERE log_cursors.org_id = :o AND log_cursors.livemode = :m AND log_cursors.lane = :l AND log_cursors.reader = :r AND log_cursors.event_id = :expected_event;

-- bursar.events.reader._FIND_CURSORS
SELECT log_cursors.lane, log_cursors.event_id
FROM log_cursors
WHERE log_cursors.org_id = :o AND log_cursors.livemode = :m AND log_cursors.reader = :r;

-- bursar.events.repository._FIND
SELECT events.id, events.lane, events.livemode, events.event_type, events.created, events.request_id, events.idempotency_key, events.api_version, events.data
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

-- bursar.federation.repository.INSERT
INSERT INTO sign_in_providers (org_id, id, version, sealed_secret, document, created) VALUES (:org_id, :id, :version, :sealed_secret, :document, :created);

-- bursar.federation.repository.UPDATE
UPDATE sign_in_providers SET version=:new_version, sealed_secret=:new_secret, document=:new_document WHERE sign_in_providers.org_id = :o AND sign_in_providers.id = :i AND sign_in_providers.version = :expected_version;

-- bursar.federation.repository.DELETE
DELETE FROM sign_in_providers WHERE sign_in_providers.org_id = :o AND sign_in_providers.id = :i AND sign_in_providers.version = :expected_version;

-- bursar.federation.repository.INSERT_IDENTITY
INSERT INTO identities (org_id, provider_id, subject_hash, user_id, created, seen) VALUES (:org_id, :provider_id, :subject_hash, :user_id, :created, :seen);

-- bursar.federation.repository.SEEN
UPDATE identities SET seen=:now WHERE identities.org_id = :o AND identities.provider_id = :p AND identities.subject_hash = :s;

-- bursar.federation.repository.FORGET
DELETE FROM identities WHERE identities.org_id = :o AND identities.provider_id = :p;

-- bursar.federation.repository._FIND_USER
SELECT identities.user_id
FROM identities
WHERE identities.org_id = :o AND identities.provider_id = :p AND identities.subject_hash = :s;

-- bursar.federation.repository._ALL
SELECT sign_in_providers.org_id, sign_in_providers.id, sign_in_providers.version, sign_in_providers.sealed_secret, sign_in_providers.document, sign_in_providers.created
FROM sign_in_providers
WHERE sign_in_providers.org_id = :org_id_1 ORDER BY sign_in_providers.id;

-- bursar.hooks.repository.INSERT
INSERT INTO incoming_webhooks (org_id, livemode, id, connector, account, state, kind, received, next_at, tries, finished, reason, sender, request_id, named, body_length, body_digest, is_exact, headers_document, body_text, events_document) VALUES (:org_id, :livemode, :id, :connector, :account, :state, :kind, :received, :next_at, :tries, :finished, :reason, :sender, :request_id, :named, :body_length, :body_digest, :is_exact, :headers_document, :body_text, :events_document);

-- bursar.hooks.repository.INSERT_EVENT
INSERT INTO incoming_webhook_events (org_id, livemode, connector, account, event_id, webhook_id, kind, state, received, note) VALUES (:org_id, :livemode, :connector, :account, :event_id, :webhook_id, :kind, :state, :received, :note);

-- bursar.hooks.repository.INSERT_SETTLEMENT
INSERT INTO announced_settlements (org_id, livemode, connector, account, settlement_id, announced, document) VALUES (:org_id, :livemode, :connector, :account, :settlement_id, :announced, :document);

-- bursar.hooks.repository.CLAIM
UPDATE incoming_webhooks SET next_at=:new_next_at WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id = :i AND incoming_webhooks.next_at = :held_until;

-- bursar.hooks.repository.END
UPDATE incoming_webhooks SET state=:new_state, next_at=:new_next_at, tries=(incoming_webhooks.tries + :tries_1), finished=:new_finished, reason=:new_reason WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id = :i AND incoming_webhooks.next_at = :held_until;

-- bursar.hooks.repository.PROCESS_AGAIN
UPDATE incoming_webhooks SET state=:state, kind=:new_kind, next_at=:new_next_at, tries=:tries, finished=:finished, events_document=:new_events WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id = :i AND incoming_webhooks.state = :expected_state AND incoming_webhooks.tries = :expected_tries;

-- bursar.hooks.repository.FORGET_BODY
UPDATE incoming_webhooks SET is_exact=:is_exact, headers_document=:headers_document, body_text=:body_text WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id = :i;

-- bursar.hooks.repository.DELETE
DELETE FROM incoming_webhooks WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id = :i;

-- bursar.hooks.repository._FIND
SELECT incoming_webhooks.org_id, incoming_webhooks.livemode, incoming_webhooks.id, incoming_webhooks.connector, incoming_webhooks.account, incoming_webhooks.state, incoming_webhooks.kind, incoming_webhooks.received, incoming_webhooks.next_at, incoming_webhooks.tries, incoming_webhooks.finished, incoming_webhooks.reason, incoming_webhooks.sender, incoming_webhooks.request_id, incoming_webhooks.named, incoming_webhooks.body_length, incoming_webhooks.body_digest, incoming_webhooks.is_exact, incoming_webhooks.headers_document, incoming_webhooks.body_text, incoming_webhooks.events_document
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id = :i;

-- bursar.hooks.repository._DUE
SELECT incoming_webhooks.org_id, incoming_webhooks.livemode, incoming_webhooks.id, incoming_webhooks.connector, incoming_webhooks.account, incoming_webhooks.state, incoming_webhooks.kind, incoming_webhooks.received, incoming_webhooks.next_at, incoming_webhooks.tries, incoming_webhooks.finished, incoming_webhooks.reason, incoming_webhooks.sender, incoming_webhooks.request_id, incoming_webhooks.named, incoming_webhooks.body_length, incoming_webhooks.body_digest, incoming_webhooks.is_exact, incoming_webhooks.headers_document, incoming_webhooks.body_text, incoming_webhooks.events_document
FROM incoming_webhooks
WHERE incoming_webhooks.state = :s AND incoming_webhooks.next_at <= :now ORDER BY incoming_webhooks.next_at
 FETCH FIRST :rows ROWS ONLY;

-- bursar.hooks.repository._FIND_EVENT
SELECT incoming_webhook_events.org_id, incoming_webhook_events.livemode, incoming_webhook_events.connector, incoming_webhook_events.account, incoming_webhook_events.event_id, incoming_webhook_events.webhook_id, incoming_webhook_events.kind, incoming_webhook_events.state, incoming_webhook_events.received, incoming_webhook_events.note
FROM incoming_webhook_events
WHERE incoming_webhook_events.org_id = :o AND incoming_webhook_events.livemode = :m AND incoming_webhook_events.connector = :c AND incoming_webhook_events.account = :a AND incoming_webhook_events.event_id = :e;

-- bursar.hooks.repository.FORGET_CONTRADICTED
DELETE FROM incoming_webhook_events WHERE incoming_webhook_events.org_id = :o AND incoming_webhook_events.livemode = :m AND incoming_webhook_events.connector = :c AND incoming_webhook_events.account = :a AND incoming_webhook_events.event_id = :e AND incoming_webhook_events.webhook_id = :i AND incoming_webhook_events.state = :state_1;

-- bursar.hooks.repository._FIND_SETTLEMENT
SELECT announced_settlements.document
FROM announced_settlements
WHERE announced_settlements.org_id = :o AND announced_settlements.livemode = :m AND announced_settlements.connector = :c AND announced_settlements.account = :a AND announced_settlements.settlement_id = :s;

-- bursar.hooks.repository._WAITING
SELECT incoming_webhooks.named, incoming_webhooks.events_document
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.state = :state_1;

-- bursar.hooks.repository._WITH_BODIES
SELECT incoming_webhooks.id
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id < :before AND incoming_webhooks.next_at IS NULL AND incoming_webhooks.headers_document IS NOT NULL ORDER BY incoming_webhooks.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.hooks.repository._OLD
SELECT incoming_webhooks.id
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id < :before AND incoming_webhooks.next_at IS NULL ORDER BY incoming_webhooks.id
 FETCH FIRST :rows ROWS ONLY;

-- bursar.hooks.repository._OLD_OF_STATE
SELECT incoming_webhooks.id
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = :o AND incoming_webhooks.livemode = :m AND incoming_webhooks.id < :before AND incoming_webhooks.next_at IS NULL AND incoming_webhooks.state = :s ORDER BY incoming_webhooks.id
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
INSERT INTO balance_transactions (org_id, livemode, id, source_id, transaction_type, currency, amount_minor, fee_minor, net_minor, available_on, created, payout_id, document, wallet) VALUES (:org_id, :livemode, :id, :source_id, :transaction_type, :currency, :amount_minor, :fee_minor, :net_minor, :available_on, :created, :payout_id, :document, :wallet);

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
SELECT balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type, balance_transactions.currency, balance_transactions.amount_minor, balance_transactions.fee_minor, balance_transactions.net_minor, balance_transactions.available_on, balance_transactions.created, balance_transactions.payout_id, balance_transactions.document, balance_transactions.wallet
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

-- bursar.memberships.repository.INSERT_ROSTER
INSERT INTO member_rosters (org_id, version, owners, second_factor_required) VALUES (:org_id, :version, :owners, :second_factor_required);

-- bursar.memberships.repository.MOVE_ROSTER
UPDATE member_rosters SET version=:new_version, owners=:new_owners, second_factor_required=:new_required WHERE member_rosters.org_id = :o AND member_rosters.version = :expected_version;

-- bursar.memberships.repository._FIND_ROSTER
SELECT member_rosters.org_id, member_rosters.version, member_rosters.owners, member_rosters.second_factor_required
FROM member_rosters
WHERE member_rosters.org_id = :o;

-- bursar.memberships.repository.INSERT_MEMBER
INSERT INTO memberships (org_id, user_id, role, invited_by, created) VALUES (:org_id, :user_id, :role, :invited_by, :created);

-- bursar.memberships.repository.SET_ROLE
UPDATE memberships SET role=:new_role WHERE memberships.org_id = :o AND memberships.user_id = :u;

-- bursar.memberships.repository.DELETE_MEMBER
DELETE FROM memberships WHERE memberships.org_id = :o AND memberships.user_id = :u;

-- bursar.memberships.repository._FIND_MEMBER
SELECT memberships.org_id, memberships.user_id, memberships.role, memberships.invited_by, memberships.created
FROM memberships
WHERE memberships.org_id = :o AND memberships.user_id = :u;

-- bursar.memberships.repository._COUNT_MEMBERS
SELECT count(*) AS count_1
FROM memberships
WHERE memberships.org_id = :o;

-- bursar.memberships.repository._HAS_ROLE
SELECT memberships.user_id
FROM memberships
WHERE memberships.org_id = :o AND memberships.role = :r
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY;

-- bursar.memberships.repository.INSERT_DIRECTORY
INSERT INTO member_organisations (org_id, user_id, organisation) VALUES (:org_id, :user_id, :organisation);

-- bursar.memberships.repository.DELETE_DIRECTORY
DELETE FROM member_organisations WHERE member_organisations.org_id = :org_id_1 AND member_organisations.user_id = :u AND member_organisations.organisation = :g;

-- bursar.memberships.repository._ORGANISATIONS_OF
SELECT member_organisations.organisation
FROM member_organisations
WHERE member_organisations.org_id = :org_id_1 AND member_organisations.user_id = :u ORDER BY member_organisations.organisation;

-- bursar.memberships.repository.INSERT_INVITATION
INSERT INTO invitations (org_id, id, email, role, state, round, invited_by, created, expires) VALUES (:org_id, :id, :email, :role, :state, :round, :invited_by, :created, :expires);

-- bursar.memberships.repository.SET_STATE
UPDATE invitations SET state=:new_state WHERE invitations.org_id = :o AND invitations.id = :i AND invitations.state = :state_1;

-- bursar.memberships.repository.RENEW
UPDATE invitations SET round=:new_round, expires=:new_expires WHERE invitations.org_id = :o AND invitations.id = :i AND invitations.state = :state_1 AND invitations.round = :expected_round;

-- bursar.memberships.repository._FIND_INVITATION
SELECT invitations.org_id, invitations.id, invitations.email, invitations.role, invitations.state, invitations.round, invitations.invited_by, invitations.created, invitations.expires
FROM invitations
WHERE invitations.org_id = :o AND invitations.id = :i;

-- bursar.memberships.repository._PENDING_FOR
SELECT invitations.org_id, invitations.id, invitations.email, invitations.role, invitations.state, invitations.round, invitations.invited_by, invitations.created, invitations.expires
FROM invitations
WHERE invitations.org_id = :o AND invitations.state = :state_1 AND invitations.email = :e;

-- bursar.memberships.repository._COUNT_PENDING
SELECT count(*) AS count_1
FROM invitations
WHERE invitations.org_id = :o AND invitations.state = :state_1 AND invitations.expires > :now;

-- bursar.memberships.repository._INVITED_TO
SELECT invitations.id
FROM invitations
WHERE invitations.org_id = :o AND invitations.state = :state_1 AND invitations.role = :r
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY;

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

-- bursar.notifications.repository.INSERT_MESSAGE
INSERT INTO notification_messages (org_id, livemode, id, event_id, channel, template, language, recipient, user_id, data, sealed, state, tries, next_at, problem, created, expires, finished) VALUES (:org_id, :livemode, :id, :event_id, :channel, :template, :language, :recipient, :user_id, :data, :sealed, :state, :tries, :next_at, :problem, :created, :expires, :finished);

-- bursar.notifications.repository.CLAIM
UPDATE notification_messages SET state=:state, tries=:new_tries, next_at=:new_next WHERE notification_messages.org_id = :o AND notification_messages.livemode = :m AND notification_messages.id = :i AND notification_messages.state = :expected_state AND notification_messages.tries = :expected_tries;

-- bursar.notifications.repository.SETTLE
UPDATE notification_messages SET sealed=:new_sealed, state=:new_state, next_at=:new_next, problem=:new_problem, finished=:new_finished WHERE notification_messages.org_id = :o AND notification_messages.livemode = :m AND notification_messages.id = :i AND notification_messages.state = :state_1 AND notification_messages.tries = :expected_tries;

-- bursar.notifications.repository.PARK
UPDATE notification_messages SET state=:state, next_at=notification_messages.expires WHERE notification_messages.org_id = :o AND notification_messages.livemode = :m AND notification_messages.id = :i AND notification_messages.state = :state_1 AND notification_messages.tries = :expected_tries;

-- bursar.notifications.repository.REVIVE
UPDATE notification_messages SET state=:state, next_at=:new_next WHERE notification_messages.state = :state_1 AND notification_messages.channel != :but;

-- bursar.notifications.repository.GATHER
UPDATE notification_messages SET state=:state, next_at=:new_next, finished=:new_finished WHERE notification_messages.org_id = :o AND notification_messages.livemode = :m AND notification_messages.id = :i AND notification_messages.state = :state_1;

-- bursar.notifications.repository.FORGET
DELETE FROM notification_messages WHERE notification_messages.org_id = :o AND notification_messages.livemode = :m AND notification_messages.id = :i AND notification_messages.state = :expected_state;

-- bursar.notifications.repository._FIND
SELECT notification_messages.org_id, notification_messages.livemode, notification_messages.id, notification_messages.event_id, notification_messages.channel, notification_messages.template, notification_messages.language, notification_messages.recipient, notification_messages.user_id, notification_messages.data, notification_messages.sealed, notification_messages.state, notification_messages.tries, notification_messages.next_at, notification_messages.problem, notification_messages.created, notification_messages.expires, notification_messages.finished
FROM notification_messages
WHERE notification_messages.org_id = :o AND notification_messages.livemode = :m AND notification_messages.id = :i;

-- bursar.notifications.repository._DUE
SELECT notification_messages.org_id, notification_messages.livemode, notification_messages.id, notification_messages.event_id, notification_messages.channel, notification_messages.template, notification_messages.language, notification_messages.recipient, notification_messages.user_id, notification_messages.data, notification_messages.sealed, notification_messages.state, notification_messages.tries, notification_messages.next_at, notification_messages.problem, notification_messages.created, notification_messages.expires, notification_messages.finished
FROM notification_messages
WHERE notification_messages.state = :s AND notification_messages.next_at <= :now ORDER BY notification_messages.state, notification_messages.next_at;

-- bursar.notifications.repository.INSERT_BRANDING
INSERT INTO notification_brandings (org_id, document, version) VALUES (:org_id, :document, :version);

-- bursar.notifications.repository.UPDATE_BRANDING
UPDATE notification_brandings SET document=:new_document, version=:new_version WHERE notification_brandings.org_id = :o AND notification_brandings.version = :v;

-- bursar.notifications.repository._FIND_BRANDING
SELECT notification_brandings.org_id, notification_brandings.document, notification_brandings.version
FROM notification_brandings
WHERE notification_brandings.org_id = :o;

-- bursar.notifications.repository.INSERT_PREFERENCES
INSERT INTO notification_preferences (org_id, user_id, document, version) VALUES (:org_id, :user_id, :document, :version);

-- bursar.notifications.repository.UPDATE_PREFERENCES
UPDATE notification_preferences SET document=:new_document, version=:new_version WHERE notification_preferences.org_id = :o AND notification_preferences.user_id = :u AND notification_preferences.version = :v;

-- bursar.notifications.repository._FIND_PREFERENCES
SELECT notification_preferences.org_id, notification_preferences.user_id, notification_preferences.document, notification_preferences.version
FROM notification_preferences
WHERE notification_preferences.org_id = :o AND notification_preferences.user_id = :u;

-- bursar.notifications.repository._PREFERENCES_OF_ORGANISATION
SELECT notification_preferences.user_id, notification_preferences.document
FROM notification_preferences
WHERE notification_preferences.org_id = :o;

-- bursar.notifications.repository.INSERT_TARGET
INSERT INTO notification_targets (org_id, id, document, sealed) VALUES (:org_id, :id, :document, :sealed);

-- bursar.notifications.repository.DELETE_TARGET
DELETE FROM notification_targets WHERE notification_targets.org_id = :o AND notification_targets.id = :i;

-- bursar.notifications.repository._FIND_TARGET
SELECT notification_targets.org_id, notification_targets.id, notification_targets.document, notification_targets.sealed
FROM notification_targets
WHERE notification_targets.org_id = :o AND notification_targets.id = :i;

-- bursar.notifications.repository._TARGETS
SELECT notification_targets.org_id, notification_targets.id, notification_targets.document, notification_targets.sealed
FROM notification_targets
WHERE notification_targets.org_id = :o ORDER BY notification_targets.id;

-- bursar.notifications.repository._MEMBERS
SELECT users.id, users.email, users.name, users.locale, memberships.role
FROM memberships JOIN users ON memberships.user_id = users.id
WHERE memberships.org_id = :o AND users.org_id = :org_id_1 AND users.disabled = :disabled_1 ORDER BY memberships.user_id
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY;

-- bursar.payment_sessions.repository.INSERT
INSERT INTO payment_sessions (org_id, livemode, id, version, status, secret_hash, wallet_id, amount_minor, service_fee_minor, currency, expires, due, tries, payment_intent, transaction_id, paid_by, answer, document) VALUES (:org_id, :livemode, :id, :version, :status, :secret_hash, :wallet_id, :amount_minor, :service_fee_minor, :currency, :expires, :due, :tries, :payment_intent, :transaction_id, :paid_by, :answer, :document);

-- bursar.payment_sessions.repository.UPDATE
UPDATE payment_sessions SET version=:new_version, status=:new_status, due=:new_due, tries=:new_tries, payment_intent=:new_intent, paid_by=:new_payer, answer=:new_answer WHERE payment_sessions.org_id = :o AND payment_sessions.livemode = :m AND payment_sessions.id = :i AND payment_sessions.version = :expected_version;

-- bursar.payment_sessions.repository.COUNT_TRY
UPDATE payment_sessions SET version=(payment_sessions.version + :version_1), tries=(payment_sessions.tries + :tries_1) WHERE payment_sessions.org_id = :o AND payment_sessions.livemode = :m AND payment_sessions.id = :i;

-- bursar.payment_sessions.repository._FIND
SELECT payment_sessions.org_id, payment_sessions.livemode, payment_sessions.id, payment_sessions.version, payment_sessions.status, payment_sessions.secret_hash, payment_sessions.wallet_id, payment_sessions.amount_minor, payment_sessions.service_fee_minor, payment_sessions.currency, payment_sessions.expires, payment_sessions.due, payment_sessions.tries, payment_sessions.payment_intent, payment_sessions.transaction_id, payment_sessions.paid_by, payment_sessions.answer, payment_sessions.document
FROM payment_sessions
WHERE payment_sessions.org_id = :o AND payment_sessions.livemode = :m AND payment_sessions.id = :i;

-- bursar.payment_sessions.repository._DUE
SELECT payment_sessions.org_id, payment_sessions.livemode, payment_sessions.id, payment_sessions.version, payment_sessions.status, payment_sessions.secret_hash, payment_sessions.wallet_id, payment_sessions.amount_minor, payment_sessions.service_fee_minor, payment_sessions.currency, payment_sessions.expires, payment_sessions.due, payment_sessions.tries, payment_sessions.payment_intent, payment_sessions.transaction_id, payment_sessions.paid_by, payment_sessions.answer, payment_sessions.document
FROM payment_sessions
WHERE payment_sessions.due <= :now ORDER BY payment_sessions.due
 FETCH FIRST :rows ROWS ONLY;

-- bursar.payment_sessions.transaction_repository.INSERT
INSERT INTO transactions (org_id, livemode, id, version, code, direction, state, method, amount_minor, service_fee_minor, refunded_minor, currency, wallet_id, session_id, payment_intent, wallet_payment, customer, reason, document) VALUES (:org_id, :livemode, :id, :version, :code, :direction, :state, :method, :amount_minor, :service_fee_minor, :refunded_minor, :currency, :wallet_id, :session_id, :payment_intent, :wallet_payment, :customer, :reason, :document);

-- bursar.payment_sessions.transaction_repository.UPDATE
UPDATE transactions SET version=:new_version, state=:new_state, method=:new_method, refunded_minor=:new_refunded, payment_intent=:new_intent, wallet_payment=:new_wallet_payment, reason=:new_reason, document=:new_document WHERE transactions.org_id = :o AND transactions.livemode = :m AND transactions.id = :i AND transactions.version = :expected_version;

-- bursar.payment_sessions.transaction_repository._FIND
SELECT transactions.org_id, transactions.livemode, transactions.id, transactions.version, transactions.code, transactions.direction, transactions.state, transactions.method, transactions.amount_minor, transactions.service_fee_minor, transactions.refunded_minor, transactions.currency, transactions.wallet_id, transactions.session_id, transactions.payment_intent, transactions.wallet_payment, transactions.customer, transactions.reason, transactions.document
FROM transactions
WHERE transactions.org_id = :o AND transactions.livemode = :m AND transactions.id = :i;

-- bursar.payment_sessions.transaction_repository._FIND_BY_CODE
SELECT transactions.org_id, transactions.livemode, transactions.id, transactions.version, transactions.code, transactions.direction, transactions.state, transactions.method, transactions.amount_minor, transactions.service_fee_minor, transactions.refunded_minor, transactions.currency, transactions.wallet_id, transactions.session_id, transactions.payment_intent, transactions.wallet_payment, transactions.customer, transactions.reason, transactions.document
FROM transactions
WHERE transactions.org_id = :o AND transactions.livemode = :m AND transactions.code = :c;

-- bursar.payment_sessions.transaction_repository._FIND_MANY
SELECT transactions.org_id, transactions.livemode, transactions.id, transactions.version, transactions.code, transactions.direction, transactions.state, transactions.method, transactions.amount_minor, transactions.service_fee_minor, transactions.refunded_minor, transactions.currency, transactions.wallet_id, transactions.session_id, transactions.payment_intent, transactions.wallet_payment, transactions.customer, transactions.reason, transactions.document
FROM transactions
WHERE transactions.org_id = :o AND transactions.livemode = :m AND transactions.id IN (__[POSTCOMPILE_ids]);

-- bursar.payments.charge_repository.INSERT
INSERT INTO charges (org_id, livemode, id, version, payment_intent, customer, status, amount_minor, captured_minor, refunded_minor, disputed_minor, currency, connector, bank_reference, attempt_id, increments, document, wallet) VALUES (:org_id, :livemode, :id, :version, :payment_intent, :customer, :status, :amount_minor, :captured_minor, :refunded_minor, :disputed_minor, :currency, :connector, :bank_reference, :attempt_id, :increments, :document, :wallet);

-- bursar.payments.charge_repository.UPDATE
UPDATE charges SET version=:new_version, customer=:new_customer, status=:new_status, amount_minor=:new_amount, captured_minor=:new_captured, refunded_minor=:new_refunded, disputed_minor=:new_disputed, increments=:new_increments, document=:new_document WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id = :i AND charges.version = :expected_version;

-- bursar.payments.charge_repository.RESERVE_REFUND
UPDATE charges SET version=(charges.version + :version_1), refunded_minor=(charges.refunded_minor + :reserved) WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id = :i AND charges.disputed_minor = :disputed_minor_1 AND charges.captured_minor - charges.refunded_minor >= :reserved;

-- bursar.payments.charge_repository._FIND
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id = :i;

-- bursar.payments.charge_repository._FIND_OF_ATTEMPT
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.payment_intent = :i AND charges.attempt_id = :a;

-- bursar.payments.charge_repository._FIND_OF_BANK
SELECT charges.org_id, charges.livemode, charges.id, charges.version, charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.payment_intent = :i AND charges.bank_reference = :r AND charges.status = :status_1 ORDER BY charges.id DESC;

-- bursar.payments.repository.INSERT
INSERT INTO payment_intents (org_id, livemode, id, version, status, amount_minor, currency, customer, attempt_id, authentication_id, document, wallet, service_fee_minor, transaction_id) VALUES (:org_id, :livemode, :id, :version, :status, :amount_minor, :currency, :customer, :attempt_id, :authentication_id, :document, :wallet, :service_fee_minor, :transaction_id);

-- bursar.payments.repository.UPDATE
UPDATE payment_intents SET version=:new_version, status=:new_status, amount_minor=:new_amount, currency=:new_currency, customer=:new_customer, attempt_id=:new_attempt, authentication_id=:new_authentication, document=:new_document WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id = :i AND payment_intents.version = :expected_version;

-- bursar.payments.repository.INSERT_DEADLINE
INSERT INTO capture_deadlines (org_id, livemode, payment_intent, due) VALUES (:org_id, :livemode, :payment_intent, :due);

-- bursar.payments.repository.DELETE_DEADLINE
DELETE FROM capture_deadlines WHERE capture_deadlines.org_id = :o AND capture_deadlines.livemode = :m AND capture_deadlines.payment_intent = :i;

-- bursar.payments.repository.POSTPONE_DEADLINE
UPDATE capture_deadlines SET due=:new_due WHERE capture_deadlines.org_id = :o AND capture_deadlines.livemode = :m AND capture_deadlines.payment_intent = :i;

-- bursar.payments.repository._FIND
SELECT payment_intents.version, payment_intents.attempt_id, payment_intents.authentication_id, payment_intents.wallet, payment_intents.service_fee_minor, payment_intents.transaction_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id = :i;

-- bursar.payments.repository._DUE
SELECT capture_deadlines.org_id, capture_deadlines.livemode, capture_deadlines.payment_intent, capture_deadlines.due
FROM capture_deadlines
WHERE capture_deadlines.due <= :now ORDER BY capture_deadlines.due
 FETCH FIRST :rows ROWS ONLY;

-- bursar.people.keys.INSERT
INSERT INTO signing_keys (org_id, key_number, kid, sealed, created, signs_from) VALUES (:org_id, :key_number, :kid, :sealed, :created, :signs_from);

-- bursar.people.keys.DELETE
DELETE FROM signing_keys WHERE signing_keys.org_id = :o AND signing_keys.key_number = :n;

-- bursar.people.keys._ALL
SELECT signing_keys.org_id, signing_keys.key_number, signing_keys.kid, signing_keys.sealed, signing_keys.created, signing_keys.signs_from
FROM signing_keys
WHERE signing_keys.org_id = :org_id_1 ORDER BY signing_keys.key_number;

-- bursar.people.lockout.INSERT
INSERT INTO sign_in_failures (org_id, subject_hash, failures, changed, locked_until, version) VALUES (:org_id, :subject_hash, :failures, :changed, :locked_until, :version);

-- bursar.people.lockout.COUNT
UPDATE sign_in_failures SET failures=:new_failures, changed=:at, locked_until=:until, version=:new_version WHERE sign_in_failures.org_id = :o AND sign_in_failures.subject_hash = :s AND sign_in_failures.version = :expected_version;

-- bursar.people.lockout.GIVE_BACK
UPDATE sign_in_failures SET failures=(sign_in_failures.failures - :failures_1), locked_until=:open, version=(sign_in_failures.version + :version_1) WHERE sign_in_failures.org_id = :o AND sign_in_failures.subject_hash = :s AND sign_in_failures.failures > :failures_2;

-- bursar.people.lockout.FORGIVE
UPDATE sign_in_failures SET failures=:zero, locked_until=:open, version=(sign_in_failures.version + :version_1) WHERE sign_in_failures.org_id = :o AND sign_in_failures.subject_hash = :s;

-- bursar.people.lockout._FAILURES
SELECT sign_in_failures.org_id, sign_in_failures.subject_hash, sign_in_failures.failures, sign_in_failures.changed, sign_in_failures.locked_until, sign_in_failures.version
FROM sign_in_failures
WHERE sign_in_failures.org_id = :org_id_1 AND sign_in_failures.subject_hash IN (__[POSTCOMPILE_s]);

-- bursar.people.lockout.INSERT_PLACE
INSERT INTO sign_in_places (org_id, user_id, place_hash, seen) VALUES (:org_id, :user_id, :place_hash, :seen);

-- bursar.people.lockout.TOUCH_PLACE
UPDATE sign_in_places SET seen=:at WHERE sign_in_places.org_id = :o AND sign_in_places.user_id = :u AND sign_in_places.place_hash = :p;

-- bursar.people.lockout._PLACES
SELECT sign_in_places.place_hash
FROM sign_in_places
WHERE sign_in_places.org_id = :org_id_1 AND sign_in_places.user_id = :u AND sign_in_places.place_hash IN (__[POSTCOMPILE_p]) AND sign_in_places.seen > :since;

-- bursar.people.one_time.INSERT
INSERT INTO one_time_tokens (org_id, token_hash, purpose, subject, created, expires, used) VALUES (:org_id, :token_hash, :purpose, :subject, :created, :expires, :used);

-- bursar.people.one_time.USE
UPDATE one_time_tokens SET used=:at WHERE one_time_tokens.org_id = :o AND one_time_tokens.token_hash = :h AND one_time_tokens.used IS NULL;

-- bursar.people.one_time._FIND
SELECT one_time_tokens.org_id, one_time_tokens.token_hash, one_time_tokens.purpose, one_time_tokens.subject, one_time_tokens.created, one_time_tokens.expires, one_time_tokens.used
FROM one_time_tokens
WHERE one_time_tokens.org_id = :org_id_1 AND one_time_tokens.token_hash = :h;

-- bursar.people.repository.INSERT
INSERT INTO users (org_id, id, email, name, password_hash, email_verified, platform_admin, disabled, locale, created, version) VALUES (:org_id, :id, :email, :name, :password_hash, :email_verified, :platform_admin, :disabled, :locale, :created, :version);

-- bursar.people.repository.UPDATE
UPDATE users SET email=:new_email, name=:new_name, password_hash=:new_password_hash, email_verified=:new_email_verified, platform_admin=:new_platform_admin, disabled=:new_disabled, locale=:new_locale, version=:new_version WHERE users.org_id = :o AND users.id = :i AND users.version = :expected_version;

-- bursar.people.repository._FIND
SELECT users.org_id, users.id, users.email, users.name, users.password_hash, users.email_verified, users.platform_admin, users.disabled, users.locale, users.created, users.version
FROM users
WHERE users.org_id = :org_id_1 AND users.id = :i;

-- bursar.people.repository._FIND_BY_EMAIL
SELECT users.org_id, users.id, users.email, users.name, users.password_hash, users.email_verified, users.platform_admin, users.disabled, users.locale, users.created, users.version
FROM users
WHERE users.org_id = :org_id_1 AND users.email = :e;

-- bursar.people.session_repository.INSERT
INSERT INTO sessions (org_id, id, user_id, organisation, methods, cookie_hash, remembered, created, proved_at, seen, expires, ended, address, user_agent) VALUES (:org_id, :id, :user_id, :organisation, :methods, :cookie_hash, :remembered, :created, :proved_at, :seen, :expires, :ended, :address, :user_agent);

-- bursar.people.session_repository.END
UPDATE sessions SET ended=:at WHERE sessions.org_id = :o AND sessions.id = :i AND sessions.ended IS NULL;

-- bursar.people.session_repository.PROVE
UPDATE sessions SET methods=:new_methods, proved_at=:at WHERE sessions.org_id = :o AND sessions.id = :i AND sessions.ended IS NULL;

-- bursar.people.session_repository.TOUCH
UPDATE sessions SET seen=:at, expires=:until WHERE sessions.org_id = :o AND sessions.id = :i AND sessions.ended IS NULL;

-- bursar.people.session_repository.SWITCH
UPDATE sessions SET organisation=:new_organisation, cookie_hash=:new_cookie_hash WHERE sessions.org_id = :o AND sessions.id = :i AND sessions.ended IS NULL;

-- bursar.people.session_repository.INSERT_REFRESH
INSERT INTO refresh_tokens (org_id, token_hash, session_id, created, expires, used) VALUES (:org_id, :token_hash, :session_id, :created, :expires, :used);

-- bursar.people.session_repository.USE_REFRESH
UPDATE refresh_tokens SET used=:at WHERE refresh_tokens.org_id = :o AND refresh_tokens.token_hash = :h AND refresh_tokens.used IS NULL;

-- bursar.people.session_repository._FIND
SELECT sessions.org_id, sessions.id, sessions.user_id, sessions.organisation, sessions.methods, sessions.cookie_hash, sessions.remembered, sessions.created, sessions.proved_at, sessions.seen, sessions.expires, sessions.ended, sessions.address, sessions.user_agent
FROM sessions
WHERE sessions.org_id = :org_id_1 AND sessions.id = :i;

-- bursar.people.session_repository._FIND_BY_COOKIE
SELECT sessions.org_id, sessions.id, sessions.user_id, sessions.organisation, sessions.methods, sessions.cookie_hash, sessions.remembered, sessions.created, sessions.proved_at, sessions.seen, sessions.expires, sessions.ended, sessions.address, sessions.user_agent
FROM sessions
WHERE sessions.org_id = :org_id_1 AND sessions.cookie_hash = :h;

-- bursar.people.session_repository._LIVING
SELECT sessions.org_id, sessions.id, sessions.user_id, sessions.organisation, sessions.methods, sessions.cookie_hash, sessions.remembered, sessions.created, sessions.proved_at, sessions.seen, sessions.expires, sessions.ended, sessions.address, sessions.user_agent
FROM sessions
WHERE sessions.org_id = :org_id_1 AND sessions.user_id = :u AND sessions.ended IS NULL AND sessions.expires > :now ORDER BY sessions.id;

-- bursar.people.session_repository._FIND_REFRESH
SELECT refresh_tokens.org_id, refresh_tokens.token_hash, refresh_tokens.session_id, refresh_tokens.created, refresh_tokens.expires, refresh_tokens.used
FROM refresh_tokens
WHERE refresh_tokens.org_id = :org_id_1 AND refresh_tokens.token_hash = :h;

-- bursar.processes.repository._INSERT
INSERT INTO running_processes (org_id, id, command, host, process_number, program_version, roles, started, seen) VALUES (:org_id, :id, :command, :host, :process_number, :program_version, :roles, :started, :seen);

-- bursar.processes.repository._SEEN
UPDATE running_processes SET roles=:working_at, seen=:now WHERE running_processes.org_id = :o AND running_processes.id = :i;

-- bursar.processes.repository._DELETE
DELETE FROM running_processes WHERE running_processes.org_id = :o AND running_processes.id = :i;

-- bursar.processes.repository._ALIVE
SELECT running_processes.org_id, running_processes.id, running_processes.command, running_processes.host, running_processes.process_number, running_processes.program_version, running_processes.roles, running_processes.started, running_processes.seen
FROM running_processes
WHERE running_processes.org_id = :org_id_1 AND running_processes.seen >= :since ORDER BY running_processes.id
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY;

-- bursar.processes.repository._FORGOTTEN
SELECT running_processes.id
FROM running_processes
WHERE running_processes.org_id = :org_id_1 AND running_processes.seen < :before
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY;

-- bursar.refunds.repository.INSERT
INSERT INTO refunds (org_id, livemode, id, version, charge, payment_intent, status, amount_minor, currency, attempt_id, document) VALUES (:org_id, :livemode, :id, :version, :charge, :payment_intent, :status, :amount_minor, :currency, :attempt_id, :document);

-- bursar.refunds.repository.UPDATE
UPDATE refunds SET version=:new_version, status=:new_status, document=:new_document WHERE refunds.org_id = :o AND refunds.livemode = :m AND refunds.id = :i AND refunds.version = :expected_version;

-- bursar.refunds.repository._FIND
SELECT refunds.org_id, refunds.livemode, refunds.id, refunds.version, refunds.charge, refunds.payment_intent, refunds.status, refunds.amount_minor, refunds.currency, refunds.attempt_id, refunds.document
FROM refunds
WHERE refunds.org_id = :o AND refunds.livemode = :m AND refunds.id = :i;

-- bursar.second_factors.repository.INSERT_TOTP
INSERT INTO totp_secrets (org_id, user_id, sealed, created, confirmed, last_step) VALUES (:org_id, :user_id, :sealed, :created, :confirmed, :last_step);

-- bursar.second_factors.repository.DELETE_UNCONFIRMED_TOTP
DELETE FROM totp_secrets WHERE totp_secrets.org_id = :org_id_1 AND totp_secrets.user_id = :u AND totp_secrets.confirmed IS NULL;

-- bursar.second_factors.repository.DELETE_TOTP
DELETE FROM totp_secrets WHERE totp_secrets.org_id = :org_id_1 AND totp_secrets.user_id = :u;

-- bursar.second_factors.repository.SPEND_STEP
UPDATE totp_secrets SET sealed=:new_sealed, confirmed=:new_confirmed, last_step=:new_step WHERE totp_secrets.org_id = :org_id_1 AND totp_secrets.user_id = :u AND totp_secrets.created = :expected_created AND totp_secrets.last_step = :expected_step;

-- bursar.second_factors.repository._FIND_TOTP
SELECT totp_secrets.org_id, totp_secrets.user_id, totp_secrets.sealed, totp_secrets.created, totp_secrets.confirmed, totp_secrets.last_step
FROM totp_secrets
WHERE totp_secrets.org_id = :org_id_1 AND totp_secrets.user_id = :u;

-- bursar.second_factors.repository.INSERT_CODES
INSERT INTO recovery_codes (org_id, user_id, version, hashes, created) VALUES (:org_id, :user_id, :version, :hashes, :created);

-- bursar.second_factors.repository.DELETE_CODES
DELETE FROM recovery_codes WHERE recovery_codes.org_id = :org_id_1 AND recovery_codes.user_id = :u;

-- bursar.second_factors.repository.UPDATE_CODES
UPDATE recovery_codes SET version=:new_version, hashes=:new_hashes, created=:new_created WHERE recovery_codes.org_id = :org_id_1 AND recovery_codes.user_id = :u AND recovery_codes.version = :expected_version;

-- bursar.second_factors.repository._FIND_CODES
SELECT recovery_codes.org_id, recovery_codes.user_id, recovery_codes.version, recovery_codes.hashes, recovery_codes.created
FROM recovery_codes
WHERE recovery_codes.org_id = :org_id_1 AND recovery_codes.user_id = :u;

-- bursar.second_factors.repository.INSERT_PASSKEY
INSERT INTO passkeys (org_id, user_id, id, credential_hash, credential_id, public_key, sign_count, name, transports, backed_up, created, last_used) VALUES (:org_id, :user_id, :id, :credential_hash, :credential_id, :public_key, :sign_count, :name, :transports, :backed_up, :created, :last_used);

-- bursar.second_factors.repository.DELETE_PASSKEY
DELETE FROM passkeys WHERE passkeys.org_id = :org_id_1 AND passkeys.user_id = :u AND passkeys.id = :i;

-- bursar.second_factors.repository.DELETE_PASSKEYS
DELETE FROM passkeys WHERE passkeys.org_id = :org_id_1 AND passkeys.user_id = :u;

-- bursar.second_factors.repository.RENAME_PASSKEY
UPDATE passkeys SET name=:new_name WHERE passkeys.org_id = :org_id_1 AND passkeys.user_id = :u AND passkeys.id = :i;

-- bursar.second_factors.repository.USE_PASSKEY
UPDATE passkeys SET sign_count=:new_count, backed_up=:new_backed_up, last_used=:at WHERE passkeys.org_id = :org_id_1 AND passkeys.user_id = :u AND passkeys.id = :i AND passkeys.sign_count = :expected_count;

-- bursar.second_factors.repository._FIND_PASSKEY
SELECT passkeys.org_id, passkeys.user_id, passkeys.id, passkeys.credential_hash, passkeys.credential_id, passkeys.public_key, passkeys.sign_count, passkeys.name, passkeys.transports, passkeys.backed_up, passkeys.created, passkeys.last_used
FROM passkeys
WHERE passkeys.org_id = :org_id_1 AND passkeys.user_id = :u AND passkeys.id = :i;

-- bursar.second_factors.repository._FIND_PASSKEY_BY_CREDENTIAL
SELECT passkeys.org_id, passkeys.user_id, passkeys.id, passkeys.credential_hash, passkeys.credential_id, passkeys.public_key, passkeys.sign_count, passkeys.name, passkeys.transports, passkeys.backed_up, passkeys.created, passkeys.last_used
FROM passkeys
WHERE passkeys.org_id = :org_id_1 AND passkeys.credential_hash = :h;

-- bursar.second_factors.repository._PASSKEYS_OF
SELECT passkeys.org_id, passkeys.user_id, passkeys.id, passkeys.credential_hash, passkeys.credential_id, passkeys.public_key, passkeys.sign_count, passkeys.name, passkeys.transports, passkeys.backed_up, passkeys.created, passkeys.last_used
FROM passkeys
WHERE passkeys.org_id = :org_id_1 AND passkeys.user_id = :u ORDER BY passkeys.id;

-- bursar.second_factors.repository._COUNT_PASSKEYS
SELECT count(*) AS count_1
FROM passkeys
WHERE passkeys.org_id = :org_id_1 AND passkeys.user_id = :u;

-- bursar.second_factors.repository.INSERT_CODE_FACTOR
INSERT INTO code_factors (org_id, user_id, channel, recipient, created) VALUES (:org_id, :user_id, :channel, :recipient, :created);

-- bursar.second_factors.repository.DELETE_CODE_FACTOR
DELETE FROM code_factors WHERE code_factors.org_id = :org_id_1 AND code_factors.user_id = :u AND code_factors.channel = :c;

-- bursar.second_factors.repository.DELETE_CODE_FACTORS
DELETE FROM code_factors WHERE code_factors.org_id = :org_id_1 AND code_factors.user_id = :u;

-- bursar.second_factors.repository._CODE_FACTORS_OF
SELECT code_factors.org_id, code_factors.user_id, code_factors.channel, code_factors.recipient, code_factors.created
FROM code_factors
WHERE code_factors.org_id = :org_id_1 AND code_factors.user_id = :u ORDER BY code_factors.channel;

-- bursar.second_factors.repository.INSERT_SENT
INSERT INTO sent_codes (org_id, user_id, purpose, channel, recipient, code_hash, tries, created, expires) VALUES (:org_id, :user_id, :purpose, :channel, :recipient, :code_hash, :tries, :created, :expires);

-- bursar.second_factors.repository.REPLACE_SENT
DELETE FROM sent_codes WHERE sent_codes.org_id = :org_id_1 AND sent_codes.user_id = :u AND sent_codes.purpose = :p;

-- bursar.second_factors.repository.USE_SENT
DELETE FROM sent_codes WHERE sent_codes.org_id = :org_id_1 AND sent_codes.user_id = :u AND sent_codes.purpose = :p AND sent_codes.code_hash = :expected_hash AND sent_codes.tries = :expected_tries;

-- bursar.second_factors.repository.COUNT_TRY
UPDATE sent_codes SET tries=:new_tries WHERE sent_codes.org_id = :org_id_1 AND sent_codes.user_id = :u AND sent_codes.purpose = :p AND sent_codes.code_hash = :expected_hash AND sent_codes.tries = :expected_tries;

-- bursar.second_factors.repository.DELETE_SENT_CODES
DELETE FROM sent_codes WHERE sent_codes.org_id = :org_id_1 AND sent_codes.user_id = :u;

-- bursar.second_factors.repository.FORGET_SENT_CODES
DELETE FROM sent_codes WHERE sent_codes.org_id = :org_id_1 AND sent_codes.expires < :before;

-- bursar.second_factors.repository._FIND_SENT_CODE
SELECT sent_codes.org_id, sent_codes.user_id, sent_codes.purpose, sent_codes.channel, sent_codes.recipient, sent_codes.code_hash, sent_codes.tries, sent_codes.created, sent_codes.expires
FROM sent_codes
WHERE sent_codes.org_id = :org_id_1 AND sent_codes.user_id = :u AND sent_codes.purpose = :p;

-- bursar.second_factors.repository.INSERT_SPENT
INSERT INTO spent_challenges (org_id, challenge_hash, expires) VALUES (:org_id, :challenge_hash, :expires);

-- bursar.second_factors.repository._FIND_SPENT
SELECT spent_challenges.expires
FROM spent_challenges
WHERE spent_challenges.org_id = :org_id_1 AND spent_challenges.challenge_hash = :h;

-- bursar.second_factors.repository.DELETE_SPENT
DELETE FROM spent_challenges WHERE spent_challenges.org_id = :org_id_1 AND spent_challenges.expires < :before;

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

-- bursar.streams.repository.INSERT
INSERT INTO streams (org_id, livemode, id, version, is_paused, credentials_sealed, document) VALUES (:org_id, :livemode, :id, :version, :is_paused, :credentials_sealed, :document);

-- bursar.streams.repository.INSERT_STATE
INSERT INTO stream_states (org_id, livemode, id, state, reason, detail, since, retry_at, published, referenced, last_event_id, last_published_at) VALUES (:org_id, :livemode, :id, :state, :reason, :detail, :since, :retry_at, :published, :referenced, :last_event_id, :last_published_at);

-- bursar.streams.repository.CHANGE
UPDATE streams SET version=:new_version, is_paused=:new_is_paused, credentials_sealed=:new_credentials, document=:new_document WHERE streams.org_id = :o AND streams.livemode = :m AND streams.id = :i AND streams.version = :expected_version;

-- bursar.streams.repository.DELETE
DELETE FROM streams WHERE streams.org_id = :o AND streams.livemode = :m AND streams.id = :i AND streams.version = :expected_version;

-- bursar.streams.repository.DELETE_STATE
DELETE FROM stream_states WHERE stream_states.org_id = :o AND stream_states.livemode = :m AND stream_states.id = :i;

-- bursar.streams.repository.DELETE_CURSORS
DELETE FROM log_cursors WHERE log_cursors.org_id = :o AND log_cursors.livemode = :m AND log_cursors.reader = :r;

-- bursar.streams.repository.TELL_STATE
UPDATE stream_states SET state=:new_state, reason=:new_reason, detail=:new_detail, since=:new_since, retry_at=:new_retry_at WHERE stream_states.org_id = :o AND stream_states.livemode = :m AND stream_states.id = :i;

-- bursar.streams.repository.TELL_PROGRESS
UPDATE stream_states SET published=(stream_states.published + :more_published), referenced=(stream_states.referenced + :more_referenced), last_event_id=:new_last_event, last_published_at=:new_last_published WHERE stream_states.org_id = :o AND stream_states.livemode = :m AND stream_states.id = :i;

-- bursar.streams.repository._JOINED
SELECT streams.org_id, streams.livemode, streams.id, streams.version, streams.is_paused, streams.credentials_sealed, streams.document, stream_states.state, stream_states.reason, stream_states.detail, stream_states.since, stream_states.retry_at, stream_states.published, stream_states.referenced, stream_states.last_event_id, stream_states.last_published_at
FROM streams JOIN stream_states ON stream_states.org_id = streams.org_id AND stream_states.livemode = streams.livemode AND stream_states.id = streams.id;

-- bursar.streams.repository._FIND
SELECT streams.org_id, streams.livemode, streams.id, streams.version, streams.is_paused, streams.credentials_sealed, streams.document, stream_states.state, stream_states.reason, stream_states.detail, stream_states.since, stream_states.retry_at, stream_states.published, stream_states.referenced, stream_states.last_event_id, stream_states.last_published_at
FROM streams JOIN stream_states ON stream_states.org_id = streams.org_id AND stream_states.livemode = streams.livemode AND stream_states.id = streams.id
WHERE streams.org_id = :o AND streams.livemode = :m AND streams.id = :i;

-- bursar.streams.repository._FIND_STATE
SELECT stream_states.org_id, stream_states.livemode, stream_states.id, stream_states.state, stream_states.reason, stream_states.detail, stream_states.since, stream_states.retry_at, stream_states.published, stream_states.referenced, stream_states.last_event_id, stream_states.last_published_at
FROM stream_states
WHERE stream_states.org_id = :o AND stream_states.livemode = :m AND stream_states.id = :i;

-- bursar.three_d_secure.repository.INSERT
INSERT INTO authentications (org_id, livemode, id, subject_id, secret, state, bank_reference, return_url) VALUES (:org_id, :livemode, :id, :subject_id, :secret, :state, :bank_reference, :return_url);

-- bursar.three_d_secure.repository.DECIDE
UPDATE authentications SET state=:new_state WHERE authentications.org_id = :o AND authentications.livemode = :m AND authentications.id = :i AND authentications.state = :state_1;

-- bursar.three_d_secure.repository._FIND
SELECT authentications.org_id, authentications.livemode, authentications.id, authentications.subject_id, authentications.secret, authentications.state, authentications.bank_reference, authentications.return_url
FROM authentications
WHERE authentications.org_id = :o AND authentications.livemode = :m AND authentications.id = :i;

-- bursar.transactions.repository._CHARGES
SELECT charges.id, charges.disputed_minor, charges.document
FROM charges
WHERE charges.org_id = :o AND charges.livemode = :m AND charges.id IN (__[POSTCOMPILE_ids]);

-- bursar.transactions.repository._INTENTS
SELECT payment_intents.id, payment_intents.wallet, payment_intents.service_fee_minor, payment_intents.transaction_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = :o AND payment_intents.livemode = :m AND payment_intents.id IN (__[POSTCOMPILE_ids]);

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

-- bursar.wallets.payment_repository.INSERT
INSERT INTO wallet_payments (org_id, livemode, id, side, wallet_id, source_id, other_org_id, other_wallet_id, currency, total_minor, service_fee_minor, refunded_minor) VALUES (:org_id, :livemode, :id, :side, :wallet_id, :source_id, :other_org_id, :other_wallet_id, :currency, :total_minor, :service_fee_minor, :refunded_minor);

-- bursar.wallets.payment_repository.REFUND
UPDATE wallet_payments SET refunded_minor=:new_refunded WHERE wallet_payments.org_id = :o AND wallet_payments.livemode = :m AND wallet_payments.id = :i AND wallet_payments.side = :s AND wallet_payments.refunded_minor = :expected_refunded;

-- bursar.wallets.payment_repository._FIND
SELECT wallet_payments.org_id, wallet_payments.livemode, wallet_payments.id, wallet_payments.side, wallet_payments.wallet_id, wallet_payments.source_id, wallet_payments.other_org_id, wallet_payments.other_wallet_id, wallet_payments.currency, wallet_payments.total_minor, wallet_payments.service_fee_minor, wallet_payments.refunded_minor
FROM wallet_payments
WHERE wallet_payments.org_id = :o AND wallet_payments.livemode = :m AND wallet_payments.id = :i AND wallet_payments.side = :s;

-- bursar.wallets.pin_repository.INSERT
INSERT INTO wallet_pins (org_id, livemode, wallet_id, pin_hash, tries, pauses, paused_until, version) VALUES (:org_id, :livemode, :wallet_id, :pin_hash, :tries, :pauses, :paused_until, :version);

-- bursar.wallets.pin_repository.CHANGE
UPDATE wallet_pins SET pin_hash=:new_hash, tries=:new_tries, pauses=:new_pauses, paused_until=:new_paused_until, version=:new_version WHERE wallet_pins.org_id = :o AND wallet_pins.livemode = :m AND wallet_pins.wallet_id = :i AND wallet_pins.version = :expected_version;

-- bursar.wallets.pin_repository._FIND
SELECT wallet_pins.org_id, wallet_pins.livemode, wallet_pins.wallet_id, wallet_pins.pin_hash, wallet_pins.tries, wallet_pins.pauses, wallet_pins.paused_until, wallet_pins.version
FROM wallet_pins
WHERE wallet_pins.org_id = :o AND wallet_pins.livemode = :m AND wallet_pins.wallet_id = :i;

-- bursar.wallets.repository.INSERT
INSERT INTO wallets (org_id, livemode, id, code, name, currency, ledger_name, closed, version) VALUES (:org_id, :livemode, :id, :code, :name, :currency, :ledger_name, :closed, :version);

-- bursar.wallets.repository.INSERT_CODE
INSERT INTO wallet_codes (org_id, code, wallet_org_id, wallet_livemode, wallet_id) VALUES (:org_id, :code, :wallet_org_id, :wallet_livemode, :wallet_id);

-- bursar.wallets.repository.INSERT_TRANSFER
INSERT INTO wallet_transfers (org_id, livemode, id, from_wallet_id, to_wallet_id, currency, amount_minor, document) VALUES (:org_id, :livemode, :id, :from_wallet_id, :to_wallet_id, :currency, :amount_minor, :document);

-- bursar.wallets.repository.CHANGE
UPDATE wallets SET name=:new_name, closed=:new_closed, version=:new_version WHERE wallets.org_id = :o AND wallets.livemode = :m AND wallets.id = :i AND wallets.version = :expected_version;

-- bursar.wallets.repository.DEBIT
UPDATE wallets SET version=:new_version WHERE wallets.org_id = :o AND wallets.livemode = :m AND wallets.id = :i AND wallets.version = :expected_version AND wallets.closed = :closed_1;

-- bursar.wallets.repository.FENCE
UPDATE wallets SET version=:new_version WHERE wallets.org_id = :o AND wallets.livemode = :m AND wallets.id = :i AND wallets.version = :expected_version;

-- bursar.wallets.repository._COUNT
SELECT count(*) AS count_1
FROM wallets
WHERE wallets.org_id = :o AND wallets.livemode = :m;

-- bursar.wallets.repository._WALLETS
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets.version, wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id;

-- bursar.wallets.repository._FIND
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets.version, wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id
WHERE wallets.org_id = :o AND wallets.livemode = :m AND wallets.id = :i;

-- bursar.wallets.repository._FIND_BY_LEDGER_NAME
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets.version, wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id
WHERE wallets.org_id = :o AND wallets.livemode = :m AND wallets.ledger_name = :n;

-- bursar.wallets.repository._FIND_MANY
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets.version, wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id
WHERE wallets.org_id = :o AND wallets.livemode = :m AND wallets.id IN (__[POSTCOMPILE_ids]);

-- bursar.wallets.repository._WHOSE
SELECT wallet_codes.wallet_org_id, wallet_codes.wallet_livemode, wallet_codes.wallet_id
FROM wallet_codes
WHERE wallet_codes.org_id = :org_id_1 AND wallet_codes.code = :c;

-- bursar.wallets.repository._FIND_TRANSFER
SELECT wallet_transfers.document
FROM wallet_transfers
WHERE wallet_transfers.org_id = :o AND wallet_transfers.livemode = :m AND wallet_transfers.id = :i;

-- bursar.webhooks.delivery_repository.INSERT
INSERT INTO webhook_deliveries (org_id, livemode, endpoint_id, event_id, status, event_type, sequence_number, pending_webhooks, tries, tries_before, next_at, finished_at, last_status_code, last_error) VALUES (:org_id, :livemode, :endpoint_id, :event_id, :status, :event_type, :sequence_number, :pending_webhooks, :tries, :tries_before, :next_at, :finished_at, :last_status_code, :last_error);

-- bursar.webhooks.delivery_repository.INSERT_ATTEMPT
INSERT INTO webhook_attempts (org_id, livemode, endpoint_id, event_id, "number", started, latency_milliseconds, status_code, error, answer) VALUES (:org_id, :livemode, :endpoint_id, :event_id, :"number", :started, :latency_milliseconds, :status_code, :error, :answer);

-- bursar.webhooks.delivery_repository.INSERT_COUNTER
INSERT INTO webhook_counters (org_id, livemode, sequence_number) VALUES (:org_id, :livemode, :sequence_number);

-- bursar.webhooks.delivery_repository.MOVE_COUNTER
UPDATE webhook_counters SET sequence_number=:new_number WHERE webhook_counters.org_id = :o AND webhook_counters.livemode = :m AND webhook_counters.sequence_number = :expected_number;

-- bursar.webhooks.delivery_repository.FINISH_TRY
UPDATE webhook_deliveries SET status=:new_status, tries=:new_tries, next_at=:new_next_at, finished_at=:new_finished_at, last_status_code=:new_status_code, last_error=:new_error WHERE webhook_deliveries.org_id = :o AND webhook_deliveries.livemode = :m AND webhook_deliveries.endpoint_id = :n AND webhook_deliveries.event_id = :e AND webhook_deliveries.status = :status_1 AND webhook_deliveries.tries = :expected_tries;

-- bursar.webhooks.delivery_repository.SEND_AGAIN
UPDATE webhook_deliveries SET status=:status, tries_before=webhook_deliveries.tries, next_at=:new_next_at, finished_at=:finished_at WHERE webhook_deliveries.org_id = :o AND webhook_deliveries.livemode = :m AND webhook_deliveries.endpoint_id = :n AND webhook_deliveries.event_id = :e;

-- bursar.webhooks.delivery_repository.GIVE_UP
UPDATE webhook_deliveries SET status=:status, next_at=:next_at, finished_at=:new_finished_at, last_error=:new_error WHERE webhook_deliveries.org_id = :o AND webhook_deliveries.livemode = :m AND webhook_deliveries.endpoint_id = :n AND webhook_deliveries.event_id = :e AND webhook_deliveries.status = :status_1;

-- bursar.webhooks.delivery_repository.DELETE
DELETE FROM webhook_deliveries WHERE webhook_deliveries.org_id = :o AND webhook_deliveries.livemode = :m AND webhook_deliveries.endpoint_id = :n AND webhook_deliveries.event_id = :e;

-- bursar.webhooks.delivery_repository.DELETE_ATTEMPTS
DELETE FROM webhook_attempts WHERE webhook_attempts.org_id = :o AND webhook_attempts.livemode = :m AND webhook_attempts.endpoint_id = :n AND webhook_attempts.event_id = :e;

-- bursar.webhooks.delivery_repository._FIND
SELECT webhook_deliveries.org_id, webhook_deliveries.livemode, webhook_deliveries.endpoint_id, webhook_deliveries.event_id, webhook_deliveries.status, webhook_deliveries.event_type, webhook_deliveries.sequence_number, webhook_deliveries.pending_webhooks, webhook_deliveries.tries, webhook_deliveries.tries_before, webhook_deliveries.next_at, webhook_deliveries.finished_at, webhook_deliveries.last_status_code, webhook_deliveries.last_error
FROM webhook_deliveries
WHERE webhook_deliveries.org_id = :o AND webhook_deliveries.livemode = :m AND webhook_deliveries.endpoint_id = :n AND webhook_deliveries.event_id = :e;

-- bursar.webhooks.delivery_repository._FIND_ATTEMPTS
SELECT webhook_attempts.org_id, webhook_attempts.livemode, webhook_attempts.endpoint_id, webhook_attempts.event_id, webhook_attempts."number", webhook_attempts.started, webhook_attempts.latency_milliseconds, webhook_attempts.status_code, webhook_attempts.error, webhook_attempts.answer
FROM webhook_attempts
WHERE webhook_attempts.org_id = :o AND webhook_attempts.livemode = :m AND webhook_attempts.endpoint_id = :n AND webhook_attempts.event_id = :e ORDER BY webhook_attempts."number";

-- bursar.webhooks.delivery_repository._FIND_COUNTER
SELECT webhook_counters.sequence_number
FROM webhook_counters
WHERE webhook_counters.org_id = :o AND webhook_counters.livemode = :m;

-- bursar.webhooks.repository.INSERT
INSERT INTO webhook_endpoints (org_id, livemode, id, version, status, is_paused, wakes, failing_since, disabled_reason, disabled_at, secret_sealed, previous_secret_sealed, previous_secret_until, begins_behind, document) VALUES (:org_id, :livemode, :id, :version, :status, :is_paused, :wakes, :failing_since, :disabled_reason, :disabled_at, :secret_sealed, :previous_secret_sealed, :previous_secret_until, :begins_behind, :document);

-- bursar.webhooks.repository.CHANGE
UPDATE webhook_endpoints SET version=:new_version, status=:new_status, is_paused=:new_is_paused, wakes=(webhook_endpoints.wakes + :wakes_1), failing_since=:new_failing_since, disabled_reason=:new_disabled_reason, disabled_at=:new_disabled_at, secret_sealed=:new_secret, previous_secret_sealed=:new_previous_secret, previous_secret_until=:new_previous_until, begins_behind=:new_begins_behind, document=:new_document WHERE webhook_endpoints.org_id = :o AND webhook_endpoints.livemode = :m AND webhook_endpoints.id = :i AND webhook_endpoints.version = :expected_version;

-- bursar.webhooks.repository.WAKE
UPDATE webhook_endpoints SET wakes=(webhook_endpoints.wakes + :wakes_1) WHERE webhook_endpoints.org_id = :o AND webhook_endpoints.livemode = :m AND webhook_endpoints.id = :i;

-- bursar.webhooks.repository.BEGIN_FAILING
UPDATE webhook_endpoints SET failing_since=:new_failing_since WHERE webhook_endpoints.org_id = :o AND webhook_endpoints.livemode = :m AND webhook_endpoints.id = :i AND webhook_endpoints.failing_since IS NULL;

-- bursar.webhooks.repository.END_FAILING
UPDATE webhook_endpoints SET failing_since=:failing_since WHERE webhook_endpoints.org_id = :o AND webhook_endpoints.livemode = :m AND webhook_endpoints.id = :i;

-- bursar.webhooks.repository.REMOVE
DELETE FROM webhook_endpoints WHERE webhook_endpoints.org_id = :o AND webhook_endpoints.livemode = :m AND webhook_endpoints.id = :i AND webhook_endpoints.status = :status_1;

-- bursar.webhooks.repository._FIND
SELECT webhook_endpoints.org_id, webhook_endpoints.livemode, webhook_endpoints.id, webhook_endpoints.version, webhook_endpoints.status, webhook_endpoints.is_paused, webhook_endpoints.wakes, webhook_endpoints.failing_since, webhook_endpoints.disabled_reason, webhook_endpoints.disabled_at, webhook_endpoints.secret_sealed, webhook_endpoints.previous_secret_sealed, webhook_endpoints.previous_secret_until, webhook_endpoints.begins_behind, webhook_endpoints.document
FROM webhook_endpoints
WHERE webhook_endpoints.org_id = :o AND webhook_endpoints.livemode = :m AND webhook_endpoints.id = :i;

-- bursar.webhooks.repository._COUNT
SELECT count(*) AS count_1
FROM webhook_endpoints
WHERE webhook_endpoints.org_id = :o AND webhook_endpoints.livemode = :m AND webhook_endpoints.status != :status_1;

-- bursar.webhooks.sweeping._FIND_OLD
SELECT webhook_deliveries.event_id
FROM webhook_deliveries
WHERE webhook_deliveries.org_id = :o AND webhook_deliveries.livemode = :m AND webhook_deliveries.endpoint_id = :n AND webhook_deliveries.event_id < :before_event AND webhook_deliveries.status = :s AND webhook_deliveries.finished_at < :before
 FETCH FIRST __[POSTCOMPILE_param_1] ROWS ONLY;

-- bursar.withdrawals.repository.INSERT
INSERT INTO withdrawals (org_id, livemode, id, wallet_id, ledger_name, status, currency, amount_minor, version, destination_sealed, document) VALUES (:org_id, :livemode, :id, :wallet_id, :ledger_name, :status, :currency, :amount_minor, :version, :destination_sealed, :document);

-- bursar.withdrawals.repository.CHANGE
UPDATE withdrawals SET status=:new_status, version=:new_version, document=:new_document WHERE withdrawals.org_id = :o AND withdrawals.livemode = :m AND withdrawals.id = :i AND withdrawals.version = :expected_version;

-- bursar.withdrawals.repository._FIND
SELECT withdrawals.ledger_name, withdrawals.version, withdrawals.destination_sealed, withdrawals.document
FROM withdrawals
WHERE withdrawals.org_id = :o AND withdrawals.livemode = :m AND withdrawals.id = :i;
