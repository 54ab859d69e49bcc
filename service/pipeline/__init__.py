"""The request pipeline: authenticate, rate limit, idempotency, quota, handler; audit log and metrics."""
