"""The gateway: HTTP routes, streaming uploads and downloads, problem+json. It has no torch and runs no merge."""
