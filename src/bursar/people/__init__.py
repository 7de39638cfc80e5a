"""The people who use the control plane: who they are, and how they prove it."""
