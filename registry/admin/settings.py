"""The command's settings, read once from `ODEM_*` environment variables."""

from registry.settings import StoreSettings


class AdminSettings(StoreSettings):
    """What the command must be told; `docs/operations.md` lists the same."""
