"""Problem types (RFC 9457): one table from the registry's errors to HTTP statuses."""

from pydantic import BaseModel, Field

from registry import errors


class InvalidField(BaseModel):
    """One error in a request."""

    where: str = Field(description="Path to the field, such as `query.limit` or `body.version`.")
    what: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """An error response. Source: RFC 9457."""

    type: str = Field(description="The problem type; stable.", examples=["/problems/tensor-mismatch"])
    title: str = Field(description="A short summary of the problem type.", examples=["Merge not found"])
    status: int = Field(description="The HTTP status code.", examples=[404])
    detail: str = Field(description="What happened and what to do.")
    errors: list[InvalidField] = Field([], description="invalid-document only: all errors in the request.")
    differences: list[str] = Field([], description="tensor-mismatch only: differences from the lineage's base.")


PROBLEM_TYPES: dict[type[errors.OdemError], tuple[int, str, str]] = {
    errors.OdemError: (500, "internal", "Internal server error"),
    errors.NotFound: (404, "not-found", "Not found"),
    errors.LineageNotFound: (404, "lineage-not-found", "Lineage not found"),
    errors.VersionNotFound: (404, "version-not-found", "Version not found"),
    errors.MergeNotFound: (404, "merge-not-found", "Merge not found"),
    errors.BlobNotFound: (404, "blob-not-found", "Blob not found"),
    errors.TaskNotFound: (404, "task-not-found", "Task not found"),
    errors.AliasNotFound: (404, "alias-not-found", "Alias not found"),
    errors.KeyNotFound: (404, "key-not-found", "API key not found"),
    errors.WebhookNotFound: (404, "webhook-not-found", "Webhook not found"),
    errors.NotAuthenticated: (401, "not-authenticated", "API key required"),
    errors.NotAllowed: (403, "not-allowed", "Not allowed for this API key"),
    errors.HostRefused: (421, "host-refused", "Host not served"),
    errors.OriginRefused: (403, "origin-refused", "Cross-origin request refused"),
    errors.TooManyRequests: (429, "too-many-requests", "Rate limit exceeded"),
    errors.QuotaExceeded: (429, "quota-exceeded", "Quota exceeded"),
    errors.UploadNotFound: (404, "upload-not-found", "Upload not found"),
    errors.Conflict: (409, "conflict", "Conflict with the current state"),
    errors.LineageExists: (409, "lineage-exists", "Lineage already exists"),
    errors.MergeEnded: (409, "merge-ended", "Merge has already ended"),
    errors.IdempotencyKeyBusy: (409, "idempotency-key-busy", "Request with this Idempotency-Key in progress"),
    errors.AliasChanged: (412, "alias-changed", "Alias was changed concurrently"),
    errors.WeightsChanged: (412, "weights-changed", "Weights do not match If-Match"),
    errors.RangeOutside: (416, "range-outside", "Range not satisfiable"),
    errors.UploadBusy: (423, "upload-busy", "Upload locked by another request"),
    errors.OffsetMismatch: (409, "offset-mismatch", "Upload offset mismatch"),
    errors.VersionRetired: (410, "version-retired", "Version retired"),
    errors.InvalidInput: (422, "invalid-input", "Invalid input"),
    errors.IdempotencyKeyReused: (422, "idempotency-key-reused", "Idempotency-Key reused for another request"),
    errors.InvalidRecord: (422, "invalid-document", "Invalid request"),
    errors.UnknownArchitecture: (422, "unknown-architecture", "Unknown architecture"),
    errors.ArchitectureMismatch: (422, "architecture-mismatch", "Base does not match the architecture"),
    errors.MethodUnavailable: (422, "method-unavailable", "Method unavailable in this lineage"),
    errors.CheckpointDiffers: (422, "checkpoint-differs", "Checkpoint is not the merged one"),
    errors.LineagesIncompatible: (422, "lineages-incompatible", "Lineages cannot be joined"),
    errors.NotSafetensors: (422, "not-safetensors", "Invalid safetensors file"),
    errors.PickleRefused: (422, "pickle-refused", "Pickle files are not accepted"),
    errors.TensorMismatch: (422, "tensor-mismatch", "Checkpoint does not match the lineage's base"),
    errors.CalibrationInvalid: (422, "calibration-invalid", "Invalid calibration sample"),
    errors.MalformedUpload: (400, "malformed-upload", "Malformed upload"),
    errors.EncodingUnsupported: (415, "encoding-unsupported", "Unsupported Content-Encoding"),
    errors.MediaTypeUnsupported: (415, "media-type-unsupported", "Unsupported media type"),
    errors.TusVersionUnsupported: (412, "tus-version", "Unsupported tus version"),
    errors.TooLarge: (413, "too-large", "Content too large"),
    errors.DigestMismatch: (422, "digest-mismatch", "Digest mismatch"),
    errors.ChecksumMismatch: (460, "checksum-mismatch", "Checksum mismatch"),
    errors.TooManyUploads: (429, "too-many-uploads", "Too many open uploads"),
    errors.SenderTooSlow: (408, "sender-too-slow", "Request body timeout"),
    errors.StorageFull: (507, "storage-full", "Insufficient storage"),
    errors.StoreUnavailable: (503, "store-unavailable", "State store unavailable"),
    errors.Overloaded: (503, "overloaded", "Server overloaded"),
    errors.LeaseLost: (409, "lease-lost", "Lease lost to another worker"),
}
"""Error class -> status, type (the last segment of the problem's `type`), title."""

PROBLEM_MEDIA_TYPE = "application/problem+json"
