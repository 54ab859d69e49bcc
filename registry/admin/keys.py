"""`python -m registry.admin keys`: create, list and revoke API keys."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import ValidationError

from registry.api_key import ApiKey, KeyLimits, Scope, new_key
from registry.base_record import now
from registry.errors import InvalidRecord
from registry.recipe import describe
from registry.state.api_keys import ApiKeyRepository

_LONGEST_DAYS = 36_500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `keys`."""
    commands = parser.add_subparsers(dest="keys_command", required=True)
    creating = commands.add_parser("create", help="create a key; its token is printed once and not stored")
    creating.add_argument("--name", required=True, help="a description of the key's owner")
    creating.add_argument(
        "--scope", required=True, choices=[str(item) for item in Scope], help="each scope includes those before it"
    )
    creating.add_argument(
        "--lineage", action="append", dest="lineages", help="limit the key to this lineage; repeatable"
    )
    creating.add_argument("--expires-days", type=_days, help="days until it ends by itself (default: never)")
    for name, field in KeyLimits.model_fields.items():
        kind = float if name == "rate" else int
        option = f"--{name.replace('_', '-')}"
        creating.add_argument(
            option, type=kind, help=f"{field.description} 0: no limit. Default: the gateway's setting"
        )
    listing = commands.add_parser("list", help="list all keys, including revoked and expired ones")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")
    commands.add_parser("revoke", help="revoke a key for good").add_argument("id")


def _days(text: str) -> float:
    """A number of days from now. Raises ArgumentTypeError."""
    days = float(text)
    if not 0 < days <= _LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most {_LONGEST_DAYS}, not {text!r}")
    return days


def run(keys: ApiKeyRepository, arguments: argparse.Namespace) -> int:
    """Run a subcommand. Raises KeyNotFound, InvalidRecord, StoreUnavailable."""
    commands: dict[str, Callable[[ApiKeyRepository, argparse.Namespace], None]] = {
        "create": _create,
        "list": _list,
        "revoke": _revoke,
    }
    commands[arguments.keys_command](keys, arguments)
    return 0


def _create(keys: ApiKeyRepository, arguments: argparse.Namespace) -> None:
    days = arguments.expires_days
    try:
        limits = KeyLimits(**{name: getattr(arguments, name) for name in KeyLimits.model_fields})
        expires = None if days is None else now() + timedelta(days=days)
        key, token = new_key(arguments.name, Scope(arguments.scope), arguments.lineages, expires, limits)
    except ValidationError as error:
        raise InvalidRecord(f"Invalid key: {describe(error)}") from error
    keys.add(key)
    sys.stderr.write(f"key {key.id} ({key.name}): its token, shown only once:\n")
    sys.stdout.write(f"{token}\n")


def _list(keys: ApiKeyRepository, arguments: argparse.Namespace) -> None:
    for key in keys.list():
        if arguments.json:
            line = key.model_dump_json(exclude={"hash"})
        else:
            lineages = "all lineages" if key.lineages is None else ",".join(key.lineages)
            limits = json.dumps(key.limits.model_dump(exclude_none=True)) if key.limits != KeyLimits() else ""
            line = f"{key.id}  {_state(key, now()):8}  {key.scope!s:6}  {lineages:24}  {key.name}  {limits}".rstrip()
        sys.stdout.write(f"{line}\n")


def _state(key: ApiKey, when: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "live" if key.is_live(when) else "expired"


def _revoke(keys: ApiKeyRepository, arguments: argparse.Namespace) -> None:
    key = keys.revoke(arguments.id)
    sys.stdout.write(f"revoked: {key.id} ({key.name}); gateways accept it for at most ODEM_KEY_CACHE_SECONDS more\n")
