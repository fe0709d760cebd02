"""Whose key goes where. A key leaves only for hosts it belongs to, and only encrypted."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from stepeval.core.errors import ProviderError
from stepeval.core.hosts import is_loopback
from stepeval.core.models import is_known_host, key_owners, key_variables
from stepeval.core.secret import Secret
from stepeval.core.task import Provider

_FILE_OWNER = "STEP_API_KEY"  # the hosts of this variable are the key file's hosts
_LONGEST_KEY = 4096


def find_key(provider: Provider, env: Mapping[str, str], key_file: Path | None) -> Secret | None:
    """The first variable of ``provider.key_env`` that is set and not empty, else the key file.

    None for a provider that needs no key, and for one on this machine that has none.

    Raises:
        ProviderError: There is no key; or it would go to a host that is not its own, or over an
            unencrypted connection; or the key file is open to others.
    """
    if not provider.key_env:
        return None
    address = urlsplit(provider.base_url)
    host = (address.hostname or "").lower()
    local = is_loopback(host)
    source, key = _look_up(provider, host, env, key_file)
    if key is None:
        if local:
            return None
        names = " or ".join(provider.key_env)
        raise ProviderError(f"no API key for {host}: set {names}")
    if not _may_have(provider, host, source):
        if local and key_owners(source):
            return None  # a test server does without a key that belongs to others
        raise ProviderError(
            f"{source} is not sent to {host}, which is not known to own it: "
            "check the base URL, and vouch for it with --trust-base-url if it is right"
        )
    _check_sendable(source, key, address, local=local)
    return Secret(key)


def _look_up(
    provider: Provider, host: str, env: Mapping[str, str], key_file: Path | None
) -> tuple[str, str | None]:
    for variable in provider.key_env:
        key = env.get(variable, "").strip()
        if key:
            return variable, key
    if key_file is not None and _FILE_OWNER in key_variables(host):
        return str(key_file), _read(key_file)
    return "", None


def _may_have(provider: Provider, host: str, source: str) -> bool:
    if provider.trusted or source not in provider.key_env:  # a file's hosts are checked already
        return True
    owners = key_owners(source)
    return host in owners if owners else is_known_host(host)


def _check_sendable(source: str, key: str, address: SplitResult, *, local: bool) -> None:
    if address.scheme != "https" and not local:
        raise ProviderError(
            f"the key is not sent to {address.hostname} over {address.scheme}: use https"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ProviderError(f"{source} holds a character that no API key has")


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_LONGEST_KEY + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProviderError(f"the key file {path} cannot be read: {error.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ProviderError(f"the key file {path} is open to others: run chmod 600 {path}")
    if len(text) > _LONGEST_KEY:
        raise ProviderError(f"the key file {path} holds more than a key")
    return text.decode(errors="replace").strip() or None
