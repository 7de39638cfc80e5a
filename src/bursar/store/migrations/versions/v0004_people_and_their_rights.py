"""People, sessions, members, second factors, sign-in providers, roles; what keys may be bound to."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger, UniqueConstraint

from bursar.store.columns import document_text, key_text, people_text

revision = "0004"
down_revision = "0003"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _accounts()
    _people()
    _memberships()
    _second_factors()
    _federation()
    _events()


def _accounts() -> None:
    op.create_table(
        "organisation_codes",
        _org_id(),
        Column("code", key_text(20), nullable=False),
        Column("organisation", key_text(40), nullable=False),
        PrimaryKeyConstraint("org_id", "code", name="pk_organisation_codes"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "organisation_terms",
        _org_id(),
        Column("version", Integer, nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", name="pk_organisation_terms"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "own_roles",
        _org_id(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "id", name="pk_own_roles"),
        **TABLE_OPTIONS,
    )


def _people() -> None:
    op.create_table(
        "users",
        _org_id(),
        _id(),
        Column("email", people_text(254), nullable=False),
        Column("name", people_text(200), nullable=False),
        Column("password_hash", key_text(255)),
        Column("email_verified", SmallInteger, nullable=False),
        Column("platform_admin", SmallInteger, nullable=False),
        Column("disabled", SmallInteger, nullable=False),
        Column("locale", key_text(35)),
        Column("created", BigInteger, nullable=False),
        Column("version", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "id", name="pk_users"),
        UniqueConstraint("org_id", "email", name="uq_users_org_id_email"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "sessions",
        _org_id(),
        _id(),
        Column("user_id", key_text(40), nullable=False),
        Column("organisation", key_text(40)),
        Column("methods", key_text(200), nullable=False),
        Column("cookie_hash", key_text(64)),
        Column("remembered", SmallInteger, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("proved_at", BigInteger, nullable=False),
        Column("seen", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("ended", BigInteger),
        Column("address", key_text(64)),
        Column("user_agent", key_text(300)),
        PrimaryKeyConstraint("org_id", "id", name="pk_sessions"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_sessions_cookie", "sessions", ["org_id", "cookie_hash"])
    op.create_index("ix_sessions_expires", "sessions", ["org_id", "expires"])
    op.create_index("ix_sessions_user", "sessions", ["org_id", "user_id", "id"])
    op.create_table(
        "refresh_tokens",
        _org_id(),
        Column("token_hash", key_text(64), nullable=False),
        Column("session_id", key_text(40), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("used", BigInteger),
        PrimaryKeyConstraint("org_id", "token_hash", name="pk_refresh_tokens"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_refresh_tokens_expires", "refresh_tokens", ["org_id", "expires"])
    op.create_table(
        "signing_keys",
        _org_id(),
        Column("key_number", Integer, nullable=False, autoincrement=False),
        Column("kid", key_text(64), nullable=False),
        Column("sealed", document_text(), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("signs_from", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "key_number", name="pk_signing_keys"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "sign_in_failures",
        _org_id(),
        Column("subject_hash", key_text(64), nullable=False),
        Column("failures", Integer, nullable=False),
        Column("changed", BigInteger, nullable=False),
        Column("locked_until", BigInteger, nullable=False),
        Column("version", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "subject_hash", name="pk_sign_in_failures"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_sign_in_failures_changed", "sign_in_failures", ["org_id", "changed"])
    op.create_table(
        "sign_in_places",
        _org_id(),
        _id("user_id"),
        Column("place_hash", key_text(64), nullable=False),
        Column("seen", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "user_id", "place_hash", name="pk_sign_in_places"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_sign_in_places_seen", "sign_in_places", ["org_id", "seen"])
    op.create_table(
        "one_time_tokens",
        _org_id(),
        Column("token_hash", key_text(64), nullable=False),
        Column("purpose", key_text(40), nullable=False),
        Column("subject", document_text(), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("used", BigInteger),
        PrimaryKeyConstraint("org_id", "token_hash", name="pk_one_time_tokens"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_one_time_tokens_expires", "one_time_tokens", ["org_id", "expires"])


def _memberships() -> None:
    op.create_table(
        "member_rosters",
        _org_id(),
        Column("version", BigInteger, nullable=False),
        Column("owners", Integer, nullable=False),
        Column("second_factor_required", SmallInteger, nullable=False),
        PrimaryKeyConstraint("org_id", name="pk_member_rosters"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "memberships",
        _org_id(),
        _id("user_id"),
        Column("role", key_text(40), nullable=False),
        Column("invited_by", key_text(60)),
        Column("created", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "user_id", name="pk_memberships"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "member_organisations",
        _org_id(),
        _id("user_id"),
        _id("organisation"),
        PrimaryKeyConstraint("org_id", "user_id", "organisation", name="pk_member_organisations"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "invitations",
        _org_id(),
        _id(),
        Column("email", people_text(254), nullable=False),
        Column("role", key_text(40), nullable=False),
        Column("state", key_text(20), nullable=False),
        Column("round", Integer, nullable=False),
        Column("invited_by", key_text(60), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "id", name="pk_invitations"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_invitations_state", "invitations", ["org_id", "state", "id"])


def _second_factors() -> None:
    op.create_table(
        "totp_secrets",
        _org_id(),
        _id("user_id"),
        Column("sealed", document_text(), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("confirmed", BigInteger),
        Column("last_step", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "user_id", name="pk_totp_secrets"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "recovery_codes",
        _org_id(),
        _id("user_id"),
        Column("version", BigInteger, nullable=False),
        Column("hashes", document_text(), nullable=False),
        Column("created", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "user_id", name="pk_recovery_codes"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "passkeys",
        _org_id(),
        _id("user_id"),
        _id(),
        Column("credential_hash", key_text(64), nullable=False),
        Column("credential_id", document_text(), nullable=False),
        Column("public_key", document_text(), nullable=False),
        Column("sign_count", BigInteger, nullable=False),
        Column("name", people_text(100), nullable=False),
        Column("transports", document_text(), nullable=False),
        Column("backed_up", SmallInteger, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("last_used", BigInteger),
        PrimaryKeyConstraint("org_id", "user_id", "id", name="pk_passkeys"),
        UniqueConstraint("org_id", "credential_hash", name="uq_passkeys_credential"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "spent_challenges",
        _org_id(),
        Column("challenge_hash", key_text(64), nullable=False),
        Column("expires", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "challenge_hash", name="pk_spent_challenges"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_spent_challenges_expires", "spent_challenges", ["org_id", "expires"])


def _federation() -> None:
    op.create_table(
        "sign_in_providers",
        _org_id(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("sealed_secret", document_text()),
        Column("document", document_text(), nullable=False),
        Column("created", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "id", name="pk_sign_in_providers"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "identities",
        _org_id(),
        _id("provider_id"),
        Column("subject_hash", key_text(64), nullable=False),
        Column("user_id", key_text(40), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("seen", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "provider_id", "subject_hash", name="pk_identities"),
        **TABLE_OPTIONS,
    )


def _events() -> None:
    op.create_table(
        "log_cursors",
        _org_id(),
        _livemode(),
        Column("lane", Integer, nullable=False, autoincrement=False),
        Column("reader", key_text(60), nullable=False),
        Column("event_id", key_text(40), nullable=False),
        Column("sequence_number", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "lane", "reader", name="pk_log_cursors"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "work_leases",
        _org_id(),
        Column("name", key_text(80), nullable=False),
        Column("holder", people_text(80), nullable=False),
        Column("until", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "name", name="pk_work_leases"),
        **TABLE_OPTIONS,
    )
