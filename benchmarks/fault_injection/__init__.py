"""Fault injection for `benchmarks.chaos`: a stack whose processes are killed, and a client that repeats requests."""
