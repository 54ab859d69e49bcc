"""Exception tree of the core.

    OdemError
    ├── NotFound
    │   ├── LineageNotFound   VersionNotFound   MergeNotFound   BlobNotFound   AliasNotFound   KeyNotFound
    │   ├── UploadNotFound    WebhookNotFound   TaskNotFound
    ├── NotAuthenticated                      no API key, or one that is unknown, revoked or expired
    ├── NotAllowed                            the key's scope or lineages do not cover this
    ├── HostRefused       OriginRefused      a Host or a browser's page that a gateway without API keys does not serve
    ├── TooManyRequests                       faster than the key's rate limit
    │   └── QuotaExceeded                     more than the key's quota
    ├── Conflict
    │   ├── LineageExists     MergeEnded
    │   ├── IdempotencyKeyBusy                        another request with this Idempotency-Key is in progress
    │   ├── AliasChanged                      an alias does not meet the change's precondition
    │   ├── WeightsChanged                    the weights do not meet the download's precondition
    │   ├── RangeOutside                      bytes beyond a file's end
    │   ├── UploadBusy        OffsetMismatch  another request sends this upload; its offset differs
    │   └── VersionRetired                    a retention rule has retired the version
    ├── InvalidInput
    │   ├── IdempotencyKeyReused                     an Idempotency-Key that was used for something else
    │   ├── InvalidRecord                     a JSON document with invalid content
    │   ├── UnknownArchitecture               a name unknown to open_clip, or a config that it cannot build
    │   ├── ArchitectureMismatch              base weights of another architecture
    │   ├── MethodUnavailable                 a recipe that this lineage cannot run
    │   ├── CheckpointDiffers                 a checkpoint that is not the one that was merged
    │   ├── LineagesIncompatible              lineages of other bases, or with a task in common, that cannot be joined
    │   ├── NotSafetensors                    wrong magic, truncated, overlapping, duplicated, unknown dtype ...
    │   │   └── PickleRefused
    │   ├── TensorMismatch                    names or shapes that differ from the lineage's base
    │   ├── CalibrationInvalid                images, labels or head that do not fit task and model
    │   ├── EncodingUnsupported  MediaTypeUnsupported    a Content-Encoding or Content-Type that the route does not take
    │   ├── TusVersionUnsupported
    │   └── MalformedUpload                   multipart that is out of order, incomplete or cut off
    ├── TooLarge                              a documented limit was exceeded
    ├── TooManyUploads                        one owner has the maximum number of open uploads
    ├── SenderTooSlow                         no byte arrived within the time limit
    ├── DigestMismatch                        bytes whose sha256 is not the expected one
    ├── ChecksumMismatch                      a chunk of an upload was damaged in transit
    ├── StorageFull                           the disk is full
    ├── StoreUnavailable                      the state store does not respond
    ├── Overloaded                            a concurrency limit is reached
    └── LeaseLost                             another worker has taken over this merge

Each has a message that a user can act on. Only the table in `service/http/problems.py` knows HTTP.
"""


class OdemError(Exception):
    """Base of all errors of the core. `str(error)` is one or two sentences for the user."""


class NotFound(OdemError):
    """The requested thing does not exist."""


class LineageNotFound(NotFound):
    """No lineage has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Lineage {name!r} not found. Create it with POST /lineages, or see GET /lineages.")


class VersionNotFound(NotFound):
    """No version has this number or alias."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Version {reference!r} not found. Write name@number, name@latest or name@alias; without `name@` the "
            "lineage is 'default'. See GET /models for the versions of a lineage."
        )


class MergeNotFound(NotFound):
    """No merge has this id."""

    def __init__(self, merge_id: str) -> None:
        super().__init__(f"Merge {merge_id!r} not found; see GET /merges.")


class BlobNotFound(NotFound):
    """The blob store has no blob with this digest."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"Blob {digest} not found. Upload it first with POST /blobs or /uploads.")


class TaskNotFound(NotFound):
    """The head of a lineage has no task of this name."""

    def __init__(self, lineage: str, task: str) -> None:
        super().__init__(f"Task {task[:80]!r} not found in the head of {lineage!r}; see GET /models/{lineage}@latest.")


class KeyNotFound(NotFound):
    """No API key has this id."""

    def __init__(self, identity: str) -> None:
        super().__init__(f"API key {identity!r} not found; see `python -m registry.admin keys list`.")


class WebhookNotFound(NotFound):
    """The lineage has no webhook with this id."""

    def __init__(self, lineage: str, webhook: str) -> None:
        super().__init__(f"Webhook {webhook!r} of lineage {lineage!r} not found; see GET /lineages/{lineage}/webhooks.")


class NotAuthenticated(OdemError):
    """Authentication failed. `given`: whether a key was sent; the message never tells which part of it is wrong."""

    def __init__(self, *, given: bool) -> None:
        why = "The API key is unknown, revoked or expired." if given else "An API key is required."
        super().__init__(
            f"{why} Send one as 'Authorization: Bearer odem_...'; the operator of the service creates them."
        )
        self.given = given


class NotAllowed(OdemError):
    """The key does not permit the request. `scope`: the scope that would, if any."""

    def __init__(self, detail: str, scope: str | None = None) -> None:
        super().__init__(detail)
        self.scope = scope


class HostRefused(OdemError):
    """No Host, several, or one that this gateway does not respond to."""


class OriginRefused(OdemError):
    """A page of another origin sent the request."""


class TooManyRequests(OdemError):
    """The rate limit is exceeded. `seconds`: after which a retry may succeed."""

    def __init__(self, detail: str, seconds: float) -> None:
        super().__init__(detail)
        self.seconds = seconds


class QuotaExceeded(TooManyRequests):
    """A quota is exceeded."""


class Conflict(OdemError):
    """The request contradicts what is stored."""


class LineageExists(Conflict):
    """A lineage of this name exists with another specification."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Lineage {name!r} already exists with another specification. Choose another name.")


class MergeEnded(Conflict):
    """The merge has ended and can no longer be cancelled."""

    def __init__(self, merge_id: str, state: str) -> None:
        super().__init__(f"Merge {merge_id} has already ended: {state}.")


class IdempotencyKeyBusy(Conflict):
    """Another request with the same Idempotency-Key is in progress. Nothing was changed.

    seconds: after which another attempt may take over unless the request in progress renews its lease.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "A request with this Idempotency-Key is in progress. Retry for its response. If it was interrupted, "
            f"another attempt may begin in {max(1, round(seconds))} s."
        )
        self.seconds = seconds


class AliasNotFound(NotFound):
    """The lineage has no such alias."""

    def __init__(self, lineage: str, name: str) -> None:
        super().__init__(f"Alias {name!r} of lineage {lineage!r} not found; see GET /lineages/{lineage}/aliases.")


class AliasChanged(Conflict):
    """If-Match or If-None-Match does not hold for the alias. Nothing was changed."""

    def __init__(self, lineage: str, name: str) -> None:
        super().__init__(
            f"If-Match or If-None-Match does not hold for alias {name!r} of lineage {lineage!r}: it was changed "
            "meanwhile. Read it again, and repeat the change with its new ETag if it still applies."
        )


class UploadNotFound(NotFound):
    """The upload does not exist, belongs to another key, or has expired."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"Upload {upload_id[:64]!r} not found: it was never created, was deleted, or has expired. Create a new one."
        )


class UploadBusy(Conflict):
    """Another request is writing to this upload."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"Another request is writing to upload {upload_id}. Wait until it has ended, read the offset with HEAD, "
            "and resume from there."
        )


class OffsetMismatch(Conflict):
    """The request does not start at the upload's offset. `offset`: the upload's, in bytes."""

    def __init__(self, offset: int, asked: int) -> None:
        super().__init__(f"Expected offset {offset}, got {asked}.")
        self.offset = offset


class WeightsChanged(Conflict):
    """If-Match does not hold for the requested weights."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"If-Match does not hold for the weights of {reference}: the name refers to another version now. Restart "
            "the download, or request the version by its number."
        )


class RangeOutside(Conflict):
    """The requested range lies outside the file. `size`: the file's, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The requested range lies outside the file, which has {size} bytes.")
        self.size = size


class VersionRetired(Conflict):
    """The lineage's retention rule has retired the version: its record stays, its weights may be deleted."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"Version {reference} was retired by its lineage's retention rule.")


class InvalidInput(OdemError):
    """The request is invalid. Nothing was stored."""


class IdempotencyKeyReused(InvalidInput):
    """The Idempotency-Key was used for another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a different request. Use a new key for each request.")


class InvalidRecord(InvalidInput):
    """A JSON document is invalid."""


class UnknownArchitecture(InvalidInput):
    """open_clip has no such architecture, or cannot build the config."""


class ArchitectureMismatch(InvalidInput):
    """The base checkpoint has another architecture than the lineage."""


class MethodUnavailable(InvalidInput):
    """This lineage cannot run this merge method."""


class CheckpointDiffers(InvalidInput):
    """The checkpoint is not the one that was merged for a task."""

    def __init__(self, task: str, digest: str, merged: tuple[str, ...]) -> None:
        super().__init__(f"{digest} was not merged for the task {task!r}, which consists of {', '.join(merged)}.")


class LineagesIncompatible(InvalidInput):
    """Two versions of different lineages cannot be joined."""

    def __init__(self, head: str, version: str, why: str) -> None:
        super().__init__(f"{version} cannot be joined to {head}: {why}.")


class NotSafetensors(InvalidInput):
    """The bytes are not a well-formed safetensors file."""


class PickleRefused(NotSafetensors):
    """The bytes are a pickle or a PyTorch archive, which could execute code when loaded."""


class TensorMismatch(InvalidInput):
    """Names, shapes or dtypes differ from the lineage's base.

    `differences`: all that differs, one sentence each.
    """

    def __init__(self, summary: str, differences: tuple[str, ...]) -> None:
        super().__init__(summary)
        self.differences = differences


class CalibrationInvalid(InvalidInput):
    """The calibration sample does not fit the task or the model."""


class MalformedUpload(InvalidInput):
    """The body is not a well-formed upload for this route."""


class EncodingUnsupported(InvalidInput):
    """The body has a Content-Encoding; the service decodes none."""

    def __init__(self, encoding: str) -> None:
        super().__init__(f"Content-Encoding {encoding[:40]!r} is not supported. Send the body without an encoding.")


class MediaTypeUnsupported(InvalidInput):
    """The route does not accept the body's Content-Type."""


class TusVersionUnsupported(InvalidInput):
    """The client uses another version of tus, or none."""

    def __init__(self, asked: str | None, spoken: str) -> None:
        super().__init__(
            f"Unsupported tus version: requests to /uploads need the header Tus-Resumable: {spoken}, got {asked!r}."
        )


class TooLarge(OdemError):
    """A limit is exceeded; the message names its setting."""


class DigestMismatch(OdemError):
    """The sha256 of the bytes is not the expected one."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"Expected digest {expected}, got {actual}. Send the bytes again.")
        self.expected = expected
        self.actual = actual


class ChecksumMismatch(OdemError):
    """A chunk of an upload does not match its checksum. The chunk was discarded; the upload stays."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(
            f"The {algorithm} checksum of the request does not match its bytes, which were discarded. Send them again "
            "from the same offset."
        )


class TooManyUploads(OdemError):
    """The owner has the maximum number of open uploads."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The limit of {limit} open uploads is reached (ODEM_MAX_OPEN_UPLOADS). Finish or delete one first."
        )


class SenderTooSlow(OdemError):
    """No byte of the body arrived within the time limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Request body timeout: no byte arrived for {seconds:g} s (ODEM_IDLE_SECONDS).")


class StorageFull(OdemError):
    """The disk is full; nothing was stored."""


class StoreUnavailable(OdemError):
    """The state store does not respond."""


class Overloaded(OdemError):
    """A concurrency limit is reached; the message names its setting."""


class LeaseLost(OdemError):
    """The claim's fence is no longer the newest: another worker has the merge, or it was cancelled."""
