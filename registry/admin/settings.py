"""The command's settings, read once from `ODEM_*` environment variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class AdminSettings(BaseSettings):
    """What the command must be told; `docs/operations.md` lists the same."""

    model_config = SettingsConfigDict(env_prefix="ODEM_", frozen=True)

    redis_url: str = Field("redis://127.0.0.1:6379/0", description="The state store (Valkey or Redis 7.2+).")
    data_dir: Path = Field(Path(".data"), description="The folder of blobs, uploads and manifests.")
