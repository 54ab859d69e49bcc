"""Settings that all processes share: the stores, and secrets from files."""

import os
import sys
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from registry.redis_url import celery_broker, parse_server


class StoreSettings(BaseSettings):
    """Settings of the stores, read once from `ODEM_*` variables or secret files; see `docs/reference/settings.md`.

    Secret files have the variables' names in lower case and are read from ODEM_SECRETS_DIR, by default /run/secrets,
    where Docker and Kubernetes put secrets. A variable takes precedence over a file.
    """

    model_config = SettingsConfigDict(env_prefix="ODEM_", frozen=True, hide_input_in_errors=True)

    redis_url: str = Field(
        "redis://127.0.0.1:6379/0", description="The state store (Valkey or Redis 7.2+): one server, or Sentinels."
    )
    redis_password: SecretStr = Field(
        SecretStr(""), description="Password of the state store and the broker, where their URLs have none."
    )
    data_dir: Path = Field(Path(".data"), description="The folder of blobs, uploads and manifests, shared by all.")
    min_free_bytes: int = Field(
        256 << 20, ge=0, description="Free space of the data folder's disk that uploads and results leave."
    )
    blobs_url: str = Field("", description="A bucket for blobs and manifests; the data folder is then its cache.")
    blobs_access_key: SecretStr = Field(SecretStr(""), description="Access key of the bucket.")
    blobs_secret_key: SecretStr = Field(SecretStr(""), description="Secret key of the bucket.")
    cache_bytes: int = Field(
        100 << 30, ge=0, description="Most bytes of copies of a bucket's blobs in the data folder."
    )

    @classmethod
    def read(cls) -> Self:
        """The settings of a process; exits with status 2 and one line per invalid setting."""
        try:
            return cls()
        except ValidationError as error:
            for wrong in error.errors(include_input=False, include_url=False, include_context=False):
                name = "_".join(str(part) for part in wrong["loc"]).upper()
                sys.stderr.write(f"error: ODEM_{name}: {wrong['msg'].removeprefix('Value error, ')}\n")
            raise SystemExit(2) from None

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

    @field_validator("redis_url", "broker_url", check_fields=False)
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        parse_server(value) if info.field_name == "redis_url" else celery_broker(value)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  it would warn of a missing folder
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
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
