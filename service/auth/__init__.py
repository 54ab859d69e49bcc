"""API keys, rate limits and stores scoped to a key."""
