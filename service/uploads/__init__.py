"""Blobs and resumable uploads (tus 1.0)."""
