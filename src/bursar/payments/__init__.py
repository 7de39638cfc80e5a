"""Payment intents and charges: the heart. One payment's way is told in docs/ARCHITECTURE.md."""
