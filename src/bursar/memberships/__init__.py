"""Who belongs to which organisation, as what, and how people are invited."""
