"""Everything that talks to a database: engines, the group-committing writer, readers, migrations."""
