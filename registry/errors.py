"""Every error that the core raises on purpose.

    OdemError
    ├── NotFound
    │   ├── LineageNotFound   VersionNotFound   MergeNotFound   BlobNotFound   AliasNotFound   KeyNotFound
    ├── NotAuthenticated                      no API key, or one that is not (or no longer) good
    ├── NotAllowed                            the key's scope or lineages do not cover this
    ├── TooManyRequests                       faster than the key's rate limit
    │   └── QuotaExceeded                     more than the key's quota
    ├── Conflict
    │   ├── LineageExists     MergeEnded
    │   ├── AliasChanged                      an alias is not what the change was meant for
    │   └── VersionRetired                    a retention rule has given the version up
    ├── InvalidInput
    │   ├── InvalidRecord                     a JSON document that says something impossible
    │   ├── UnknownArchitecture               a name that open_clip does not know, or a config it cannot build
    │   ├── ArchitectureMismatch              base weights that are not of the architecture
    │   ├── MethodUnavailable                 a recipe that this lineage cannot run
    │   ├── NotSafetensors                    wrong magic, truncated, overlapping, duplicated, unknown dtype ...
    │   │   └── PickleRefused
    │   ├── TensorMismatch                    names or shapes that differ from the lineage's base
    │   ├── CalibrationInvalid                images, labels or head that do not fit task and model
    │   └── MalformedUpload                   multipart that is out of order, incomplete or cut off
    ├── TooLarge                              a documented limit was passed
    ├── DigestMismatch                        bytes that are not what their name says
    ├── StorageFull                           no room on the disk
    ├── StoreUnavailable                      the state store does not answer
    ├── Overloaded                            as many do this at once as may
    └── LeaseLost                             another worker has taken this merge over

Each carries a sentence that a user can act on. Only `service/errors.py` knows which HTTP status each one is.
"""


class OdemError(Exception):
    """Base of all errors of the core. `str(error)` is one or two sentences for a person."""


class NotFound(OdemError):
    """Something was asked for that does not exist."""


class LineageNotFound(NotFound):
    """No lineage has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no lineage {name!r}. Create it with POST /lineages; GET /lineages lists those there are."
        )


class VersionNotFound(NotFound):
    """No version answers to this reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"There is no version {reference!r}. Write name@number, name@latest or, for the lineage 'default', "
            "number or latest alone; GET /models lists those there are."
        )


class MergeNotFound(NotFound):
    """No merge has this id."""

    def __init__(self, merge_id: str) -> None:
        super().__init__(f"There is no merge {merge_id!r}. GET /merges?lineage=... lists those there are.")


class BlobNotFound(NotFound):
    """The blob store has no bytes of this digest."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"There is no blob {digest}. Send its bytes with POST /blobs first.")


class KeyNotFound(NotFound):
    """No API key has this id."""

    def __init__(self, identity: str) -> None:
        super().__init__(f"There is no key {identity!r}. `python -m registry.admin keys list` lists those there are.")


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


class AliasNotFound(NotFound):
    """The lineage has no such alias."""

    def __init__(self, lineage: str, name: str) -> None:
        super().__init__(f"The lineage {lineage!r} has no alias {name!r}; GET /lineages/{lineage}/aliases lists all.")


class AliasChanged(Conflict):
    """The alias is not in the state that If-Match or If-None-Match asks for. Nothing was changed."""

    def __init__(self, lineage: str, name: str) -> None:
        super().__init__(
            f"The alias {name!r} of {lineage!r} is not what If-Match or If-None-Match asks for: somebody else changed "
            "it. Read it again, and repeat the change with its new ETag if it is still right."
        )


class VersionRetired(Conflict):
    """The version was given up by its lineage's retention rule; its record stays, its weights may be gone."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"The version {reference} was retired by its lineage's retention rule.")


class InvalidInput(OdemError):
    """What the client sent cannot be used. Nothing of it was stored."""


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


class TooLarge(OdemError):
    """A limit was passed; the message names its setting."""


class DigestMismatch(OdemError):
    """The bytes do not hash to the name that they were given."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"The bytes hash to {actual}, not to {expected}. Send them again.")
        self.expected = expected
        self.actual = actual


class StorageFull(OdemError):
    """The disk has no room for these bytes; nothing of them was kept."""


class StoreUnavailable(OdemError):
    """The state store does not answer."""


class Overloaded(OdemError):
    """A documented limit of what may be done at once is reached; the message names its setting."""


class LeaseLost(OdemError):
    """The merge's fence is no longer the newest: another worker owns it, or it was cancelled and ended."""
