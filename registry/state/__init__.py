"""The state store: lineages, versions and merges, with every change of state guarded at the store."""
