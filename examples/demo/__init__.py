"""The demo: small CLIP models, fine-tuned here, merged one by one through the service, and what came of it.

It is a client: it speaks HTTP with the service and knows nothing of its inside.
"""
