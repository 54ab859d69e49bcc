"""The GPU side: Celery workers that claim merges, run them and commit versions."""
