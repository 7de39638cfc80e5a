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

CREATE TABLE deleted_customers (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR(40) NOT NULL,
    CONSTRAINT pk_deleted_customers PRIMARY KEY (org_id, livemode, id)
);

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

CREATE TABLE organisations (
    org_id VARCHAR(40) NOT NULL,
    name VARCHAR(200) NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (org_id)
);

CREATE TABLE search_terms (
    org_id VARCHAR(40) NOT NULL,
    livemode SMALLINT NOT NULL,
    term VARCHAR(32) NOT NULL,
    object_id VARCHAR(40) NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (org_id, livemode, term, object_id)
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

-- bursar.http.idempotency.INSERT
INSERT INTO idempotency_keys (org_id, livemode, idempotency_key, created, fingerprint, request_id, status, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- bursar.http.idempotency._FIND
SELECT idempotency_keys.fingerprint, idempotency_keys.request_id, idempotency_keys.status, idempotency_keys.body
FROM idempotency_keys
WHERE idempotency_keys.org_id = ? AND idempotency_keys.livemode = ? AND idempotency_keys.idempotency_key = ?;

-- bursar.http.idempotency._DELETE
DELETE FROM idempotency_keys WHERE idempotency_keys.org_id = ? AND idempotency_keys.livemode = ? AND idempotency_keys.idempotency_key = ?;

-- bursar.store.search_index.INSERT_TERM
INSERT INTO search_terms (org_id, livemode, term, object_id) VALUES (?, ?, ?, ?);

-- bursar.store.search_index.DELETE_TERM
DELETE FROM search_terms WHERE search_terms.org_id = ? AND search_terms.livemode = ? AND search_terms.term = ? AND search_terms.object_id = ?;
