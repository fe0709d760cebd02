"""Whom a suite's requests go to, and with whose keys."""

import os
from pathlib import Path

from stepeval.api.simulation import is_simulator
from stepeval.client.credentials import find_key
from stepeval.core.errors import UsageError
from stepeval.core.hosts import host_of, is_loopback
from stepeval.core.models import is_known_host
from stepeval.core.secret import Secret
from stepeval.core.task import Provider, Suite


def all_simulated(suite: Suite) -> bool:
    return all(is_simulator(provider.base_url) for provider in used_providers(suite))


def used_providers(suite: Suite) -> tuple[Provider, ...]:
    named = {arm.provider for arm in suite.every_arm}
    return tuple(provider for provider in suite.providers if provider.name in named)


def find_keys(suite: Suite) -> dict[str, Secret | None]:
    """Of the providers that requests will go to; the others' keys are nobody's business."""
    providers = used_providers(suite)
    for provider in providers:
        host = host_of(provider.base_url)
        if not (provider.trusted or is_known_host(host) or is_loopback(host)):
            raise UsageError(
                f"provider {provider.name!r} sends to {host}, which is not a known host; "
                "if you trust it, say --trust-base-url"
            )
    return {p.name: find_key(p, os.environ, key_file()) for p in providers}


def key_file() -> Path:
    """Where a StepFun key may be kept instead of the environment."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "stepeval" / "key"
