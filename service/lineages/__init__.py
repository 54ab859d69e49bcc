"""Lineages with their aliases, rollbacks, branches and retention."""
