"""The blob store: bytes by digest, written once."""
