"""Where blobs, uploads and manifests are kept: in the data folder, or in a bucket with the data folder as its cache."""

from dataclasses import dataclass

from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.blobs.s3 import S3BlobStore
from registry.blobs.s3_client import Bucket
from registry.blobs.s3_manifests import ManifestLocks, S3Manifests
from registry.blobs.store import AdminBlobStore, AdminUploadStore
from registry.blobs.uploads import FileUploads
from registry.manifest import ManifestStore
from registry.settings import StoreSettings


@dataclass(frozen=True)
class ByteStores:
    """The stores of one process that hold bytes."""

    blobs: AdminBlobStore
    uploads: AdminUploadStore
    manifests: ManifestStore


def open_byte_stores(settings: StoreSettings, locks: ManifestLocks, upload_lifetime: float = 86_400.0) -> ByteStores:
    """Open what the settings name. Raises InvalidInput for an ODEM_BLOBS_URL that is none."""
    root, min_free = settings.data_dir, settings.min_free_bytes
    if not settings.blobs_url:
        blobs = FileBlobStore(root, min_free)
        return ByteStores(blobs, FileUploads(root, min_free, upload_lifetime), FileManifests(root))
    keys = (settings.blobs_access_key.get_secret_value(), settings.blobs_secret_key.get_secret_value())
    bucket = Bucket(settings.blobs_url, *keys)
    shelves = S3BlobStore(bucket, root, min_free, settings.cache_bytes)
    uploads = FileUploads(root, min_free, upload_lifetime, shelves.upload_copy)
    return ByteStores(shelves, uploads, S3Manifests(bucket, locks))
