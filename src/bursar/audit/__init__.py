"""Who looked at what, who was refused, and the whole log for those who may read it."""
