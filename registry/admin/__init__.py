"""The operator's command `registry.admin`. It uses the stores directly, not the gateway."""
