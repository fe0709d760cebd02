"""Which price an arm's tokens have."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from stepeval.core.models import list_price, price_of
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Price, Suite


def price_for(arm: Arm, suite: Suite, mode: Mode) -> Price | None:
    """The suite's own price of the model, else the list price at the provider's host.

    A simulator on this machine is charged as the service it stands for. None: not known.
    """
    if arm.model in suite.prices:
        return suite.prices[arm.model]
    base_url = suite.provider(arm.provider).base_url
    if mode is Mode.SIMULATED and _is_this_machine(base_url):
        return list_price(arm.model)
    return price_of(arm.model, base_url)


def _is_this_machine(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
