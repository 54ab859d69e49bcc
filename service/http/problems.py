"""Problem types (RFC 9457): one table from the registry's errors to HTTP statuses."""

from typing import Any

from fastapi.responses import JSONResponse

from registry import errors

PROBLEM_TYPES: dict[type[errors.OdemError], tuple[int, str, str]] = {
    errors.OdemError: (500, "internal", "The service made a mistake"),
    errors.NotFound: (404, "not-found", "Not found"),
    errors.LineageNotFound: (404, "lineage-not-found", "No such lineage"),
    errors.VersionNotFound: (404, "version-not-found", "No such version"),
    errors.MergeNotFound: (404, "merge-not-found", "No such merge"),
    errors.BlobNotFound: (404, "blob-not-found", "No such blob"),
    errors.AliasNotFound: (404, "alias-not-found", "No such alias"),
    errors.KeyNotFound: (404, "key-not-found", "No such key"),
    errors.WebhookNotFound: (404, "webhook-not-found", "No such webhook"),
    errors.NotAuthenticated: (401, "not-authenticated", "An API key is needed"),
    errors.NotAllowed: (403, "not-allowed", "The API key does not cover this"),
    errors.TooManyRequests: (429, "too-many-requests", "Requests come too fast"),
    errors.QuotaExceeded: (429, "quota-exceeded", "A quota of the API key is used up"),
    errors.UploadNotFound: (404, "upload-not-found", "No such upload"),
    errors.Conflict: (409, "conflict", "The request contradicts what is stored"),
    errors.LineageExists: (409, "lineage-exists", "The lineage exists already"),
    errors.MergeEnded: (409, "merge-ended", "The merge has ended"),
    errors.IdempotencyKeyBusy: (409, "idempotency-key-busy", "A request with this Idempotency-Key is under way"),
    errors.AliasChanged: (412, "alias-changed", "The alias was changed by somebody else"),
    errors.WeightsChanged: (412, "weights-changed", "The weights are not those asked for"),
    errors.RangeOutside: (416, "range-outside", "The range lies outside the file"),
    errors.UploadBusy: (423, "upload-busy", "The upload is being sent by another request"),
    errors.OffsetMismatch: (409, "offset-mismatch", "The bytes do not begin where the upload ended"),
    errors.VersionRetired: (410, "version-retired", "The version was retired"),
    errors.InvalidInput: (422, "invalid-input", "The input cannot be used"),
    errors.IdempotencyKeyReused: (422, "idempotency-key-reused", "This Idempotency-Key was used for something else"),
    errors.InvalidRecord: (422, "invalid-document", "The JSON document is not valid"),
    errors.UnknownArchitecture: (422, "unknown-architecture", "No such architecture"),
    errors.ArchitectureMismatch: (422, "architecture-mismatch", "The base is not of this architecture"),
    errors.MethodUnavailable: (422, "method-unavailable", "This lineage cannot run this method"),
    errors.NotSafetensors: (422, "not-safetensors", "Not a well-formed safetensors file"),
    errors.PickleRefused: (422, "pickle-refused", "Pickles are never accepted"),
    errors.TensorMismatch: (422, "tensor-mismatch", "The checkpoint does not match the lineage's base"),
    errors.CalibrationInvalid: (422, "calibration-invalid", "The calibration sample cannot be used"),
    errors.MalformedUpload: (400, "malformed-upload", "The upload is not as it should be"),
    errors.EncodingUnsupported: (415, "encoding-unsupported", "Encoded bodies are not taken"),
    errors.MediaTypeUnsupported: (415, "media-type-unsupported", "Bodies of this type are not taken"),
    errors.TusVersionUnsupported: (412, "tus-version", "This version of tus is not spoken here"),
    errors.TooLarge: (413, "too-large", "A limit was passed"),
    errors.DigestMismatch: (422, "digest-mismatch", "The bytes are not those that were promised"),
    errors.ChecksumMismatch: (460, "checksum-mismatch", "The bytes were damaged on their way"),
    errors.TooManyUploads: (429, "too-many-uploads", "Too many uploads are open"),
    errors.SenderTooSlow: (408, "sender-too-slow", "The body stopped coming"),
    errors.StorageFull: (507, "storage-full", "The disk is full"),
    errors.StoreUnavailable: (503, "store-unavailable", "The state store does not answer"),
    errors.Overloaded: (503, "overloaded", "Too much is asked at once"),
    errors.LeaseLost: (409, "lease-lost", "The merge belongs to another worker"),
}
"""Class -> status, type (the last step of the problem's `type`), title."""

PROBLEM_MEDIA_TYPE = "application/problem+json"


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> JSONResponse:
    """A problem+json answer. `more` are extension members."""
    body = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail, **more}
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse(body, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)
