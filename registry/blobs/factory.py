"""Opens the stores of blobs, uploads and manifests: in the data folder, or in a bucket with the folder as cache."""

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
    """The byte stores of one process."""

    blobs: AdminBlobStore
    uploads: AdminUploadStore
    manifests: ManifestStore


def open_byte_stores(settings: StoreSettings, locks: ManifestLocks, upload_lifetime: float = 86_400.0) -> ByteStores:
    """Open the stores that the settings name. Raises InvalidInput for an invalid ODEM_BLOBS_URL."""
    root, min_free = settings.data_dir, settings.min_free_bytes
    if not settings.blobs_url:
        blobs = FileBlobStore(root, min_free)
        return ByteStores(blobs, FileUploads(root, min_free, upload_lifetime), FileManifests(root))
    keys = (settings.blobs_access_key.get_secret_value(), settings.blobs_secret_key.get_secret_value())
    bucket = Bucket(settings.blobs_url, *keys)
    store = S3BlobStore(bucket, root, min_free, settings.cache_bytes)
    uploads = FileUploads(root, min_free, upload_lifetime, store.upload_copy)
    return ByteStores(store, uploads, S3Manifests(bucket, locks))
