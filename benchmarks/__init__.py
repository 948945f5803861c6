"""Measured claims: each module prints one table."""
