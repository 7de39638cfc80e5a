"""Which processes of this installation run, and what each of them does by itself."""
