"""What is measured, against what. `make bench`; docs/guides/benchmarks.md says how to read it."""
