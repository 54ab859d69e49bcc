"""Programs that use the service as anybody could: over HTTP, with open_clip on their own side."""
