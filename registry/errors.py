"""Every error that the core raises on purpose.

    OdemError
    ├── NotFound
    │   ├── LineageNotFound   VersionNotFound   MergeNotFound   BlobNotFound   AliasNotFound   KeyNotFound
    │   ├── UploadNotFound    WebhookNotFound
    ├── NotAuthenticated                      no API key, or one that is not (or no longer) good
    ├── NotAllowed                            the key's scope or lineages do not cover this
    ├── TooManyRequests                       faster than the key's rate limit
    │   └── QuotaExceeded                     more than the key's quota
    ├── Conflict
    │   ├── LineageExists     MergeEnded
    │   ├── IdempotencyKeyBusy                        another request with this Idempotency-Key is under way
    │   ├── AliasChanged                      an alias is not what the change was meant for
    │   ├── WeightsChanged                    the weights are not those that the download was meant for
    │   ├── RangeOutside                      bytes beyond a file's end
    │   ├── UploadBusy        OffsetMismatch  somebody else is sending this upload; it has come less or further far
    │   └── VersionRetired                    a retention rule has given the version up
    ├── InvalidInput
    │   ├── IdempotencyKeyReused                     an Idempotency-Key that was used for something else
    │   ├── InvalidRecord                     a JSON document that says something impossible
    │   ├── UnknownArchitecture               a name that open_clip does not know, or a config it cannot build
    │   ├── ArchitectureMismatch              base weights that are not of the architecture
    │   ├── MethodUnavailable                 a recipe that this lineage cannot run
    │   ├── NotSafetensors                    wrong magic, truncated, overlapping, duplicated, unknown dtype ...
    │   │   └── PickleRefused
    │   ├── TensorMismatch                    names or shapes that differ from the lineage's base
    │   ├── CalibrationInvalid                images, labels or head that do not fit task and model
    │   ├── EncodingUnsupported  MediaTypeUnsupported    a Content-Encoding or Content-Type that the route does not take
    │   ├── TusVersionUnsupported
    │   └── MalformedUpload                   multipart that is out of order, incomplete or cut off
    ├── TooLarge                              a documented limit was passed
    ├── TooManyUploads                        one owner has as many uploads open as allowed
    ├── SenderTooSlow                         no byte came for as long as allowed
    ├── DigestMismatch                        bytes that are not what their name says
    ├── ChecksumMismatch                      a piece of an upload that was damaged on its way
    ├── StorageFull                           no room on the disk
    ├── StoreUnavailable                      the state store does not answer
    ├── Overloaded                            as many do this at once as may
    └── LeaseLost                             another worker has taken this merge over

Each carries a sentence that a user can act on. Only the table in `service/http/problems.py` knows HTTP.
"""


class OdemError(Exception):
    """Base of all errors of the core. `str(error)` is one or two sentences for a person."""


class NotFound(OdemError):
    """Something was asked for that does not exist."""


class LineageNotFound(NotFound):
    """No lineage has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no lineage {name!r}. Create it first, or take one from the list of lineages.")


class VersionNotFound(NotFound):
    """No version answers to this reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"There is no version {reference!r}. Write name@number, name@latest or, for the lineage 'default', "
            "number or latest alone. The list of the lineage's versions shows those there are."
        )


class MergeNotFound(NotFound):
    """No merge has this id."""

    def __init__(self, merge_id: str) -> None:
        super().__init__(f"There is no merge {merge_id!r}. The list of its lineage's merges shows those there are.")


class BlobNotFound(NotFound):
    """The blob store has no bytes of this digest."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"There is no blob {digest}. Send its bytes first.")


class KeyNotFound(NotFound):
    """No API key has this id."""

    def __init__(self, identity: str) -> None:
        super().__init__(f"There is no key {identity!r}. `python -m registry.admin keys list` lists those there are.")


class WebhookNotFound(NotFound):
    """The lineage has no webhook of this id."""

    def __init__(self, lineage: str, webhook: str) -> None:
        super().__init__(
            f"The lineage {lineage!r} has no webhook {webhook!r}. The list of its webhooks shows those there are."
        )


class NotAuthenticated(OdemError):
    """Nobody known asks. `given`: whether a key was sent; which part of it is wrong is never said."""

    def __init__(self, *, given: bool) -> None:
        why = "This API key is not known, was revoked, or has expired." if given else "This needs an API key."
        super().__init__(f"{why} Send one as 'Authorization: Bearer odem_...'; whoever runs the service makes them.")
        self.given = given


class NotAllowed(OdemError):
    """Somebody known asks for what their key does not cover. `scope`: the one that would, if one would."""

    def __init__(self, detail: str, scope: str | None = None) -> None:
        super().__init__(detail)
        self.scope = scope


class TooManyRequests(OdemError):
    """Requests come faster than they may. `seconds`: when it is worth while to ask again."""

    def __init__(self, detail: str, seconds: float) -> None:
        super().__init__(detail)
        self.seconds = seconds


class QuotaExceeded(TooManyRequests):
    """More than a quota allows."""


class Conflict(OdemError):
    """The request contradicts what is stored."""


class LineageExists(Conflict):
    """A lineage of this name is there already, created from something else."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The lineage {name!r} exists already and was created differently. Choose another name.")


class MergeEnded(Conflict):
    """The merge has ended, so it can no longer be cancelled."""

    def __init__(self, merge_id: str, state: str) -> None:
        super().__init__(f"The merge {merge_id} has already ended: {state}.")


class IdempotencyKeyBusy(Conflict):
    """Another request with the same Idempotency-Key is under way. Nothing was changed.

    seconds: after which it is given up if nothing more is heard of it.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "A request with this Idempotency-Key is under way. Ask again for its answer. If it was broken off, another "
            f"attempt may begin in {max(1, round(seconds))} s."
        )
        self.seconds = seconds


class AliasNotFound(NotFound):
    """The lineage has no such alias."""

    def __init__(self, lineage: str, name: str) -> None:
        super().__init__(
            f"The lineage {lineage!r} has no alias {name!r}. The list of its aliases shows those there are."
        )


class AliasChanged(Conflict):
    """The alias is not in the state that If-Match or If-None-Match asks for. Nothing was changed."""

    def __init__(self, lineage: str, name: str) -> None:
        super().__init__(
            f"The alias {name!r} of {lineage!r} is not what If-Match or If-None-Match asks for: somebody else changed "
            "it. Read it again, and repeat the change with its new ETag if it is still right."
        )


class UploadNotFound(NotFound):
    """There is no such upload, or it is somebody else's, or it has expired."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"There is no upload {upload_id[:64]!r}: it was never begun, was ended, or has expired. Begin a new one."
        )


class UploadBusy(Conflict):
    """Another request is sending bytes of this upload."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"Another request is sending bytes of the upload {upload_id}. Wait until it has ended, ask for the offset "
            "again (HEAD), and go on from there."
        )


class OffsetMismatch(Conflict):
    """The bytes do not begin where the upload has ended so far. `offset`: where that is."""

    def __init__(self, offset: int, asked: int) -> None:
        super().__init__(f"The upload has come to the offset {offset}, but these bytes are for {asked}.")
        self.offset = offset


class WeightsChanged(Conflict):
    """The weights that were asked for are not those of If-Match."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"The weights of {reference} are not those that If-Match asks for: the name means another version now. "
            "Start the download anew, or ask for the version by its number."
        )


class RangeOutside(Conflict):
    """A range of bytes that lies outside the file. `size`: the file's, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes; the range that was asked for lies outside of it.")
        self.size = size


class VersionRetired(Conflict):
    """The version was given up by its lineage's retention rule; its record stays, its weights may be gone."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"The version {reference} was retired by its lineage's retention rule.")


class InvalidInput(OdemError):
    """What the client sent cannot be used. Nothing of it was stored."""


class IdempotencyKeyReused(InvalidInput):
    """An Idempotency-Key that was used for something else."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for a different request. Take a new key for each thing that is to be made."
        )


class InvalidRecord(InvalidInput):
    """A JSON document does not say what it must."""


class UnknownArchitecture(InvalidInput):
    """open_clip has no such architecture, or cannot build the given config."""


class ArchitectureMismatch(InvalidInput):
    """The base checkpoint is not of the lineage's architecture."""


class MethodUnavailable(InvalidInput):
    """This lineage cannot run this merge method."""


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
    """The body is not the upload that the route expects."""


class EncodingUnsupported(InvalidInput):
    """The body is encoded (compressed), and nothing here decodes bodies."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"Bodies are taken as they are, not with Content-Encoding {encoding[:40]!r}. Send plain bytes."
        )


class MediaTypeUnsupported(InvalidInput):
    """The body's Content-Type is not one that the route takes."""


class TusVersionUnsupported(InvalidInput):
    """The client speaks another version of tus, or none."""

    def __init__(self, asked: str | None, spoken: str) -> None:
        super().__init__(f"Requests to /uploads carry the header Tus-Resumable: {spoken}; this one has {asked!r}.")


class TooLarge(OdemError):
    """A limit was passed; the message names its setting."""


class DigestMismatch(OdemError):
    """The bytes do not hash to the name that they were given."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"The bytes hash to {actual}, not to {expected}. Send them again.")
        self.expected = expected
        self.actual = actual


class ChecksumMismatch(OdemError):
    """A piece of an upload is not what its checksum says. The piece was forgotten; the upload goes on without it."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(
            f"These bytes do not have the {algorithm} checksum that came with them. They were forgotten: send them "
            "again from the same offset."
        )


class TooManyUploads(OdemError):
    """One owner has as many uploads open as allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You have {most} uploads open, and no more are allowed at once (ODEM_MAX_OPEN_UPLOADS). Finish one, or "
            "give one up."
        )


class SenderTooSlow(OdemError):
    """No byte of a body came for as long as is allowed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No byte of the body came for {seconds:g} s (ODEM_IDLE_SECONDS).")


class StorageFull(OdemError):
    """The disk has no room for these bytes; nothing of them was kept."""


class StoreUnavailable(OdemError):
    """The state store does not answer."""


class Overloaded(OdemError):
    """A documented limit of what may be done at once is reached; the message names its setting."""


class LeaseLost(OdemError):
    """The merge's fence is no longer the newest: another worker owns it, or it was cancelled and ended."""
