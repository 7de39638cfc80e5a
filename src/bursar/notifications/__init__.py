"""Tells people what happened: e-mails, text messages and pushes, all of them made of the log."""
