"""One row for each process: when it was last alive, and what it works at."""

from sqlalchemy import Column, Integer, Table

from bursar.store.columns import id_column, key_text, metadata, org_id_column, people_text, timestamp_column

ROLES_LENGTH_MAX = 400

# Belongs to the installation.
running_processes = Table(
    "running_processes",
    metadata,
    org_id_column(),
    id_column(),
    Column("command", key_text(20), nullable=False),
    Column("host", people_text(60), nullable=False),
    Column("process_number", Integer, nullable=False),
    Column("program_version", key_text(40), nullable=False),
    Column("roles", key_text(ROLES_LENGTH_MAX), nullable=False),
    timestamp_column("started"),
    timestamp_column("seen"),
)
