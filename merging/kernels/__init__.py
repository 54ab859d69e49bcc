"""Streaming kernels of the merge methods: API, compiled loops, dtype input and output."""
