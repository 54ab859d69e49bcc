"""HTTP building blocks: problem+json, pagination, multipart, digests, Prefer."""
