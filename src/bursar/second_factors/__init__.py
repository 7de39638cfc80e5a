"""What people prove themselves with besides a password: one-time codes, recovery codes, passkeys."""
