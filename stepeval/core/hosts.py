"""Where an address leads."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """In lower case; empty where the URL names none."""
    return (urlsplit(url).hostname or "").lower()


def origin_of(url: str) -> str:
    """Scheme, host and port; a user's name or a query, which may be a secret, is left out."""
    address = urlsplit(url)
    port = "" if address.port is None else f":{address.port}"
    return f"{address.scheme}://{(address.hostname or '').lower()}{port}"


def is_loopback(host: str) -> bool:
    """Whether it is this machine, by its name or its address; nothing is looked up."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
