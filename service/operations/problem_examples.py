"""One example of every error, as the core raises it: the OpenAPI document shows what the service then answers."""

from registry import errors

_DIGEST = f"sha256:{'3c' * 32}"
_OTHER = f"sha256:{'a7' * 32}"
_DIFFERENCES = (
    "visual.proj has shape [64, 16], expected [64, 32]",
    "visual.ln_post.bias is missing (expected F32 [64])",
)

EXAMPLES: tuple[errors.OdemError, ...] = (
    errors.OdemError("The error was logged. Nothing was stored by this request."),
    errors.NotFound("The lineage 'plain' has no architecture, so plain@1 has no open_clip config."),
    errors.LineageNotFound("birds"),
    errors.VersionNotFound("birds@7"),
    errors.MergeNotFound("mrg_5f0c6d7a1b2c3d4e5f607182"),
    errors.BlobNotFound(_DIGEST),
    errors.AliasNotFound("birds", "production"),
    errors.UploadNotFound("5f0c6d7a1b2c3d4e5f60718293a4b5c6"),
    errors.KeyNotFound("5f0c6d7a1b2c3d4e"),
    errors.WebhookNotFound("birds", "whk_5f0c6d7a1b2c3d4e5f607182"),
    errors.NotAuthenticated(given=True),
    errors.NotAllowed("This key has the scope 'read'; this needs 'merge'.", "merge"),
    errors.HostRefused("Without API keys the gateway responds to loopback host names only, not to 'example.com'."),
    errors.OriginRefused("Without API keys the gateway takes no requests of pages from another origin."),
    errors.TooManyRequests("This key may ask 100 times a second in the long run.", 1),
    errors.QuotaExceeded("This key has 20 merges that have not ended, and may have no more (quota queued_merges).", 10),
    errors.Conflict("The request contradicts what is stored."),
    errors.LineageExists("birds"),
    errors.MergeEnded("mrg_5f0c6d7a1b2c3d4e5f607182", "succeeded"),
    errors.AliasChanged("birds", "production"),
    errors.WeightsChanged("birds@latest"),
    errors.RangeOutside(605_171_020),
    errors.UploadBusy("5f0c6d7a1b2c3d4e5f60718293a4b5c6"),
    errors.OffsetMismatch(67_108_864, 0),
    errors.VersionRetired("birds@2"),
    errors.InvalidInput("The input cannot be used."),
    errors.IdempotencyKeyBusy(30),
    errors.IdempotencyKeyReused(),
    errors.InvalidRecord("The merge document is not valid: task.name: Field required"),
    errors.UnknownArchitecture("open_clip knows no model 'ViT-B-31'. Close names: ViT-B-32, ViT-B-16."),
    errors.ArchitectureMismatch("The base is not of this architecture: visual.proj is missing (expected [768, 512])."),
    errors.MethodUnavailable("The lineage 'plain' has no architecture, so it cannot run 'ode'."),
    errors.NotSafetensors("The file ends before its safetensors header is complete: it is truncated."),
    errors.PickleRefused("This is a zip archive, as torch.save writes it. Pickles are never accepted."),
    errors.TensorMismatch(f"The checkpoint does not match the lineage's base: {_DIFFERENCES[0]}.", _DIFFERENCES),
    errors.CalibrationInvalid("labels[17] is 10; with 10 classes a label is 0 to 9."),
    errors.MalformedUpload("The connection closed before the body was complete. Nothing was stored."),
    errors.EncodingUnsupported("gzip"),
    errors.MediaTypeUnsupported("The bytes of an upload come as application/offset+octet-stream, not as 'text/plain'."),
    errors.TusVersionUnsupported(None, "1.0.0"),
    errors.TooLarge("The JSON document has more than 4194304 bytes (ODEM_MAX_JSON_BYTES)."),
    errors.DigestMismatch(_DIGEST, _OTHER),
    errors.ChecksumMismatch("sha1"),
    errors.TooManyUploads(64),
    errors.SenderTooSlow(30.0),
    errors.StorageFull("The disk of the data folder has no room for these bytes. Free some room."),
    errors.StoreUnavailable("The state store does not respond (ConnectionError). Retry in a moment."),
    errors.Overloaded("1000 watchers wait for events already (ODEM_MAX_WATCHERS). Try again later."),
    errors.LeaseLost("The lease of mrg_5f0c6d7a1b2c3d4e5f607182 with fence 3 is no longer the newest."),
)
"""A class that is missing here fails a test."""
