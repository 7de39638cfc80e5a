CREATE TABLE announced_settlements (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    connector VARCHAR(40) NOT NULL,
    account VARCHAR(100) NOT NULL,
    settlement_id VARCHAR(100) NOT NULL,
    announced BIGINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_announced_settlements PRIMARY KEY (org_id, livemode, connector, account, settlement_id)
);

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
    "version" INT NOT NULL WITH DEFAULT '1',
    addresses CLOB,
    last_used BIGINT,
    last_used_address VARCHAR(64),
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
    wallet VARCHAR(40),
    CONSTRAINT pk_balance_transactions PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_balance_transactions_source ON balance_transactions (org_id, livemode, source_id, id);

CREATE INDEX ix_balance_transactions_wallet ON balance_transactions (org_id, livemode, wallet, id);

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
    wallet VARCHAR(40),
    CONSTRAINT pk_charges PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_charges_customer ON charges (org_id, livemode, customer, id);

CREATE INDEX ix_charges_payment_intent ON charges (org_id, livemode, payment_intent, id);

CREATE TABLE code_factors (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    channel VARCHAR(8) NOT NULL,
    recipient VARCHAR(254) NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_code_factors PRIMARY KEY (org_id, user_id, channel)
);

CREATE TABLE contracts (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    acquirer VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    status VARCHAR(12) NOT NULL,
    created BIGINT NOT NULL,
    ended BIGINT,
    CONSTRAINT pk_contracts PRIMARY KEY (org_id, livemode, acquirer)
);

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

CREATE TABLE identities (
    org_id VARCHAR(40) NOT NULL,
    provider_id VARCHAR(40) NOT NULL,
    subject_hash VARCHAR(64) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    CONSTRAINT pk_identities PRIMARY KEY (org_id, provider_id, subject_hash)
);

CREATE TABLE incoming_webhook_events (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    connector VARCHAR(40) NOT NULL,
    account VARCHAR(100) NOT NULL,
    event_id VARCHAR(100) NOT NULL,
    webhook_id VARCHAR(40),
    kind VARCHAR(40) NOT NULL,
    state VARCHAR(12) NOT NULL,
    received BIGINT NOT NULL,
    note CLOB,
    CONSTRAINT pk_incoming_webhook_events PRIMARY KEY (org_id, livemode, connector, account, event_id)
);

CREATE TABLE incoming_webhooks (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    connector VARCHAR(40) NOT NULL,
    account VARCHAR(100) NOT NULL,
    state VARCHAR(14) NOT NULL,
    kind VARCHAR(40),
    received BIGINT NOT NULL,
    next_at BIGINT,
    tries INT NOT NULL,
    finished BIGINT,
    reason CLOB,
    sender VARCHAR(64),
    request_id VARCHAR(40),
    named VARCHAR(130),
    body_length INT NOT NULL,
    body_digest VARCHAR(64) NOT NULL,
    is_exact SMALLINT NOT NULL,
    headers_document CLOB,
    body_text CLOB,
    events_document CLOB NOT NULL,
    CONSTRAINT pk_incoming_webhooks PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_incoming_webhooks_due ON incoming_webhooks (state, next_at);

CREATE INDEX ix_incoming_webhooks_state ON incoming_webhooks (org_id, livemode, state, id);

CREATE TABLE invitations (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    email VARCHAR(254) NOT NULL,
    role VARCHAR(40) NOT NULL,
    state VARCHAR(20) NOT NULL,
    round INT NOT NULL,
    invited_by VARCHAR(60) NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (org_id, id)
);

CREATE INDEX ix_invitations_state ON invitations (org_id, state, id);

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

CREATE TABLE log_cursors (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    lane INT NOT NULL,
    reader VARCHAR(60) NOT NULL,
    event_id VARCHAR(40) NOT NULL,
    sequence_number BIGINT NOT NULL,
    CONSTRAINT pk_log_cursors PRIMARY KEY (org_id, livemode, lane, reader)
);

CREATE TABLE member_organisations (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    organisation VARCHAR(40) NOT NULL,
    CONSTRAINT pk_member_organisations PRIMARY KEY (org_id, user_id, organisation)
);

CREATE TABLE member_rosters (
    org_id VARCHAR(40) NOT NULL,
    "version" BIGINT NOT NULL,
    owners INT NOT NULL,
    second_factor_required SMALLINT NOT NULL,
    CONSTRAINT pk_member_rosters PRIMARY KEY (org_id)
);

CREATE TABLE memberships (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    role VARCHAR(40) NOT NULL,
    invited_by VARCHAR(60),
    created BIGINT NOT NULL,
    CONSTRAINT pk_memberships PRIMARY KEY (org_id, user_id)
);

CREATE TABLE notification_brandings (
    org_id VARCHAR(40) NOT NULL,
    document CLOB NOT NULL,
    "version" BIGINT NOT NULL,
    CONSTRAINT pk_notification_brandings PRIMARY KEY (org_id)
);

CREATE TABLE notification_messages (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    event_id VARCHAR(40) NOT NULL,
    channel VARCHAR(10) NOT NULL,
    template VARCHAR(40) NOT NULL,
    "language" VARCHAR(10) NOT NULL,
    recipient VARCHAR(254) NOT NULL,
    user_id VARCHAR(40),
    "data" CLOB NOT NULL,
    sealed CLOB,
    state VARCHAR(24) NOT NULL,
    tries INT NOT NULL,
    next_at BIGINT NOT NULL,
    problem VARCHAR(300),
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    finished BIGINT,
    CONSTRAINT pk_notification_messages PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_notification_messages_due ON notification_messages (state, next_at);

CREATE TABLE notification_preferences (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    document CLOB NOT NULL,
    "version" BIGINT NOT NULL,
    CONSTRAINT pk_notification_preferences PRIMARY KEY (org_id, user_id)
);

CREATE TABLE notification_targets (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    document CLOB NOT NULL,
    sealed CLOB NOT NULL,
    CONSTRAINT pk_notification_targets PRIMARY KEY (org_id, id)
);

CREATE TABLE one_time_tokens (
    org_id VARCHAR(40) NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    purpose VARCHAR(40) NOT NULL,
    subject CLOB NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    CONSTRAINT pk_one_time_tokens PRIMARY KEY (org_id, token_hash)
);

CREATE INDEX ix_one_time_tokens_expires ON one_time_tokens (org_id, expires);

CREATE TABLE organisation_codes (
    org_id VARCHAR(40) NOT NULL,
    code VARCHAR(20) NOT NULL,
    organisation VARCHAR(40) NOT NULL,
    CONSTRAINT pk_organisation_codes PRIMARY KEY (org_id, code)
);

CREATE TABLE organisation_terms (
    org_id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_organisation_terms PRIMARY KEY (org_id)
);

CREATE TABLE organisations (
    org_id VARCHAR(40) NOT NULL,
    name VARCHAR(200) NOT NULL,
    created BIGINT NOT NULL,
    "version" INT NOT NULL WITH DEFAULT '1',
    name_folded VARCHAR(400) NOT NULL WITH DEFAULT '?',
    code VARCHAR(20) NOT NULL WITH DEFAULT '?',
    category VARCHAR(60) NOT NULL WITH DEFAULT 'general',
    country VARCHAR(2),
    currency VARCHAR(3) NOT NULL WITH DEFAULT 'usd',
    suspended BIGINT,
    CONSTRAINT pk_organisations PRIMARY KEY (org_id)
);

CREATE TABLE own_roles (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_own_roles PRIMARY KEY (org_id, id)
);

CREATE TABLE passkeys (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    credential_hash VARCHAR(64) NOT NULL,
    credential_id CLOB NOT NULL,
    public_key CLOB NOT NULL,
    sign_count BIGINT NOT NULL,
    name VARCHAR(100) NOT NULL,
    transports CLOB NOT NULL,
    backed_up SMALLINT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    CONSTRAINT pk_passkeys PRIMARY KEY (org_id, user_id, id),
    CONSTRAINT uq_passkeys_credential UNIQUE (org_id, credential_hash)
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
    wallet VARCHAR(40),
    service_fee_minor BIGINT,
    transaction_id VARCHAR(40),
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

CREATE TABLE payment_sessions (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    status VARCHAR(12) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    wallet_id VARCHAR(40) NOT NULL,
    amount_minor BIGINT NOT NULL,
    service_fee_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    expires BIGINT NOT NULL,
    due BIGINT,
    tries INT NOT NULL,
    payment_intent VARCHAR(40),
    transaction_id VARCHAR(40) NOT NULL,
    paid_by VARCHAR(40),
    answer CLOB,
    document CLOB NOT NULL,
    CONSTRAINT pk_payment_sessions PRIMARY KEY (org_id, livemode, id)
);

CREATE INDEX ix_payment_sessions_due ON payment_sessions (due);

CREATE TABLE recovery_codes (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    "version" BIGINT NOT NULL,
    hashes CLOB NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (org_id, user_id)
);

CREATE TABLE refresh_tokens (
    org_id VARCHAR(40) NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    session_id VARCHAR(40) NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    CONSTRAINT pk_refresh_tokens PRIMARY KEY (org_id, token_hash)
);

CREATE INDEX ix_refresh_tokens_expires ON refresh_tokens (org_id, expires);

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

CREATE TABLE running_processes (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    command VARCHAR(20) NOT NULL,
    host VARCHAR(60) NOT NULL,
    process_number INT NOT NULL,
    program_version VARCHAR(40) NOT NULL,
    roles VARCHAR(400) NOT NULL,
    started BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    CONSTRAINT pk_running_processes PRIMARY KEY (org_id, id)
);

CREATE TABLE search_terms (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    time_slice INT NOT NULL,
    term VARCHAR(32) NOT NULL,
    object_id VARCHAR(40) NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (org_id, livemode, time_slice, term, object_id)
);

CREATE TABLE sent_codes (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    purpose VARCHAR(16) NOT NULL,
    channel VARCHAR(8) NOT NULL,
    recipient VARCHAR(254) NOT NULL,
    code_hash VARCHAR(64) NOT NULL,
    tries INT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    CONSTRAINT pk_sent_codes PRIMARY KEY (org_id, user_id, purpose)
);

CREATE INDEX ix_sent_codes_expires ON sent_codes (org_id, expires);

CREATE TABLE sessions (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    organisation VARCHAR(40),
    methods VARCHAR(200) NOT NULL,
    cookie_hash VARCHAR(64),
    remembered SMALLINT NOT NULL,
    created BIGINT NOT NULL,
    proved_at BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    ended BIGINT,
    address VARCHAR(64),
    user_agent VARCHAR(300),
    CONSTRAINT pk_sessions PRIMARY KEY (org_id, id)
);

CREATE INDEX ix_sessions_cookie ON sessions (org_id, cookie_hash);

CREATE INDEX ix_sessions_expires ON sessions (org_id, expires);

CREATE INDEX ix_sessions_user ON sessions (org_id, user_id, id);

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

CREATE TABLE sign_in_failures (
    org_id VARCHAR(40) NOT NULL,
    subject_hash VARCHAR(64) NOT NULL,
    failures INT NOT NULL,
    changed BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    "version" BIGINT NOT NULL,
    CONSTRAINT pk_sign_in_failures PRIMARY KEY (org_id, subject_hash)
);

CREATE INDEX ix_sign_in_failures_changed ON sign_in_failures (org_id, changed);

CREATE TABLE sign_in_places (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    place_hash VARCHAR(64) NOT NULL,
    seen BIGINT NOT NULL,
    CONSTRAINT pk_sign_in_places PRIMARY KEY (org_id, user_id, place_hash)
);

CREATE INDEX ix_sign_in_places_seen ON sign_in_places (org_id, seen);

CREATE TABLE sign_in_providers (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    sealed_secret CLOB,
    document CLOB NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_sign_in_providers PRIMARY KEY (org_id, id)
);

CREATE TABLE signing_keys (
    org_id VARCHAR(40) NOT NULL,
    key_number INT NOT NULL,
    kid VARCHAR(64) NOT NULL,
    sealed CLOB NOT NULL,
    created BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    CONSTRAINT pk_signing_keys PRIMARY KEY (org_id, key_number)
);

CREATE TABLE spent_challenges (
    org_id VARCHAR(40) NOT NULL,
    challenge_hash VARCHAR(64) NOT NULL,
    expires BIGINT NOT NULL,
    CONSTRAINT pk_spent_challenges PRIMARY KEY (org_id, challenge_hash)
);

CREATE INDEX ix_spent_challenges_expires ON spent_challenges (org_id, expires);

CREATE TABLE stream_states (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    state VARCHAR(12) NOT NULL,
    reason VARCHAR(40),
    detail CLOB,
    since BIGINT NOT NULL,
    retry_at BIGINT,
    published BIGINT NOT NULL,
    referenced BIGINT NOT NULL,
    last_event_id VARCHAR(40),
    last_published_at BIGINT,
    CONSTRAINT pk_stream_states PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE streams (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    is_paused SMALLINT NOT NULL,
    credentials_sealed CLOB,
    document CLOB NOT NULL,
    CONSTRAINT pk_streams PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE tokens (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    used SMALLINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE totp_secrets (
    org_id VARCHAR(40) NOT NULL,
    user_id VARCHAR(40) NOT NULL,
    sealed CLOB NOT NULL,
    created BIGINT NOT NULL,
    confirmed BIGINT,
    last_step BIGINT NOT NULL,
    CONSTRAINT pk_totp_secrets PRIMARY KEY (org_id, user_id)
);

CREATE TABLE transactions (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    code VARCHAR(20) NOT NULL,
    direction VARCHAR(6) NOT NULL,
    state VARCHAR(20) NOT NULL,
    "method" VARCHAR(20),
    amount_minor BIGINT NOT NULL,
    service_fee_minor BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    wallet_id VARCHAR(40) NOT NULL,
    session_id VARCHAR(40),
    payment_intent VARCHAR(40),
    wallet_payment VARCHAR(40),
    customer VARCHAR(40),
    reason VARCHAR(60),
    document CLOB NOT NULL,
    CONSTRAINT pk_transactions PRIMARY KEY (org_id, livemode, id),
    CONSTRAINT uq_transactions_code UNIQUE (org_id, livemode, code)
);

CREATE INDEX ix_transactions_wallet ON transactions (org_id, livemode, wallet_id, id);

CREATE TABLE users (
    org_id VARCHAR(40) NOT NULL,
    id VARCHAR(40) NOT NULL,
    email VARCHAR(254) NOT NULL,
    name VARCHAR(200) NOT NULL,
    password_hash VARCHAR(255),
    email_verified SMALLINT NOT NULL,
    platform_admin SMALLINT NOT NULL,
    disabled SMALLINT NOT NULL,
    "locale" VARCHAR(35),
    created BIGINT NOT NULL,
    "version" BIGINT NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (org_id, id),
    CONSTRAINT uq_users_org_id_email UNIQUE (org_id, email)
);

CREATE TABLE vault_cards (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    key_version INT NOT NULL,
    sealed VARCHAR(64) NOT NULL,
    CONSTRAINT pk_vault_cards PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE wallet_codes (
    org_id VARCHAR(40) NOT NULL,
    code VARCHAR(11) NOT NULL,
    wallet_org_id VARCHAR(40) NOT NULL,
    wallet_livemode SMALLINT NOT NULL,
    wallet_id VARCHAR(40) NOT NULL,
    CONSTRAINT pk_wallet_codes PRIMARY KEY (org_id, code)
);

CREATE TABLE wallet_payments (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    side VARCHAR(5) NOT NULL,
    wallet_id VARCHAR(40) NOT NULL,
    source_id VARCHAR(40) NOT NULL,
    other_org_id VARCHAR(40) NOT NULL,
    other_wallet_id VARCHAR(40) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    total_minor BIGINT NOT NULL,
    service_fee_minor BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    CONSTRAINT pk_wallet_payments PRIMARY KEY (org_id, livemode, id, side)
);

CREATE TABLE wallet_pins (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    wallet_id VARCHAR(40) NOT NULL,
    pin_hash VARCHAR(200) NOT NULL,
    tries INT NOT NULL,
    pauses INT NOT NULL,
    paused_until BIGINT NOT NULL,
    "version" INT NOT NULL,
    CONSTRAINT pk_wallet_pins PRIMARY KEY (org_id, livemode, wallet_id)
);

CREATE TABLE wallet_transfers (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    from_wallet_id VARCHAR(40) NOT NULL,
    to_wallet_id VARCHAR(40) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    amount_minor BIGINT NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_wallet_transfers PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE wallets (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    code VARCHAR(11) NOT NULL,
    name VARCHAR(100) NOT NULL,
    currency VARCHAR(3),
    ledger_name VARCHAR(40) NOT NULL,
    closed SMALLINT NOT NULL,
    "version" INT NOT NULL,
    CONSTRAINT pk_wallets PRIMARY KEY (org_id, livemode, id),
    CONSTRAINT uq_wallets_ledger_name UNIQUE (org_id, livemode, ledger_name)
);

CREATE TABLE webhook_attempts (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    endpoint_id VARCHAR(40) NOT NULL,
    event_id VARCHAR(40) NOT NULL,
    number INT NOT NULL,
    started BIGINT NOT NULL,
    latency_milliseconds INT NOT NULL,
    status_code INT,
    error VARCHAR(40),
    answer CLOB,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (org_id, livemode, endpoint_id, event_id, number)
);

CREATE TABLE webhook_counters (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    sequence_number BIGINT NOT NULL,
    CONSTRAINT pk_webhook_counters PRIMARY KEY (org_id, livemode)
);

CREATE TABLE webhook_deliveries (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    endpoint_id VARCHAR(40) NOT NULL,
    event_id VARCHAR(40) NOT NULL,
    status VARCHAR(12) NOT NULL,
    event_type VARCHAR(80) NOT NULL,
    sequence_number BIGINT,
    pending_webhooks INT NOT NULL,
    tries INT NOT NULL,
    tries_before INT NOT NULL,
    next_at BIGINT NOT NULL,
    finished_at BIGINT,
    last_status_code INT,
    last_error VARCHAR(40),
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (org_id, livemode, endpoint_id, event_id)
);

CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (org_id, livemode, endpoint_id, status, next_at, event_id);

CREATE TABLE webhook_endpoints (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    "version" INT NOT NULL,
    status VARCHAR(12) NOT NULL,
    is_paused SMALLINT NOT NULL,
    wakes INT NOT NULL,
    failing_since BIGINT,
    disabled_reason VARCHAR(40),
    disabled_at BIGINT,
    secret_sealed CLOB NOT NULL,
    previous_secret_sealed CLOB,
    previous_secret_until BIGINT,
    begins_behind CLOB NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE withdrawals (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    wallet_id VARCHAR(40) NOT NULL,
    ledger_name VARCHAR(40) NOT NULL,
    status VARCHAR(20) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    amount_minor BIGINT NOT NULL,
    "version" INT NOT NULL,
    destination_sealed CLOB NOT NULL,
    document CLOB NOT NULL,
    CONSTRAINT pk_withdrawals PRIMARY KEY (org_id, livemode, id)
);

CREATE TABLE work_leases (
    org_id VARCHAR(40) NOT NULL,
    name VARCHAR(80) NOT NULL,
    holder VARCHAR(80) NOT NULL,
    "until" BIGINT NOT NULL,
    CONSTRAINT pk_work_leases PRIMARY KEY (org_id, name)
);

CREATE TABLE writer_lanes (
    org_id VARCHAR(40) NOT NULL,
    lane INT NOT NULL,
    holder VARCHAR(80) NOT NULL,
    leased_until BIGINT NOT NULL,
    CONSTRAINT pk_writer_lanes PRIMARY KEY (org_id, lane)
);

-- bursar.accounts.repository.INSERT_ORGANISATION
INSERT INTO organisations (org_id, name, created, "version", name_folded, code, category, country, currency, suspended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.accounts.repository.INSERT_CODE
INSERT INTO organisation_codes (org_id, code, organisation) VALUES (?, ?, ?);

-- bursar.accounts.repository.UPDATE_ORGANISATION
UPDATE organisations SET name=?, "version"=?, name_folded=?, category=?, country=?, currency=?, suspended=? WHERE organisations.org_id = ? AND organisations."version" = ?;

-- bursar.accounts.repository.INSERT_KEY
INSERT INTO api_keys (org_id, id, livemode, kind, name, key_hash, "hint", permissions, created, expires, revoked, "version", addresses, last_used, last_used_address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.accounts.repository.UPDATE_KEY
UPDATE api_keys SET name=?, permissions=?, expires=?, revoked=?, "version"=?, addresses=? WHERE api_keys.org_id = ? AND api_keys.id = ? AND api_keys."version" = ? AND api_keys.revoked IS NULL;

-- bursar.accounts.repository.SET_USED
UPDATE api_keys SET last_used=?, last_used_address=? WHERE api_keys.org_id = ? AND api_keys.id = ? AND (api_keys.last_used IS NULL OR api_keys.last_used < ?);

-- bursar.accounts.roles.INSERT
INSERT INTO own_roles (org_id, id, "version", document) VALUES (?, ?, ?, ?);

-- bursar.accounts.roles.UPDATE
UPDATE own_roles SET "version"=?, document=? WHERE own_roles.org_id = ? AND own_roles.id = ? AND own_roles."version" = ?;

-- bursar.accounts.roles.DELETE
DELETE FROM own_roles WHERE own_roles.org_id = ? AND own_roles.id = ? AND own_roles."version" = ?;

-- bursar.accounts.roles._FIND
SELECT own_roles."version", own_roles.document
FROM own_roles
WHERE own_roles.org_id = ? AND own_roles.id = ?;

-- bursar.accounts.terms.INSERT
INSERT INTO organisation_terms (org_id, "version", document) VALUES (?, ?, ?);

-- bursar.accounts.terms.UPDATE
UPDATE organisation_terms SET "version"=?, document=? WHERE organisation_terms.org_id = ? AND organisation_terms."version" = ?;

-- bursar.accounts.terms._FIND
SELECT organisation_terms."version", organisation_terms.document
FROM organisation_terms
WHERE organisation_terms.org_id = ?;

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

-- bursar.attempts.repository.GIVE_UP
UPDATE attempts SET state=?, fence=(attempts.fence + ?), tries=?, next_look=? WHERE attempts.org_id = ? AND attempts.livemode = ? AND attempts.id = ? AND attempts.fence = ? AND attempts.next_look IS NOT NULL AND attempts.state = ?;

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
SELECT payment_intents.id, payment_intents.status, payment_intents.amount_minor, payment_intents.currency, payment_intents.attempt_id, payment_intents.document, payment_intents.wallet, payment_intents.service_fee_minor
FROM payment_intents
WHERE payment_intents.org_id = ? AND payment_intents.livemode = ? AND payment_intents.id > ? ORDER BY payment_intents.org_id, payment_intents.livemode, payment_intents.id LIMIT ?;

-- bursar.books.repository._SETUPS
SELECT setup_intents.id, setup_intents.status, setup_intents.attempt_id, setup_intents.document
FROM setup_intents
WHERE setup_intents.org_id = ? AND setup_intents.livemode = ? AND setup_intents.id > ? ORDER BY setup_intents.org_id, setup_intents.livemode, setup_intents.id LIMIT ?;

-- bursar.books.repository._CHARGES
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
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
SELECT balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type, balance_transactions.currency, balance_transactions.amount_minor, balance_transactions.fee_minor, balance_transactions.wallet
FROM balance_transactions
WHERE balance_transactions.org_id = ? AND balance_transactions.livemode = ? AND balance_transactions.id > ? ORDER BY balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id LIMIT ?;

-- bursar.books.repository._TRANSFERS
SELECT wallet_transfers.org_id, wallet_transfers.livemode, wallet_transfers.id, wallet_transfers.from_wallet_id, wallet_transfers.to_wallet_id, wallet_transfers.currency, wallet_transfers.amount_minor, wallet_transfers.document
FROM wallet_transfers
WHERE wallet_transfers.org_id = ? AND wallet_transfers.livemode = ? AND wallet_transfers.id > ? ORDER BY wallet_transfers.org_id, wallet_transfers.livemode, wallet_transfers.id LIMIT ?;

-- bursar.books.repository._WITHDRAWALS
SELECT withdrawals.org_id, withdrawals.livemode, withdrawals.id, withdrawals.wallet_id, withdrawals.ledger_name, withdrawals.status, withdrawals.currency, withdrawals.amount_minor, withdrawals."version", withdrawals.destination_sealed, withdrawals.document
FROM withdrawals
WHERE withdrawals.org_id = ? AND withdrawals.livemode = ? AND withdrawals.id > ? ORDER BY withdrawals.org_id, withdrawals.livemode, withdrawals.id LIMIT ?;

-- bursar.books.repository._WALLET_PAYMENTS
SELECT wallet_payments.org_id, wallet_payments.livemode, wallet_payments.id, wallet_payments.side, wallet_payments.wallet_id, wallet_payments.source_id, wallet_payments.other_org_id, wallet_payments.other_wallet_id, wallet_payments.currency, wallet_payments.total_minor, wallet_payments.service_fee_minor, wallet_payments.refunded_minor
FROM wallet_payments
WHERE wallet_payments.org_id = ? AND wallet_payments.livemode = ? AND wallet_payments.id > ? AND wallet_payments.side = ? ORDER BY wallet_payments.org_id, wallet_payments.livemode, wallet_payments.id LIMIT ?;

-- bursar.books.repository._LEDGER_NAMES
SELECT wallets.id, wallets.ledger_name
FROM wallets
WHERE wallets.org_id = ? AND wallets.livemode = ?;

-- bursar.books.repository._EVENTS
SELECT events.id, events.event_type, events.object_id, events."data"
FROM events
WHERE events.org_id = ? AND events.livemode = ? AND events.id > ? ORDER BY events.org_id, events.livemode, events.id LIMIT ?;

-- bursar.books.repository._POSTINGS
SELECT ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id, ledger_postings.amount_minor, ledger_postings.currency, ledger_postings.created, ledger_postings.operation_id, ledger_postings.hold_id
FROM ledger_postings
WHERE ledger_postings.org_id = ? AND ledger_postings.livemode = ? AND ledger_postings.account = ? AND ledger_postings.transaction_id > ? ORDER BY ledger_postings.org_id, ledger_postings.livemode, ledger_postings.account, ledger_postings.transaction_id LIMIT ?;

-- bursar.contracts.repository.INSERT
INSERT INTO contracts (org_id, livemode, acquirer, "version", status, created, ended) VALUES (?, ?, ?, ?, ?, ?, ?);

-- bursar.contracts.repository.UPDATE
UPDATE contracts SET "version"=(contracts."version" + ?), status=?, ended=? WHERE contracts.org_id = ? AND contracts.livemode = ? AND contracts.acquirer = ? AND contracts.status = ?;

-- bursar.contracts.repository._OF_ORGANISATION
SELECT contracts.org_id, contracts.livemode, contracts.acquirer, contracts."version", contracts.status, contracts.created, contracts.ended
FROM contracts
WHERE contracts.org_id = ? AND contracts.livemode = ? ORDER BY contracts.acquirer;

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

-- bursar.events.leases.INSERT
INSERT INTO work_leases (org_id, name, holder, "until") VALUES (?, ?, ?, ?);

-- bursar.events.leases.TAKE
UPDATE work_leases SET holder=?, "until"=? WHERE work_leases.org_id = ? AND work_leases.name = ? AND work_leases.holder = ? AND work_leases."until" = ?;

-- bursar.events.leases._FIND
SELECT work_leases.holder, work_leases."until"
FROM work_leases
WHERE work_leases.org_id = ? AND work_leases.name = ?;

-- bursar.events.leases._FIND_GROUP
SELECT work_leases.name, work_leases.holder
FROM work_leases
WHERE work_leases.org_id = ? AND work_leases.name > ? AND work_leases.name < ? AND work_leases."until" > ?;

-- bursar.events.reader.INSERT_CURSOR
INSERT INTO log_cursors (org_id, livemode, lane, reader, event_id, sequence_number) VALUES (?, ?, ?, ?, ?, ?);

-- bursar.events.reader.MOVE_CURSOR
UPDATE log_cursors SET event_id=?, sequence_number=? WHERE log_cursors.org_id = ? AND log_cursors.livemode = ? AND log_cursors.lane = ? AND log_cursors.reader = ? AND log_cursors.event_id = ?;

-- bursar.events.reader._FIND_CURSORS
SELECT log_cursors.lane, log_cursors.event_id
FROM log_cursors
WHERE log_cursors.org_id = ? AND log_cursors.livemode = ? AND log_cursors.reader = ?;

-- bursar.events.repository._FIND
SELECT events.id, events.lane, events.livemode, events.event_type, events.created, events.request_id, events.idempotency_key, events.api_version, events."data"
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

-- bursar.federation.repository.INSERT
INSERT INTO sign_in_providers (org_id, id, "version", sealed_secret, document, created) VALUES (?, ?, ?, ?, ?, ?);

-- bursar.federation.repository.UPDATE
UPDATE sign_in_providers SET "version"=?, sealed_secret=?, document=? WHERE sign_in_providers.org_id = ? AND sign_in_providers.id = ? AND sign_in_providers."version" = ?;

-- bursar.federation.repository.DELETE
DELETE FROM sign_in_providers WHERE sign_in_providers.org_id = ? AND sign_in_providers.id = ? AND sign_in_providers."version" = ?;

-- bursar.federation.repository.INSERT_IDENTITY
INSERT INTO identities (org_id, provider_id, subject_hash, user_id, created, seen) VALUES (?, ?, ?, ?, ?, ?);

-- bursar.federation.repository.SEEN
UPDATE identities SET seen=? WHERE identities.org_id = ? AND identities.provider_id = ? AND identities.subject_hash = ?;

-- bursar.federation.repository.FORGET
DELETE FROM identities WHERE identities.org_id = ? AND identities.provider_id = ?;

-- bursar.federation.repository._FIND_USER
SELECT identities.user_id
FROM identities
WHERE identities.org_id = ? AND identities.provider_id = ? AND identities.subject_hash = ?;

-- bursar.federation.repository._ALL
SELECT sign_in_providers.org_id, sign_in_providers.id, sign_in_providers."version", sign_in_providers.sealed_secret, sign_in_providers.document, sign_in_providers.created
FROM sign_in_providers
WHERE sign_in_providers.org_id = ? ORDER BY sign_in_providers.id;

-- bursar.hooks.repository.INSERT
INSERT INTO incoming_webhooks (org_id, livemode, id, connector, account, state, kind, received, next_at, tries, finished, reason, sender, request_id, named, body_length, body_digest, is_exact, headers_document, body_text, events_document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.hooks.repository.INSERT_EVENT
INSERT INTO incoming_webhook_events (org_id, livemode, connector, account, event_id, webhook_id, kind, state, received, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.hooks.repository.INSERT_SETTLEMENT
INSERT INTO announced_settlements (org_id, livemode, connector, account, settlement_id, announced, document) VALUES (?, ?, ?, ?, ?, ?, ?);

-- bursar.hooks.repository.CLAIM
UPDATE incoming_webhooks SET next_at=? WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id = ? AND incoming_webhooks.next_at = ?;

-- bursar.hooks.repository.END
UPDATE incoming_webhooks SET state=?, next_at=?, tries=(incoming_webhooks.tries + ?), finished=?, reason=? WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id = ? AND incoming_webhooks.next_at = ?;

-- bursar.hooks.repository.PROCESS_AGAIN
UPDATE incoming_webhooks SET state=?, kind=?, next_at=?, tries=?, finished=?, events_document=? WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id = ? AND incoming_webhooks.state = ? AND incoming_webhooks.tries = ?;

-- bursar.hooks.repository.FORGET_BODY
UPDATE incoming_webhooks SET is_exact=?, headers_document=?, body_text=? WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id = ?;

-- bursar.hooks.repository.DELETE
DELETE FROM incoming_webhooks WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id = ?;

-- bursar.hooks.repository._FIND
SELECT incoming_webhooks.org_id, incoming_webhooks.livemode, incoming_webhooks.id, incoming_webhooks.connector, incoming_webhooks.account, incoming_webhooks.state, incoming_webhooks.kind, incoming_webhooks.received, incoming_webhooks.next_at, incoming_webhooks.tries, incoming_webhooks.finished, incoming_webhooks.reason, incoming_webhooks.sender, incoming_webhooks.request_id, incoming_webhooks.named, incoming_webhooks.body_length, incoming_webhooks.body_digest, incoming_webhooks.is_exact, incoming_webhooks.headers_document, incoming_webhooks.body_text, incoming_webhooks.events_document
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id = ?;

-- bursar.hooks.repository._DUE
SELECT incoming_webhooks.org_id, incoming_webhooks.livemode, incoming_webhooks.id, incoming_webhooks.connector, incoming_webhooks.account, incoming_webhooks.state, incoming_webhooks.kind, incoming_webhooks.received, incoming_webhooks.next_at, incoming_webhooks.tries, incoming_webhooks.finished, incoming_webhooks.reason, incoming_webhooks.sender, incoming_webhooks.request_id, incoming_webhooks.named, incoming_webhooks.body_length, incoming_webhooks.body_digest, incoming_webhooks.is_exact, incoming_webhooks.headers_document, incoming_webhooks.body_text, incoming_webhooks.events_document
FROM incoming_webhooks
WHERE incoming_webhooks.state = ? AND incoming_webhooks.next_at <= ? ORDER BY incoming_webhooks.next_at LIMIT ?;

-- bursar.hooks.repository._FIND_EVENT
SELECT incoming_webhook_events.org_id, incoming_webhook_events.livemode, incoming_webhook_events.connector, incoming_webhook_events.account, incoming_webhook_events.event_id, incoming_webhook_events.webhook_id, incoming_webhook_events.kind, incoming_webhook_events.state, incoming_webhook_events.received, incoming_webhook_events.note
FROM incoming_webhook_events
WHERE incoming_webhook_events.org_id = ? AND incoming_webhook_events.livemode = ? AND incoming_webhook_events.connector = ? AND incoming_webhook_events.account = ? AND incoming_webhook_events.event_id = ?;

-- bursar.hooks.repository.FORGET_CONTRADICTED
DELETE FROM incoming_webhook_events WHERE incoming_webhook_events.org_id = ? AND incoming_webhook_events.livemode = ? AND incoming_webhook_events.connector = ? AND incoming_webhook_events.account = ? AND incoming_webhook_events.event_id = ? AND incoming_webhook_events.webhook_id = ? AND incoming_webhook_events.state = ?;

-- bursar.hooks.repository._FIND_SETTLEMENT
SELECT announced_settlements.document
FROM announced_settlements
WHERE announced_settlements.org_id = ? AND announced_settlements.livemode = ? AND announced_settlements.connector = ? AND announced_settlements.account = ? AND announced_settlements.settlement_id = ?;

-- bursar.hooks.repository._WAITING
SELECT incoming_webhooks.named, incoming_webhooks.events_document
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.state = ?;

-- bursar.hooks.repository._WITH_BODIES
SELECT incoming_webhooks.id
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id < ? AND incoming_webhooks.next_at IS NULL AND incoming_webhooks.headers_document IS NOT NULL ORDER BY incoming_webhooks.id LIMIT ?;

-- bursar.hooks.repository._OLD
SELECT incoming_webhooks.id
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id < ? AND incoming_webhooks.next_at IS NULL ORDER BY incoming_webhooks.id LIMIT ?;

-- bursar.hooks.repository._OLD_OF_STATE
SELECT incoming_webhooks.id
FROM incoming_webhooks
WHERE incoming_webhooks.org_id = ? AND incoming_webhooks.livemode = ? AND incoming_webhooks.id < ? AND incoming_webhooks.next_at IS NULL AND incoming_webhooks.state = ? ORDER BY incoming_webhooks.id LIMIT ?;

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
INSERT INTO balance_transactions (org_id, livemode, id, source_id, transaction_type, currency, amount_minor, fee_minor, net_minor, available_on, created, payout_id, document, wallet) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

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
SELECT balance_transactions.org_id, balance_transactions.livemode, balance_transactions.id, balance_transactions.source_id, balance_transactions.transaction_type, balance_transactions.currency, balance_transactions.amount_minor, balance_transactions.fee_minor, balance_transactions.net_minor, balance_transactions.available_on, balance_transactions.created, balance_transactions.payout_id, balance_transactions.document, balance_transactions.wallet
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

-- bursar.memberships.repository.INSERT_ROSTER
INSERT INTO member_rosters (org_id, "version", owners, second_factor_required) VALUES (?, ?, ?, ?);

-- bursar.memberships.repository.MOVE_ROSTER
UPDATE member_rosters SET "version"=?, owners=?, second_factor_required=? WHERE member_rosters.org_id = ? AND member_rosters."version" = ?;

-- bursar.memberships.repository._FIND_ROSTER
SELECT member_rosters.org_id, member_rosters."version", member_rosters.owners, member_rosters.second_factor_required
FROM member_rosters
WHERE member_rosters.org_id = ?;

-- bursar.memberships.repository.INSERT_MEMBER
INSERT INTO memberships (org_id, user_id, role, invited_by, created) VALUES (?, ?, ?, ?, ?);

-- bursar.memberships.repository.SET_ROLE
UPDATE memberships SET role=? WHERE memberships.org_id = ? AND memberships.user_id = ?;

-- bursar.memberships.repository.DELETE_MEMBER
DELETE FROM memberships WHERE memberships.org_id = ? AND memberships.user_id = ?;

-- bursar.memberships.repository._FIND_MEMBER
SELECT memberships.org_id, memberships.user_id, memberships.role, memberships.invited_by, memberships.created
FROM memberships
WHERE memberships.org_id = ? AND memberships.user_id = ?;

-- bursar.memberships.repository._COUNT_MEMBERS
SELECT count(*) AS count_1
FROM memberships
WHERE memberships.org_id = ?;

-- bursar.memberships.repository._HAS_ROLE
SELECT memberships.user_id
FROM memberships
WHERE memberships.org_id = ? AND memberships.role = ? LIMIT __[POSTCOMPILE_param_1];

-- bursar.memberships.repository.INSERT_DIRECTORY
INSERT INTO member_organisations (org_id, user_id, organisation) VALUES (?, ?, ?);

-- bursar.memberships.repository.DELETE_DIRECTORY
DELETE FROM member_organisations WHERE member_organisations.org_id = ? AND member_organisations.user_id = ? AND member_organisations.organisation = ?;

-- bursar.memberships.repository._ORGANISATIONS_OF
SELECT member_organisations.organisation
FROM member_organisations
WHERE member_organisations.org_id = ? AND member_organisations.user_id = ? ORDER BY member_organisations.organisation;

-- bursar.memberships.repository.INSERT_INVITATION
INSERT INTO invitations (org_id, id, email, role, state, round, invited_by, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.memberships.repository.SET_STATE
UPDATE invitations SET state=? WHERE invitations.org_id = ? AND invitations.id = ? AND invitations.state = ?;

-- bursar.memberships.repository.RENEW
UPDATE invitations SET round=?, expires=? WHERE invitations.org_id = ? AND invitations.id = ? AND invitations.state = ? AND invitations.round = ?;

-- bursar.memberships.repository._FIND_INVITATION
SELECT invitations.org_id, invitations.id, invitations.email, invitations.role, invitations.state, invitations.round, invitations.invited_by, invitations.created, invitations.expires
FROM invitations
WHERE invitations.org_id = ? AND invitations.id = ?;

-- bursar.memberships.repository._PENDING_FOR
SELECT invitations.org_id, invitations.id, invitations.email, invitations.role, invitations.state, invitations.round, invitations.invited_by, invitations.created, invitations.expires
FROM invitations
WHERE invitations.org_id = ? AND invitations.state = ? AND invitations.email = ?;

-- bursar.memberships.repository._COUNT_PENDING
SELECT count(*) AS count_1
FROM invitations
WHERE invitations.org_id = ? AND invitations.state = ? AND invitations.expires > ?;

-- bursar.memberships.repository._INVITED_TO
SELECT invitations.id
FROM invitations
WHERE invitations.org_id = ? AND invitations.state = ? AND invitations.role = ? LIMIT __[POSTCOMPILE_param_1];

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

-- bursar.notifications.repository.INSERT_MESSAGE
INSERT INTO notification_messages (org_id, livemode, id, event_id, channel, template, "language", recipient, user_id, "data", sealed, state, tries, next_at, problem, created, expires, finished) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.notifications.repository.CLAIM
UPDATE notification_messages SET state=?, tries=?, next_at=? WHERE notification_messages.org_id = ? AND notification_messages.livemode = ? AND notification_messages.id = ? AND notification_messages.state = ? AND notification_messages.tries = ?;

-- bursar.notifications.repository.SETTLE
UPDATE notification_messages SET sealed=?, state=?, next_at=?, problem=?, finished=? WHERE notification_messages.org_id = ? AND notification_messages.livemode = ? AND notification_messages.id = ? AND notification_messages.state = ? AND notification_messages.tries = ?;

-- bursar.notifications.repository.PARK
UPDATE notification_messages SET state=?, next_at=notification_messages.expires WHERE notification_messages.org_id = ? AND notification_messages.livemode = ? AND notification_messages.id = ? AND notification_messages.state = ? AND notification_messages.tries = ?;

-- bursar.notifications.repository.REVIVE
UPDATE notification_messages SET state=?, next_at=? WHERE notification_messages.state = ? AND notification_messages.channel != ?;

-- bursar.notifications.repository.GATHER
UPDATE notification_messages SET state=?, next_at=?, finished=? WHERE notification_messages.org_id = ? AND notification_messages.livemode = ? AND notification_messages.id = ? AND notification_messages.state = ?;

-- bursar.notifications.repository.FORGET
DELETE FROM notification_messages WHERE notification_messages.org_id = ? AND notification_messages.livemode = ? AND notification_messages.id = ? AND notification_messages.state = ?;

-- bursar.notifications.repository._FIND
SELECT notification_messages.org_id, notification_messages.livemode, notification_messages.id, notification_messages.event_id, notification_messages.channel, notification_messages.template, notification_messages."language", notification_messages.recipient, notification_messages.user_id, notification_messages."data", notification_messages.sealed, notification_messages.state, notification_messages.tries, notification_messages.next_at, notification_messages.problem, notification_messages.created, notification_messages.expires, notification_messages.finished
FROM notification_messages
WHERE notification_messages.org_id = ? AND notification_messages.livemode = ? AND notification_messages.id = ?;

-- bursar.notifications.repository._DUE
SELECT notification_messages.org_id, notification_messages.livemode, notification_messages.id, notification_messages.event_id, notification_messages.channel, notification_messages.template, notification_messages."language", notification_messages.recipient, notification_messages.user_id, notification_messages."data", notification_messages.sealed, notification_messages.state, notification_messages.tries, notification_messages.next_at, notification_messages.problem, notification_messages.created, notification_messages.expires, notification_messages.finished
FROM notification_messages
WHERE notification_messages.state = ? AND notification_messages.next_at <= ? ORDER BY notification_messages.state, notification_messages.next_at;

-- bursar.notifications.repository.INSERT_BRANDING
INSERT INTO notification_brandings (org_id, document, "version") VALUES (?, ?, ?);

-- bursar.notifications.repository.UPDATE_BRANDING
UPDATE notification_brandings SET document=?, "version"=? WHERE notification_brandings.org_id = ? AND notification_brandings."version" = ?;

-- bursar.notifications.repository._FIND_BRANDING
SELECT notification_brandings.org_id, notification_brandings.document, notification_brandings."version"
FROM notification_brandings
WHERE notification_brandings.org_id = ?;

-- bursar.notifications.repository.INSERT_PREFERENCES
INSERT INTO notification_preferences (org_id, user_id, document, "version") VALUES (?, ?, ?, ?);

-- bursar.notifications.repository.UPDATE_PREFERENCES
UPDATE notification_preferences SET document=?, "version"=? WHERE notification_preferences.org_id = ? AND notification_preferences.user_id = ? AND notification_preferences."version" = ?;

-- bursar.notifications.repository._FIND_PREFERENCES
SELECT notification_preferences.org_id, notification_preferences.user_id, notification_preferences.document, notification_preferences."version"
FROM notification_preferences
WHERE notification_preferences.org_id = ? AND notification_preferences.user_id = ?;

-- bursar.notifications.repository._PREFERENCES_OF_ORGANISATION
SELECT notification_preferences.user_id, notification_preferences.document
FROM notification_preferences
WHERE notification_preferences.org_id = ?;

-- bursar.notifications.repository.INSERT_TARGET
INSERT INTO notification_targets (org_id, id, document, sealed) VALUES (?, ?, ?, ?);

-- bursar.notifications.repository.DELETE_TARGET
DELETE FROM notification_targets WHERE notification_targets.org_id = ? AND notification_targets.id = ?;

-- bursar.notifications.repository._FIND_TARGET
SELECT notification_targets.org_id, notification_targets.id, notification_targets.document, notification_targets.sealed
FROM notification_targets
WHERE notification_targets.org_id = ? AND notification_targets.id = ?;

-- bursar.notifications.repository._TARGETS
SELECT notification_targets.org_id, notification_targets.id, notification_targets.document, notification_targets.sealed
FROM notification_targets
WHERE notification_targets.org_id = ? ORDER BY notification_targets.id;

-- bursar.notifications.repository._MEMBERS
SELECT users.id, users.email, users.name, users."locale", memberships.role
FROM memberships INNER JOIN users ON memberships.user_id = users.id
WHERE memberships.org_id = ? AND users.org_id = ? AND users.disabled = ? ORDER BY memberships.user_id LIMIT __[POSTCOMPILE_param_1];

-- bursar.payment_sessions.repository.INSERT
INSERT INTO payment_sessions (org_id, livemode, id, "version", status, secret_hash, wallet_id, amount_minor, service_fee_minor, currency, expires, due, tries, payment_intent, transaction_id, paid_by, answer, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.payment_sessions.repository.UPDATE
UPDATE payment_sessions SET "version"=?, status=?, due=?, tries=?, payment_intent=?, paid_by=?, answer=? WHERE payment_sessions.org_id = ? AND payment_sessions.livemode = ? AND payment_sessions.id = ? AND payment_sessions."version" = ?;

-- bursar.payment_sessions.repository.COUNT_TRY
UPDATE payment_sessions SET "version"=(payment_sessions."version" + ?), tries=(payment_sessions.tries + ?) WHERE payment_sessions.org_id = ? AND payment_sessions.livemode = ? AND payment_sessions.id = ?;

-- bursar.payment_sessions.repository._FIND
SELECT payment_sessions.org_id, payment_sessions.livemode, payment_sessions.id, payment_sessions."version", payment_sessions.status, payment_sessions.secret_hash, payment_sessions.wallet_id, payment_sessions.amount_minor, payment_sessions.service_fee_minor, payment_sessions.currency, payment_sessions.expires, payment_sessions.due, payment_sessions.tries, payment_sessions.payment_intent, payment_sessions.transaction_id, payment_sessions.paid_by, payment_sessions.answer, payment_sessions.document
FROM payment_sessions
WHERE payment_sessions.org_id = ? AND payment_sessions.livemode = ? AND payment_sessions.id = ?;

-- bursar.payment_sessions.repository._DUE
SELECT payment_sessions.org_id, payment_sessions.livemode, payment_sessions.id, payment_sessions."version", payment_sessions.status, payment_sessions.secret_hash, payment_sessions.wallet_id, payment_sessions.amount_minor, payment_sessions.service_fee_minor, payment_sessions.currency, payment_sessions.expires, payment_sessions.due, payment_sessions.tries, payment_sessions.payment_intent, payment_sessions.transaction_id, payment_sessions.paid_by, payment_sessions.answer, payment_sessions.document
FROM payment_sessions
WHERE payment_sessions.due <= ? ORDER BY payment_sessions.due LIMIT ?;

-- bursar.payment_sessions.transaction_repository.INSERT
INSERT INTO transactions (org_id, livemode, id, "version", code, direction, state, "method", amount_minor, service_fee_minor, refunded_minor, currency, wallet_id, session_id, payment_intent, wallet_payment, customer, reason, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.payment_sessions.transaction_repository.UPDATE
UPDATE transactions SET "version"=?, state=?, "method"=?, refunded_minor=?, payment_intent=?, wallet_payment=?, reason=?, document=? WHERE transactions.org_id = ? AND transactions.livemode = ? AND transactions.id = ? AND transactions."version" = ?;

-- bursar.payment_sessions.transaction_repository._FIND
SELECT transactions.org_id, transactions.livemode, transactions.id, transactions."version", transactions.code, transactions.direction, transactions.state, transactions."method", transactions.amount_minor, transactions.service_fee_minor, transactions.refunded_minor, transactions.currency, transactions.wallet_id, transactions.session_id, transactions.payment_intent, transactions.wallet_payment, transactions.customer, transactions.reason, transactions.document
FROM transactions
WHERE transactions.org_id = ? AND transactions.livemode = ? AND transactions.id = ?;

-- bursar.payment_sessions.transaction_repository._FIND_BY_CODE
SELECT transactions.org_id, transactions.livemode, transactions.id, transactions."version", transactions.code, transactions.direction, transactions.state, transactions."method", transactions.amount_minor, transactions.service_fee_minor, transactions.refunded_minor, transactions.currency, transactions.wallet_id, transactions.session_id, transactions.payment_intent, transactions.wallet_payment, transactions.customer, transactions.reason, transactions.document
FROM transactions
WHERE transactions.org_id = ? AND transactions.livemode = ? AND transactions.code = ?;

-- bursar.payment_sessions.transaction_repository._FIND_MANY
SELECT transactions.org_id, transactions.livemode, transactions.id, transactions."version", transactions.code, transactions.direction, transactions.state, transactions."method", transactions.amount_minor, transactions.service_fee_minor, transactions.refunded_minor, transactions.currency, transactions.wallet_id, transactions.session_id, transactions.payment_intent, transactions.wallet_payment, transactions.customer, transactions.reason, transactions.document
FROM transactions
WHERE transactions.org_id = ? AND transactions.livemode = ? AND transactions.id IN (__[POSTCOMPILE_ids]);

-- bursar.payments.charge_repository.INSERT
INSERT INTO charges (org_id, livemode, id, "version", payment_intent, customer, status, amount_minor, captured_minor, refunded_minor, disputed_minor, currency, connector, bank_reference, attempt_id, increments, document, wallet) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.payments.charge_repository.UPDATE
UPDATE charges SET "version"=?, customer=?, status=?, amount_minor=?, captured_minor=?, refunded_minor=?, disputed_minor=?, increments=?, document=? WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id = ? AND charges."version" = ?;

-- bursar.payments.charge_repository.RESERVE_REFUND
UPDATE charges SET "version"=(charges."version" + ?), refunded_minor=(charges.refunded_minor + ?) WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id = ? AND charges.disputed_minor = ? AND charges.captured_minor - charges.refunded_minor >= ?;

-- bursar.payments.charge_repository._FIND
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id = ?;

-- bursar.payments.charge_repository._FIND_OF_ATTEMPT
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.payment_intent = ? AND charges.attempt_id = ?;

-- bursar.payments.charge_repository._FIND_OF_BANK
SELECT charges.org_id, charges.livemode, charges.id, charges."version", charges.payment_intent, charges.customer, charges.status, charges.amount_minor, charges.captured_minor, charges.refunded_minor, charges.disputed_minor, charges.currency, charges.connector, charges.bank_reference, charges.attempt_id, charges.increments, charges.document, charges.wallet
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.payment_intent = ? AND charges.bank_reference = ? AND charges.status = ? ORDER BY charges.id DESC;

-- bursar.payments.repository.INSERT
INSERT INTO payment_intents (org_id, livemode, id, "version", status, amount_minor, currency, customer, attempt_id, authentication_id, document, wallet, service_fee_minor, transaction_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.payments.repository.UPDATE
UPDATE payment_intents SET "version"=?, status=?, amount_minor=?, currency=?, customer=?, attempt_id=?, authentication_id=?, document=? WHERE payment_intents.org_id = ? AND payment_intents.livemode = ? AND payment_intents.id = ? AND payment_intents."version" = ?;

-- bursar.payments.repository.INSERT_DEADLINE
INSERT INTO capture_deadlines (org_id, livemode, payment_intent, due) VALUES (?, ?, ?, ?);

-- bursar.payments.repository.DELETE_DEADLINE
DELETE FROM capture_deadlines WHERE capture_deadlines.org_id = ? AND capture_deadlines.livemode = ? AND capture_deadlines.payment_intent = ?;

-- bursar.payments.repository.POSTPONE_DEADLINE
UPDATE capture_deadlines SET due=? WHERE capture_deadlines.org_id = ? AND capture_deadlines.livemode = ? AND capture_deadlines.payment_intent = ?;

-- bursar.payments.repository._FIND
SELECT payment_intents."version", payment_intents.attempt_id, payment_intents.authentication_id, payment_intents.wallet, payment_intents.service_fee_minor, payment_intents.transaction_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = ? AND payment_intents.livemode = ? AND payment_intents.id = ?;

-- bursar.payments.repository._DUE
SELECT capture_deadlines.org_id, capture_deadlines.livemode, capture_deadlines.payment_intent, capture_deadlines.due
FROM capture_deadlines
WHERE capture_deadlines.due <= ? ORDER BY capture_deadlines.due LIMIT ?;

-- bursar.people.keys.INSERT
INSERT INTO signing_keys (org_id, key_number, kid, sealed, created, signs_from) VALUES (?, ?, ?, ?, ?, ?);

-- bursar.people.keys.DELETE
DELETE FROM signing_keys WHERE signing_keys.org_id = ? AND signing_keys.key_number = ?;

-- bursar.people.keys._ALL
SELECT signing_keys.org_id, signing_keys.key_number, signing_keys.kid, signing_keys.sealed, signing_keys.created, signing_keys.signs_from
FROM signing_keys
WHERE signing_keys.org_id = ? ORDER BY signing_keys.key_number;

-- bursar.people.lockout.INSERT
INSERT INTO sign_in_failures (org_id, subject_hash, failures, changed, locked_until, "version") VALUES (?, ?, ?, ?, ?, ?);

-- bursar.people.lockout.COUNT
UPDATE sign_in_failures SET failures=?, changed=?, locked_until=?, "version"=? WHERE sign_in_failures.org_id = ? AND sign_in_failures.subject_hash = ? AND sign_in_failures."version" = ?;

-- bursar.people.lockout.GIVE_BACK
UPDATE sign_in_failures SET failures=(sign_in_failures.failures - ?), locked_until=?, "version"=(sign_in_failures."version" + ?) WHERE sign_in_failures.org_id = ? AND sign_in_failures.subject_hash = ? AND sign_in_failures.failures > ?;

-- bursar.people.lockout.FORGIVE
UPDATE sign_in_failures SET failures=?, locked_until=?, "version"=(sign_in_failures."version" + ?) WHERE sign_in_failures.org_id = ? AND sign_in_failures.subject_hash = ?;

-- bursar.people.lockout._FAILURES
SELECT sign_in_failures.org_id, sign_in_failures.subject_hash, sign_in_failures.failures, sign_in_failures.changed, sign_in_failures.locked_until, sign_in_failures."version"
FROM sign_in_failures
WHERE sign_in_failures.org_id = ? AND sign_in_failures.subject_hash IN (__[POSTCOMPILE_s]);

-- bursar.people.lockout.INSERT_PLACE
INSERT INTO sign_in_places (org_id, user_id, place_hash, seen) VALUES (?, ?, ?, ?);

-- bursar.people.lockout.TOUCH_PLACE
UPDATE sign_in_places SET seen=? WHERE sign_in_places.org_id = ? AND sign_in_places.user_id = ? AND sign_in_places.place_hash = ?;

-- bursar.people.lockout._PLACES
SELECT sign_in_places.place_hash
FROM sign_in_places
WHERE sign_in_places.org_id = ? AND sign_in_places.user_id = ? AND sign_in_places.place_hash IN (__[POSTCOMPILE_p]) AND sign_in_places.seen > ?;

-- bursar.people.one_time.INSERT
INSERT INTO one_time_tokens (org_id, token_hash, purpose, subject, created, expires, used) VALUES (?, ?, ?, ?, ?, ?, ?);

-- bursar.people.one_time.USE
UPDATE one_time_tokens SET used=? WHERE one_time_tokens.org_id = ? AND one_time_tokens.token_hash = ? AND one_time_tokens.used IS NULL;

-- bursar.people.one_time._FIND
SELECT one_time_tokens.org_id, one_time_tokens.token_hash, one_time_tokens.purpose, one_time_tokens.subject, one_time_tokens.created, one_time_tokens.expires, one_time_tokens.used
FROM one_time_tokens
WHERE one_time_tokens.org_id = ? AND one_time_tokens.token_hash = ?;

-- bursar.people.repository.INSERT
INSERT INTO users (org_id, id, email, name, password_hash, email_verified, platform_admin, disabled, "locale", created, "version") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.people.repository.UPDATE
UPDATE users SET email=?, name=?, password_hash=?, email_verified=?, platform_admin=?, disabled=?, "locale"=?, "version"=? WHERE users.org_id = ? AND users.id = ? AND users."version" = ?;

-- bursar.people.repository._FIND
SELECT users.org_id, users.id, users.email, users.name, users.password_hash, users.email_verified, users.platform_admin, users.disabled, users."locale", users.created, users."version"
FROM users
WHERE users.org_id = ? AND users.id = ?;

-- bursar.people.repository._FIND_BY_EMAIL
SELECT users.org_id, users.id, users.email, users.name, users.password_hash, users.email_verified, users.platform_admin, users.disabled, users."locale", users.created, users."version"
FROM users
WHERE users.org_id = ? AND users.email = ?;

-- bursar.people.session_repository.INSERT
INSERT INTO sessions (org_id, id, user_id, organisation, methods, cookie_hash, remembered, created, proved_at, seen, expires, ended, address, user_agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.people.session_repository.END
UPDATE sessions SET ended=? WHERE sessions.org_id = ? AND sessions.id = ? AND sessions.ended IS NULL;

-- bursar.people.session_repository.PROVE
UPDATE sessions SET methods=?, proved_at=? WHERE sessions.org_id = ? AND sessions.id = ? AND sessions.ended IS NULL;

-- bursar.people.session_repository.TOUCH
UPDATE sessions SET seen=?, expires=? WHERE sessions.org_id = ? AND sessions.id = ? AND sessions.ended IS NULL;

-- bursar.people.session_repository.SWITCH
UPDATE sessions SET organisation=?, cookie_hash=? WHERE sessions.org_id = ? AND sessions.id = ? AND sessions.ended IS NULL;

-- bursar.people.session_repository.INSERT_REFRESH
INSERT INTO refresh_tokens (org_id, token_hash, session_id, created, expires, used) VALUES (?, ?, ?, ?, ?, ?);

-- bursar.people.session_repository.USE_REFRESH
UPDATE refresh_tokens SET used=? WHERE refresh_tokens.org_id = ? AND refresh_tokens.token_hash = ? AND refresh_tokens.used IS NULL;

-- bursar.people.session_repository._FIND
SELECT sessions.org_id, sessions.id, sessions.user_id, sessions.organisation, sessions.methods, sessions.cookie_hash, sessions.remembered, sessions.created, sessions.proved_at, sessions.seen, sessions.expires, sessions.ended, sessions.address, sessions.user_agent
FROM sessions
WHERE sessions.org_id = ? AND sessions.id = ?;

-- bursar.people.session_repository._FIND_BY_COOKIE
SELECT sessions.org_id, sessions.id, sessions.user_id, sessions.organisation, sessions.methods, sessions.cookie_hash, sessions.remembered, sessions.created, sessions.proved_at, sessions.seen, sessions.expires, sessions.ended, sessions.address, sessions.user_agent
FROM sessions
WHERE sessions.org_id = ? AND sessions.cookie_hash = ?;

-- bursar.people.session_repository._LIVING
SELECT sessions.org_id, sessions.id, sessions.user_id, sessions.organisation, sessions.methods, sessions.cookie_hash, sessions.remembered, sessions.created, sessions.proved_at, sessions.seen, sessions.expires, sessions.ended, sessions.address, sessions.user_agent
FROM sessions
WHERE sessions.org_id = ? AND sessions.user_id = ? AND sessions.ended IS NULL AND sessions.expires > ? ORDER BY sessions.id;

-- bursar.people.session_repository._FIND_REFRESH
SELECT refresh_tokens.org_id, refresh_tokens.token_hash, refresh_tokens.session_id, refresh_tokens.created, refresh_tokens.expires, refresh_tokens.used
FROM refresh_tokens
WHERE refresh_tokens.org_id = ? AND refresh_tokens.token_hash = ?;

-- bursar.processes.repository._INSERT
INSERT INTO running_processes (org_id, id, command, host, process_number, program_version, roles, started, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.processes.repository._SEEN
UPDATE running_processes SET roles=?, seen=? WHERE running_processes.org_id = ? AND running_processes.id = ?;

-- bursar.processes.repository._DELETE
DELETE FROM running_processes WHERE running_processes.org_id = ? AND running_processes.id = ?;

-- bursar.processes.repository._ALIVE
SELECT running_processes.org_id, running_processes.id, running_processes.command, running_processes.host, running_processes.process_number, running_processes.program_version, running_processes.roles, running_processes.started, running_processes.seen
FROM running_processes
WHERE running_processes.org_id = ? AND running_processes.seen >= ? ORDER BY running_processes.id LIMIT __[POSTCOMPILE_param_1];

-- bursar.processes.repository._FORGOTTEN
SELECT running_processes.id
FROM running_processes
WHERE running_processes.org_id = ? AND running_processes.seen < ? LIMIT __[POSTCOMPILE_param_1];

-- bursar.refunds.repository.INSERT
INSERT INTO refunds (org_id, livemode, id, "version", charge, payment_intent, status, amount_minor, currency, attempt_id, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.refunds.repository.UPDATE
UPDATE refunds SET "version"=?, status=?, document=? WHERE refunds.org_id = ? AND refunds.livemode = ? AND refunds.id = ? AND refunds."version" = ?;

-- bursar.refunds.repository._FIND
SELECT refunds.org_id, refunds.livemode, refunds.id, refunds."version", refunds.charge, refunds.payment_intent, refunds.status, refunds.amount_minor, refunds.currency, refunds.attempt_id, refunds.document
FROM refunds
WHERE refunds.org_id = ? AND refunds.livemode = ? AND refunds.id = ?;

-- bursar.second_factors.repository.INSERT_TOTP
INSERT INTO totp_secrets (org_id, user_id, sealed, created, confirmed, last_step) VALUES (?, ?, ?, ?, ?, ?);

-- bursar.second_factors.repository.DELETE_UNCONFIRMED_TOTP
DELETE FROM totp_secrets WHERE totp_secrets.org_id = ? AND totp_secrets.user_id = ? AND totp_secrets.confirmed IS NULL;

-- bursar.second_factors.repository.DELETE_TOTP
DELETE FROM totp_secrets WHERE totp_secrets.org_id = ? AND totp_secrets.user_id = ?;

-- bursar.second_factors.repository.SPEND_STEP
UPDATE totp_secrets SET sealed=?, confirmed=?, last_step=? WHERE totp_secrets.org_id = ? AND totp_secrets.user_id = ? AND totp_secrets.created = ? AND totp_secrets.last_step = ?;

-- bursar.second_factors.repository._FIND_TOTP
SELECT totp_secrets.org_id, totp_secrets.user_id, totp_secrets.sealed, totp_secrets.created, totp_secrets.confirmed, totp_secrets.last_step
FROM totp_secrets
WHERE totp_secrets.org_id = ? AND totp_secrets.user_id = ?;

-- bursar.second_factors.repository.INSERT_CODES
INSERT INTO recovery_codes (org_id, user_id, "version", hashes, created) VALUES (?, ?, ?, ?, ?);

-- bursar.second_factors.repository.DELETE_CODES
DELETE FROM recovery_codes WHERE recovery_codes.org_id = ? AND recovery_codes.user_id = ?;

-- bursar.second_factors.repository.UPDATE_CODES
UPDATE recovery_codes SET "version"=?, hashes=?, created=? WHERE recovery_codes.org_id = ? AND recovery_codes.user_id = ? AND recovery_codes."version" = ?;

-- bursar.second_factors.repository._FIND_CODES
SELECT recovery_codes.org_id, recovery_codes.user_id, recovery_codes."version", recovery_codes.hashes, recovery_codes.created
FROM recovery_codes
WHERE recovery_codes.org_id = ? AND recovery_codes.user_id = ?;

-- bursar.second_factors.repository.INSERT_PASSKEY
INSERT INTO passkeys (org_id, user_id, id, credential_hash, credential_id, public_key, sign_count, name, transports, backed_up, created, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.second_factors.repository.DELETE_PASSKEY
DELETE FROM passkeys WHERE passkeys.org_id = ? AND passkeys.user_id = ? AND passkeys.id = ?;

-- bursar.second_factors.repository.DELETE_PASSKEYS
DELETE FROM passkeys WHERE passkeys.org_id = ? AND passkeys.user_id = ?;

-- bursar.second_factors.repository.RENAME_PASSKEY
UPDATE passkeys SET name=? WHERE passkeys.org_id = ? AND passkeys.user_id = ? AND passkeys.id = ?;

-- bursar.second_factors.repository.USE_PASSKEY
UPDATE passkeys SET sign_count=?, backed_up=?, last_used=? WHERE passkeys.org_id = ? AND passkeys.user_id = ? AND passkeys.id = ? AND passkeys.sign_count = ?;

-- bursar.second_factors.repository._FIND_PASSKEY
SELECT passkeys.org_id, passkeys.user_id, passkeys.id, passkeys.credential_hash, passkeys.credential_id, passkeys.public_key, passkeys.sign_count, passkeys.name, passkeys.transports, passkeys.backed_up, passkeys.created, passkeys.last_used
FROM passkeys
WHERE passkeys.org_id = ? AND passkeys.user_id = ? AND passkeys.id = ?;

-- bursar.second_factors.repository._FIND_PASSKEY_BY_CREDENTIAL
SELECT passkeys.org_id, passkeys.user_id, passkeys.id, passkeys.credential_hash, passkeys.credential_id, passkeys.public_key, passkeys.sign_count, passkeys.name, passkeys.transports, passkeys.backed_up, passkeys.created, passkeys.last_used
FROM passkeys
WHERE passkeys.org_id = ? AND passkeys.credential_hash = ?;

-- bursar.second_factors.repository._PASSKEYS_OF
SELECT passkeys.org_id, passkeys.user_id, passkeys.id, passkeys.credential_hash, passkeys.credential_id, passkeys.public_key, passkeys.sign_count, passkeys.name, passkeys.transports, passkeys.backed_up, passkeys.created, passkeys.last_used
FROM passkeys
WHERE passkeys.org_id = ? AND passkeys.user_id = ? ORDER BY passkeys.id;

-- bursar.second_factors.repository._COUNT_PASSKEYS
SELECT count(*) AS count_1
FROM passkeys
WHERE passkeys.org_id = ? AND passkeys.user_id = ?;

-- bursar.second_factors.repository.INSERT_CODE_FACTOR
INSERT INTO code_factors (org_id, user_id, channel, recipient, created) VALUES (?, ?, ?, ?, ?);

-- bursar.second_factors.repository.DELETE_CODE_FACTOR
DELETE FROM code_factors WHERE code_factors.org_id = ? AND code_factors.user_id = ? AND code_factors.channel = ?;

-- bursar.second_factors.repository.DELETE_CODE_FACTORS
DELETE FROM code_factors WHERE code_factors.org_id = ? AND code_factors.user_id = ?;

-- bursar.second_factors.repository._CODE_FACTORS_OF
SELECT code_factors.org_id, code_factors.user_id, code_factors.channel, code_factors.recipient, code_factors.created
FROM code_factors
WHERE code_factors.org_id = ? AND code_factors.user_id = ? ORDER BY code_factors.channel;

-- bursar.second_factors.repository.INSERT_SENT
INSERT INTO sent_codes (org_id, user_id, purpose, channel, recipient, code_hash, tries, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.second_factors.repository.REPLACE_SENT
DELETE FROM sent_codes WHERE sent_codes.org_id = ? AND sent_codes.user_id = ? AND sent_codes.purpose = ?;

-- bursar.second_factors.repository.USE_SENT
DELETE FROM sent_codes WHERE sent_codes.org_id = ? AND sent_codes.user_id = ? AND sent_codes.purpose = ? AND sent_codes.code_hash = ? AND sent_codes.tries = ?;

-- bursar.second_factors.repository.COUNT_TRY
UPDATE sent_codes SET tries=? WHERE sent_codes.org_id = ? AND sent_codes.user_id = ? AND sent_codes.purpose = ? AND sent_codes.code_hash = ? AND sent_codes.tries = ?;

-- bursar.second_factors.repository.DELETE_SENT_CODES
DELETE FROM sent_codes WHERE sent_codes.org_id = ? AND sent_codes.user_id = ?;

-- bursar.second_factors.repository.FORGET_SENT_CODES
DELETE FROM sent_codes WHERE sent_codes.org_id = ? AND sent_codes.expires < ?;

-- bursar.second_factors.repository._FIND_SENT_CODE
SELECT sent_codes.org_id, sent_codes.user_id, sent_codes.purpose, sent_codes.channel, sent_codes.recipient, sent_codes.code_hash, sent_codes.tries, sent_codes.created, sent_codes.expires
FROM sent_codes
WHERE sent_codes.org_id = ? AND sent_codes.user_id = ? AND sent_codes.purpose = ?;

-- bursar.second_factors.repository.INSERT_SPENT
INSERT INTO spent_challenges (org_id, challenge_hash, expires) VALUES (?, ?, ?);

-- bursar.second_factors.repository._FIND_SPENT
SELECT spent_challenges.expires
FROM spent_challenges
WHERE spent_challenges.org_id = ? AND spent_challenges.challenge_hash = ?;

-- bursar.second_factors.repository.DELETE_SPENT
DELETE FROM spent_challenges WHERE spent_challenges.org_id = ? AND spent_challenges.expires < ?;

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

-- bursar.streams.repository.INSERT
INSERT INTO streams (org_id, livemode, id, "version", is_paused, credentials_sealed, document) VALUES (?, ?, ?, ?, ?, ?, ?);

-- bursar.streams.repository.INSERT_STATE
INSERT INTO stream_states (org_id, livemode, id, state, reason, detail, since, retry_at, published, referenced, last_event_id, last_published_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.streams.repository.CHANGE
UPDATE streams SET "version"=?, is_paused=?, credentials_sealed=?, document=? WHERE streams.org_id = ? AND streams.livemode = ? AND streams.id = ? AND streams."version" = ?;

-- bursar.streams.repository.DELETE
DELETE FROM streams WHERE streams.org_id = ? AND streams.livemode = ? AND streams.id = ? AND streams."version" = ?;

-- bursar.streams.repository.DELETE_STATE
DELETE FROM stream_states WHERE stream_states.org_id = ? AND stream_states.livemode = ? AND stream_states.id = ?;

-- bursar.streams.repository.DELETE_CURSORS
DELETE FROM log_cursors WHERE log_cursors.org_id = ? AND log_cursors.livemode = ? AND log_cursors.reader = ?;

-- bursar.streams.repository.TELL_STATE
UPDATE stream_states SET state=?, reason=?, detail=?, since=?, retry_at=? WHERE stream_states.org_id = ? AND stream_states.livemode = ? AND stream_states.id = ?;

-- bursar.streams.repository.TELL_PROGRESS
UPDATE stream_states SET published=(stream_states.published + ?), referenced=(stream_states.referenced + ?), last_event_id=?, last_published_at=? WHERE stream_states.org_id = ? AND stream_states.livemode = ? AND stream_states.id = ?;

-- bursar.streams.repository._JOINED
SELECT streams.org_id, streams.livemode, streams.id, streams."version", streams.is_paused, streams.credentials_sealed, streams.document, stream_states.state, stream_states.reason, stream_states.detail, stream_states.since, stream_states.retry_at, stream_states.published, stream_states.referenced, stream_states.last_event_id, stream_states.last_published_at
FROM streams INNER JOIN stream_states ON stream_states.org_id = streams.org_id AND stream_states.livemode = streams.livemode AND stream_states.id = streams.id;

-- bursar.streams.repository._FIND
SELECT streams.org_id, streams.livemode, streams.id, streams."version", streams.is_paused, streams.credentials_sealed, streams.document, stream_states.state, stream_states.reason, stream_states.detail, stream_states.since, stream_states.retry_at, stream_states.published, stream_states.referenced, stream_states.last_event_id, stream_states.last_published_at
FROM streams INNER JOIN stream_states ON stream_states.org_id = streams.org_id AND stream_states.livemode = streams.livemode AND stream_states.id = streams.id
WHERE streams.org_id = ? AND streams.livemode = ? AND streams.id = ?;

-- bursar.streams.repository._FIND_STATE
SELECT stream_states.org_id, stream_states.livemode, stream_states.id, stream_states.state, stream_states.reason, stream_states.detail, stream_states.since, stream_states.retry_at, stream_states.published, stream_states.referenced, stream_states.last_event_id, stream_states.last_published_at
FROM stream_states
WHERE stream_states.org_id = ? AND stream_states.livemode = ? AND stream_states.id = ?;

-- bursar.three_d_secure.repository.INSERT
INSERT INTO authentications (org_id, livemode, id, subject_id, secret, state, bank_reference, return_url) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.three_d_secure.repository.DECIDE
UPDATE authentications SET state=? WHERE authentications.org_id = ? AND authentications.livemode = ? AND authentications.id = ? AND authentications.state = ?;

-- bursar.three_d_secure.repository._FIND
SELECT authentications.org_id, authentications.livemode, authentications.id, authentications.subject_id, authentications.secret, authentications.state, authentications.bank_reference, authentications.return_url
FROM authentications
WHERE authentications.org_id = ? AND authentications.livemode = ? AND authentications.id = ?;

-- bursar.transactions.repository._CHARGES
SELECT charges.id, charges.disputed_minor, charges.document
FROM charges
WHERE charges.org_id = ? AND charges.livemode = ? AND charges.id IN (__[POSTCOMPILE_ids]);

-- bursar.transactions.repository._INTENTS
SELECT payment_intents.id, payment_intents.wallet, payment_intents.service_fee_minor, payment_intents.transaction_id, payment_intents.document
FROM payment_intents
WHERE payment_intents.org_id = ? AND payment_intents.livemode = ? AND payment_intents.id IN (__[POSTCOMPILE_ids]);

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

-- bursar.wallets.payment_repository.INSERT
INSERT INTO wallet_payments (org_id, livemode, id, side, wallet_id, source_id, other_org_id, other_wallet_id, currency, total_minor, service_fee_minor, refunded_minor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.wallets.payment_repository.REFUND
UPDATE wallet_payments SET refunded_minor=? WHERE wallet_payments.org_id = ? AND wallet_payments.livemode = ? AND wallet_payments.id = ? AND wallet_payments.side = ? AND wallet_payments.refunded_minor = ?;

-- bursar.wallets.payment_repository._FIND
SELECT wallet_payments.org_id, wallet_payments.livemode, wallet_payments.id, wallet_payments.side, wallet_payments.wallet_id, wallet_payments.source_id, wallet_payments.other_org_id, wallet_payments.other_wallet_id, wallet_payments.currency, wallet_payments.total_minor, wallet_payments.service_fee_minor, wallet_payments.refunded_minor
FROM wallet_payments
WHERE wallet_payments.org_id = ? AND wallet_payments.livemode = ? AND wallet_payments.id = ? AND wallet_payments.side = ?;

-- bursar.wallets.pin_repository.INSERT
INSERT INTO wallet_pins (org_id, livemode, wallet_id, pin_hash, tries, pauses, paused_until, "version") VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.wallets.pin_repository.CHANGE
UPDATE wallet_pins SET pin_hash=?, tries=?, pauses=?, paused_until=?, "version"=? WHERE wallet_pins.org_id = ? AND wallet_pins.livemode = ? AND wallet_pins.wallet_id = ? AND wallet_pins."version" = ?;

-- bursar.wallets.pin_repository._FIND
SELECT wallet_pins.org_id, wallet_pins.livemode, wallet_pins.wallet_id, wallet_pins.pin_hash, wallet_pins.tries, wallet_pins.pauses, wallet_pins.paused_until, wallet_pins."version"
FROM wallet_pins
WHERE wallet_pins.org_id = ? AND wallet_pins.livemode = ? AND wallet_pins.wallet_id = ?;

-- bursar.wallets.repository.INSERT
INSERT INTO wallets (org_id, livemode, id, code, name, currency, ledger_name, closed, "version") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.wallets.repository.INSERT_CODE
INSERT INTO wallet_codes (org_id, code, wallet_org_id, wallet_livemode, wallet_id) VALUES (?, ?, ?, ?, ?);

-- bursar.wallets.repository.INSERT_TRANSFER
INSERT INTO wallet_transfers (org_id, livemode, id, from_wallet_id, to_wallet_id, currency, amount_minor, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.wallets.repository.CHANGE
UPDATE wallets SET name=?, closed=?, "version"=? WHERE wallets.org_id = ? AND wallets.livemode = ? AND wallets.id = ? AND wallets."version" = ?;

-- bursar.wallets.repository.DEBIT
UPDATE wallets SET "version"=? WHERE wallets.org_id = ? AND wallets.livemode = ? AND wallets.id = ? AND wallets."version" = ? AND wallets.closed = ?;

-- bursar.wallets.repository.FENCE
UPDATE wallets SET "version"=? WHERE wallets.org_id = ? AND wallets.livemode = ? AND wallets.id = ? AND wallets."version" = ?;

-- bursar.wallets.repository._COUNT
SELECT count(*) AS count_1
FROM wallets
WHERE wallets.org_id = ? AND wallets.livemode = ?;

-- bursar.wallets.repository._WALLETS
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets."version", wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id;

-- bursar.wallets.repository._FIND
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets."version", wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id
WHERE wallets.org_id = ? AND wallets.livemode = ? AND wallets.id = ?;

-- bursar.wallets.repository._FIND_BY_LEDGER_NAME
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets."version", wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id
WHERE wallets.org_id = ? AND wallets.livemode = ? AND wallets.ledger_name = ?;

-- bursar.wallets.repository._FIND_MANY
SELECT wallets.org_id, wallets.livemode, wallets.id, wallets.code, wallets.name, wallets.currency, wallets.ledger_name, wallets.closed, wallets."version", wallet_pins.wallet_id AS pin_of
FROM wallets LEFT OUTER JOIN wallet_pins ON wallet_pins.org_id = wallets.org_id AND wallet_pins.livemode = wallets.livemode AND wallet_pins.wallet_id = wallets.id
WHERE wallets.org_id = ? AND wallets.livemode = ? AND wallets.id IN (__[POSTCOMPILE_ids]);

-- bursar.wallets.repository._WHOSE
SELECT wallet_codes.wallet_org_id, wallet_codes.wallet_livemode, wallet_codes.wallet_id
FROM wallet_codes
WHERE wallet_codes.org_id = ? AND wallet_codes.code = ?;

-- bursar.wallets.repository._FIND_TRANSFER
SELECT wallet_transfers.document
FROM wallet_transfers
WHERE wallet_transfers.org_id = ? AND wallet_transfers.livemode = ? AND wallet_transfers.id = ?;

-- bursar.webhooks.delivery_repository.INSERT
INSERT INTO webhook_deliveries (org_id, livemode, endpoint_id, event_id, status, event_type, sequence_number, pending_webhooks, tries, tries_before, next_at, finished_at, last_status_code, last_error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.webhooks.delivery_repository.INSERT_ATTEMPT
INSERT INTO webhook_attempts (org_id, livemode, endpoint_id, event_id, number, started, latency_milliseconds, status_code, error, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.webhooks.delivery_repository.INSERT_COUNTER
INSERT INTO webhook_counters (org_id, livemode, sequence_number) VALUES (?, ?, ?);

-- bursar.webhooks.delivery_repository.MOVE_COUNTER
UPDATE webhook_counters SET sequence_number=? WHERE webhook_counters.org_id = ? AND webhook_counters.livemode = ? AND webhook_counters.sequence_number = ?;

-- bursar.webhooks.delivery_repository.FINISH_TRY
UPDATE webhook_deliveries SET status=?, tries=?, next_at=?, finished_at=?, last_status_code=?, last_error=? WHERE webhook_deliveries.org_id = ? AND webhook_deliveries.livemode = ? AND webhook_deliveries.endpoint_id = ? AND webhook_deliveries.event_id = ? AND webhook_deliveries.status = ? AND webhook_deliveries.tries = ?;

-- bursar.webhooks.delivery_repository.SEND_AGAIN
UPDATE webhook_deliveries SET status=?, tries_before=webhook_deliveries.tries, next_at=?, finished_at=? WHERE webhook_deliveries.org_id = ? AND webhook_deliveries.livemode = ? AND webhook_deliveries.endpoint_id = ? AND webhook_deliveries.event_id = ?;

-- bursar.webhooks.delivery_repository.GIVE_UP
UPDATE webhook_deliveries SET status=?, next_at=?, finished_at=?, last_error=? WHERE webhook_deliveries.org_id = ? AND webhook_deliveries.livemode = ? AND webhook_deliveries.endpoint_id = ? AND webhook_deliveries.event_id = ? AND webhook_deliveries.status = ?;

-- bursar.webhooks.delivery_repository.DELETE
DELETE FROM webhook_deliveries WHERE webhook_deliveries.org_id = ? AND webhook_deliveries.livemode = ? AND webhook_deliveries.endpoint_id = ? AND webhook_deliveries.event_id = ?;

-- bursar.webhooks.delivery_repository.DELETE_ATTEMPTS
DELETE FROM webhook_attempts WHERE webhook_attempts.org_id = ? AND webhook_attempts.livemode = ? AND webhook_attempts.endpoint_id = ? AND webhook_attempts.event_id = ?;

-- bursar.webhooks.delivery_repository._FIND
SELECT webhook_deliveries.org_id, webhook_deliveries.livemode, webhook_deliveries.endpoint_id, webhook_deliveries.event_id, webhook_deliveries.status, webhook_deliveries.event_type, webhook_deliveries.sequence_number, webhook_deliveries.pending_webhooks, webhook_deliveries.tries, webhook_deliveries.tries_before, webhook_deliveries.next_at, webhook_deliveries.finished_at, webhook_deliveries.last_status_code, webhook_deliveries.last_error
FROM webhook_deliveries
WHERE webhook_deliveries.org_id = ? AND webhook_deliveries.livemode = ? AND webhook_deliveries.endpoint_id = ? AND webhook_deliveries.event_id = ?;

-- bursar.webhooks.delivery_repository._FIND_ATTEMPTS
SELECT webhook_attempts.org_id, webhook_attempts.livemode, webhook_attempts.endpoint_id, webhook_attempts.event_id, webhook_attempts.number, webhook_attempts.started, webhook_attempts.latency_milliseconds, webhook_attempts.status_code, webhook_attempts.error, webhook_attempts.answer
FROM webhook_attempts
WHERE webhook_attempts.org_id = ? AND webhook_attempts.livemode = ? AND webhook_attempts.endpoint_id = ? AND webhook_attempts.event_id = ? ORDER BY webhook_attempts.number;

-- bursar.webhooks.delivery_repository._FIND_COUNTER
SELECT webhook_counters.sequence_number
FROM webhook_counters
WHERE webhook_counters.org_id = ? AND webhook_counters.livemode = ?;

-- bursar.webhooks.repository.INSERT
INSERT INTO webhook_endpoints (org_id, livemode, id, "version", status, is_paused, wakes, failing_since, disabled_reason, disabled_at, secret_sealed, previous_secret_sealed, previous_secret_until, begins_behind, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.webhooks.repository.CHANGE
UPDATE webhook_endpoints SET "version"=?, status=?, is_paused=?, wakes=(webhook_endpoints.wakes + ?), failing_since=?, disabled_reason=?, disabled_at=?, secret_sealed=?, previous_secret_sealed=?, previous_secret_until=?, begins_behind=?, document=? WHERE webhook_endpoints.org_id = ? AND webhook_endpoints.livemode = ? AND webhook_endpoints.id = ? AND webhook_endpoints."version" = ?;

-- bursar.webhooks.repository.WAKE
UPDATE webhook_endpoints SET wakes=(webhook_endpoints.wakes + ?) WHERE webhook_endpoints.org_id = ? AND webhook_endpoints.livemode = ? AND webhook_endpoints.id = ?;

-- bursar.webhooks.repository.BEGIN_FAILING
UPDATE webhook_endpoints SET failing_since=? WHERE webhook_endpoints.org_id = ? AND webhook_endpoints.livemode = ? AND webhook_endpoints.id = ? AND webhook_endpoints.failing_since IS NULL;

-- bursar.webhooks.repository.END_FAILING
UPDATE webhook_endpoints SET failing_since=? WHERE webhook_endpoints.org_id = ? AND webhook_endpoints.livemode = ? AND webhook_endpoints.id = ?;

-- bursar.webhooks.repository.REMOVE
DELETE FROM webhook_endpoints WHERE webhook_endpoints.org_id = ? AND webhook_endpoints.livemode = ? AND webhook_endpoints.id = ? AND webhook_endpoints.status = ?;

-- bursar.webhooks.repository._FIND
SELECT webhook_endpoints.org_id, webhook_endpoints.livemode, webhook_endpoints.id, webhook_endpoints."version", webhook_endpoints.status, webhook_endpoints.is_paused, webhook_endpoints.wakes, webhook_endpoints.failing_since, webhook_endpoints.disabled_reason, webhook_endpoints.disabled_at, webhook_endpoints.secret_sealed, webhook_endpoints.previous_secret_sealed, webhook_endpoints.previous_secret_until, webhook_endpoints.begins_behind, webhook_endpoints.document
FROM webhook_endpoints
WHERE webhook_endpoints.org_id = ? AND webhook_endpoints.livemode = ? AND webhook_endpoints.id = ?;

-- bursar.webhooks.repository._COUNT
SELECT count(*) AS count_1
FROM webhook_endpoints
WHERE webhook_endpoints.org_id = ? AND webhook_endpoints.livemode = ? AND webhook_endpoints.status != ?;

-- bursar.webhooks.sweeping._FIND_OLD
SELECT webhook_deliveries.event_id
FROM webhook_deliveries
WHERE webhook_deliveries.org_id = ? AND webhook_deliveries.livemode = ? AND webhook_deliveries.endpoint_id = ? AND webhook_deliveries.event_id < ? AND webhook_deliveries.status = ? AND webhook_deliveries.finished_at < ? LIMIT __[POSTCOMPILE_param_1];

-- bursar.withdrawals.repository.INSERT
INSERT INTO withdrawals (org_id, livemode, id, wallet_id, ledger_name, status, currency, amount_minor, "version", destination_sealed, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.withdrawals.repository.CHANGE
UPDATE withdrawals SET status=?, "version"=?, document=? WHERE withdrawals.org_id = ? AND withdrawals.livemode = ? AND withdrawals.id = ? AND withdrawals."version" = ?;

-- bursar.withdrawals.repository._FIND
SELECT withdrawals.ledger_name, withdrawals."version", withdrawals.destination_sealed, withdrawals.document
FROM withdrawals
WHERE withdrawals.org_id = ? AND withdrawals.livemode = ? AND withdrawals.id = ?;
