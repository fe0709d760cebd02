"""Where requests to a provider go, under which headers, through which proxy."""

import re
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from stepeval import __version__
from stepeval.core.errors import UsageError
from stepeval.core.hosts import is_loopback
from stepeval.core.secret import Secret
from stepeval.core.task import Provider

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def completions_url(provider: Provider) -> str:
    """Raises UsageError where ``base_url`` is no address, or one with a password in it."""
    try:
        address = urlsplit(provider.base_url)
        host, password = address.hostname, address.username or address.password
        _ = address.port  # a port that is none raises only when it is looked at
    except ValueError as error:
        raise UsageError(f"base_url of provider {provider.name!r} is no address: {error}") from None
    if address.scheme not in ("http", "https") or not host:
        message = f"base_url of provider {provider.name!r} must begin with https:// and name a host"
        raise UsageError(message)
    if password is not None:
        message = f"base_url of provider {provider.name!r} holds a password: use key_env instead"
        raise UsageError(message)
    path = address.path.rstrip("/") + "/chat/completions"
    return urlunsplit(address._replace(path=path, fragment=""))


def request_headers(provider: Provider, key: Secret | None) -> dict[str, str]:
    """All that do not change from request to request; names in lower case.

    Raises:
        UsageError: A header of the provider's cannot be sent over HTTP.
    """
    for name, value in provider.headers.items():
        if not (_TOKEN.fullmatch(name) and value.isascii() and value.isprintable()):
            message = f"header {name!r} of provider {provider.name!r} cannot be sent over HTTP"
            raise UsageError(message)
    headers = {
        "user-agent": f"stepeval/{__version__}",
        "content-type": "application/json",
        "accept-encoding": "identity",  # a compressed stream is decoded late, in lumps
        **{name.lower(): value.strip() for name, value in provider.headers.items()},
    }
    if key is not None:
        headers["authorization"] = f"Bearer {key.reveal()}"
    return headers


def proxy_for(url: str) -> str | None:
    """By HTTP(S)_PROXY, ALL_PROXY and NO_PROXY; this machine is never reached by a proxy.

    Raises:
        UsageError: The proxy speaks something else than HTTP.
    """
    address = urlsplit(url)
    host = address.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in ("http", "https"):
        raise UsageError(f"the proxy for {host} must begin with http:// or https://")
    return proxy
