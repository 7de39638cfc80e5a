"""What every layer may use; imports nothing of ours outside this folder."""
