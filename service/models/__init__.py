"""Versions: records, weights, configs and comparisons."""
