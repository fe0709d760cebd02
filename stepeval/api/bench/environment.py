"""What a worker process inherits of the environment: what it needs, and nobody's secrets besides.
Pure.
"""

from collections.abc import Mapping

from stepeval.api.access import used_providers
from stepeval.api.bench.job import Job

_NAMES = frozenset(
    {
        *("PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR", "STEPEVAL_DEBUG"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    }
)
_BEGINNINGS = ("LC_", "XDG_", "PYTHON")


def for_workers(job: Job, inherited: Mapping[str, str]) -> dict[str, str]:
    """With the keys of the providers that requests go to, where the workers are to find them."""
    keys: set[str] = set()
    if job.with_keys:
        keys = {name for one in used_providers(job.suite) for name in one.key_env}
    return {
        name: value
        for name, value in inherited.items()
        if name in keys or name.upper() in _NAMES or name.startswith(_BEGINNINGS)
    }
