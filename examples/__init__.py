"""Programs that use the service as a client does: over HTTP, with open_clip on their own side."""
