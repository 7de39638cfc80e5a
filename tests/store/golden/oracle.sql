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

CREATE TABLE deleted_customers (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    id VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_deleted_customers PRIMARY KEY (org_id, livemode, id)
);

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

CREATE TABLE organisations (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    name VARCHAR2(200 CHAR) NOT NULL,
    created NUMBER(19) NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (org_id)
);

CREATE TABLE search_terms (
    org_id VARCHAR2(40 CHAR) NOT NULL,
    livemode SMALLINT NOT NULL,
    term VARCHAR2(32 CHAR) NOT NULL,
    object_id VARCHAR2(40 CHAR) NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (org_id, livemode, term, object_id)
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

-- bursar.http.idempotency.INSERT
INSERT INTO idempotency_keys (org_id, livemode, idempotency_key, created, fingerprint, request_id, status, body) VALUES (:org_id, :livemode, :idempotency_key, :created, :fingerprint, :request_id, :status, :body);

-- bursar.http.idempotency._FIND
SELECT idempotency_keys.fingerprint, idempotency_keys.request_id, idempotency_keys.status, idempotency_keys.body
FROM idempotency_keys
WHERE idempotency_keys.org_id = :o AND idempotency_keys.livemode = :m AND idempotency_keys.idempotency_key = :k;

-- bursar.http.idempotency._DELETE
DELETE FROM idempotency_keys WHERE idempotency_keys.org_id = :o AND idempotency_keys.livemode = :m AND idempotency_keys.idempotency_key = :k;

-- bursar.store.search_index.INSERT_TERM
INSERT INTO search_terms (org_id, livemode, term, object_id) VALUES (:org_id, :livemode, :term, :object_id);

-- bursar.store.search_index.DELETE_TERM
DELETE FROM search_terms WHERE search_terms.org_id = :o AND search_terms.livemode = :m AND search_terms.term = :t AND search_terms.object_id = :i;
