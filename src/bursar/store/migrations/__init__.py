"""The schema's history. Each file in versions/ is one step, and never changes once released."""

# The newest step; a test holds it against the files.
HEAD = "0011"
