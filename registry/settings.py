"""The settings that all processes share: where the stores are, and secrets as files."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict


class StoreSettings(BaseSettings):
    """Read once from `ODEM_*` variables, or from files of the same names in lower case; `docs/operations.md` lists all.

    The files lie in ODEM_SECRETS_DIR, /run/secrets unless told otherwise, where Docker and Kubernetes put secrets. A
    variable comes before a file.
    """

    model_config = SettingsConfigDict(env_prefix="ODEM_", frozen=True)

    redis_url: str = Field("redis://127.0.0.1:6379/0", description="The state store (Valkey or Redis 7.2+).")
    redis_password: SecretStr = Field(
        SecretStr(""), description="Password of the state store and the broker, where their URLs have none."
    )
    data_dir: Path = Field(Path(".data"), description="The folder of blobs, uploads and manifests, shared by all.")

    @model_validator(mode="before")
    @classmethod
    def _fill_in_password(cls, values: dict[str, Any]) -> dict[str, Any]:
        password = values.get("redis_password")
        if not password:
            return values
        text = password.get_secret_value() if isinstance(password, SecretStr) else str(password)
        urls = {
            name: with_password(str(values.get(name, cls.model_fields[name].default)), text)
            for name in ("redis_url", "broker_url")
            if name in cls.model_fields
        }
        return values | urls

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  it would warn of a folder that is not there
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """See pydantic-settings."""
        folder = Path(os.environ.get("ODEM_SECRETS_DIR", "/run/secrets"))
        files = (SecretsSettingsSource(settings_cls, folder),) if folder.is_dir() else ()
        return (init_settings, env_settings, *files)


def with_password(url: str, password: str) -> str:
    """The URL of a Redis or Valkey server with a password, unless it has one."""
    parts = urlsplit(url)
    if parts.password is not None or parts.scheme == "unix":
        return url
    place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{place[0]}:{quote(password, safe='')}@{place[2]}"))
