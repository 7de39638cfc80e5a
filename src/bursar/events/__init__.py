"""The one log of what happened: sealed in the commit it tells of, and read by everything else."""
