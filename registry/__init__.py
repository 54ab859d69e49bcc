"""The ledger and the shelves: records, state store and blob store, shared by the gateway and the worker."""

CODE_VERSION = "0.1.0"
"""The release of odem, which every version's provenance names."""
