"""Harness for tests and benchmarks: it starts servers, gateways and whole stacks, and reads the ledger directly."""
