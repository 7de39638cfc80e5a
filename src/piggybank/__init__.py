"""PiggyBank: the bank simulator, a program of its own. It imports nothing of Bursar."""
