"""Server-sent events of merges and lineages."""
