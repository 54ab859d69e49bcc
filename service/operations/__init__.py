"""Health, metrics, the API reference and periodic work."""
