"""The owner's command: rebuild, verify, collect, retention. It talks to the stores themselves, not to the gateway."""
