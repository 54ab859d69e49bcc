"""Settings of `registry.admin`, read once from `ODEM_*` environment variables."""

from registry.settings import StoreSettings


class AdminSettings(StoreSettings):
    """Settings of the command; see `docs/reference/settings.md`."""
