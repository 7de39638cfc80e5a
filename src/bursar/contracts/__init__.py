"""Contracts of organisations with acquirers: who takes whose payments."""
