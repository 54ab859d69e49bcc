"""Webhooks: routes, dispatcher and the SSRF-safe HTTP client."""
