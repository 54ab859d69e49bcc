"""The demo: small CLIP models, fine-tuned here and merged one by one through the service, compared with averaging.

It is an HTTP client and imports nothing of the service.
"""
