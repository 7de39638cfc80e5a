from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table

from bursar.people.rules import EMAIL_LENGTH_MAX
from bursar.store.columns import id_column, key_text, metadata, org_id_column, people_text, timestamp_column

ROLE_LENGTH_MAX = 40

# One row for each organisation that every change of its members moves on: of two changes at once, one finds
# another version and looks again, so that both never take the last owner away.
member_rosters = Table(
    "member_rosters",
    metadata,
    org_id_column(),
    Column("version", BigInteger, nullable=False),
    Column("owners", Integer, nullable=False),
    # Whether members without a second factor may do nothing here but set one up.
    Column("second_factor_required", SmallInteger, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    org_id_column(),
    id_column("user_id"),
    # A built-in role's name, or the id of one of the organisation's own.
    Column("role", key_text(ROLE_LENGTH_MAX), nullable=False),
    Column("invited_by", key_text(60), nullable=True),
    timestamp_column("created"),
)

# The same the other way round, for whoever signs in: it belongs to the installation.
member_organisations = Table(
    "member_organisations",
    metadata,
    org_id_column(),
    id_column("user_id"),
    id_column("organisation"),
)

invitations = Table(
    "invitations",
    metadata,
    org_id_column(),
    id_column(),
    Column("email", people_text(EMAIL_LENGTH_MAX), nullable=False),
    Column("role", key_text(ROLE_LENGTH_MAX), nullable=False),
    Column("state", key_text(20), nullable=False),
    # Counted up whenever it is sent again: only the last one's link works.
    Column("round", Integer, nullable=False),
    Column("invited_by", key_text(60), nullable=False),
    timestamp_column("created"),
    timestamp_column("expires"),
    Index("ix_invitations_state", "org_id", "state", "id"),
)
