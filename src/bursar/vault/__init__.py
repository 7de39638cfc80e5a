"""The vault: card numbers under keys of their own, and nowhere else."""
