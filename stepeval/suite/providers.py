"""Where requests go, and whose key goes with them.

A suite may come from a stranger: on its own it can send a key only to the host that key belongs
to, and requests only to known hosts and this machine. Only the user can widen that.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from stepeval.core.errors import did_you_mean
from stepeval.core.hosts import host_of, is_loopback
from stepeval.core.models import is_known_host, key_owners, key_variables, known_providers
from stepeval.core.task import Provider, Timeouts
from stepeval.suite.findings import Findings
from stepeval.suite.schema import ProviderEntry
from stepeval.suite.yaml_tree import Node, place_of

DEFAULT_PROVIDER = "stepfun"
_LONGEST_HEADER = 4096
CUSTOM_PROVIDER = "custom"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRET_HEADER = re.compile(
    r"(^|[-_])(auth|authorization|cookie|token|secret|password|credentials?|(api)?[-_]?key)($|[-_])",
    re.IGNORECASE,
)
_RESERVED_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "te"}
    | {"accept-encoding", "upgrade", "trailer", "forwarded"}
)


def known_provider(name: str, key_env: str | None = None) -> Provider:
    """A provider that needs no entry in the suite, with its host's own key variables."""
    base_url = known_providers()[name]
    return Provider(name, base_url, (key_env,) if key_env else key_variables(host_of(base_url)))


def url_problem(base_url: str, *, trusted: bool) -> str | None:
    """The predicate of a sentence about a base URL, None where requests may go there.

    ``trusted``: the user vouches for the address.
    """
    malformed = _malformed(base_url)
    host = "" if malformed else host_of(base_url)
    if malformed or trusted or is_loopback(host):
        return malformed
    if base_url.lower().startswith("http:"):
        return "must begin with https:// (http:// only for this machine, or with --trust-base-url)"
    if not is_known_host(host):
        return f"names an unknown host {host!r}; pass --trust-base-url if you trust it"
    return None


def _malformed(base_url: str) -> str | None:
    if not base_url.isascii() or not base_url.isprintable() or re.search(r"[\s\\%<>]", base_url):
        return "holds a character that no base URL needs"
    try:
        parts = urlsplit(base_url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "is not a URL"
    if "@" in parts.netloc:
        return "must not hold a user name or password; name the key's variable in 'key_env'"
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or port == 0:
        return "must look like 'https://host/v1'"
    return "must not hold '?' or '#'" if re.search("[?#]", base_url) else None


def key_problem(base_url: str, variables: Sequence[str], *, trusted: bool) -> str | None:
    """Why a variable's key may not go to this address, as a sentence; None where it may."""
    for variable in variables:
        if not _VARIABLE.fullmatch(variable):
            return (
                "key_env must be the name of an environment variable, such as STEP_API_KEY, "
                "never the key itself"
            )
    if trusted:
        return None
    host = host_of(base_url)
    own = key_variables(host)
    for variable in variables:
        if own and variable not in own:
            return f"the key in {variable} does not belong to {host} (its own: {', '.join(own)})"
        owners = key_owners(variable)
        if owners and host not in owners:
            return f"the key in {variable} belongs to {' and '.join(owners)}, not to {host}"
    return None


def header_problem(name: str, value: str) -> str | None:
    """Why a suite may not set this header, as a sentence; None where it may."""
    if not _HEADER.fullmatch(name):
        return f"{name[:100]!r} is not a header's name"
    if name.lower() in _RESERVED_HEADERS or name.lower().startswith("proxy-"):
        return f"the header {name!r} is set by stepeval itself"
    if _SECRET_HEADER.search(name):
        return f"the header {name!r} may carry a key; name the key's variable in 'key_env'"
    if not value.isascii() or not value.isprintable() or len(value) > _LONGEST_HEADER:
        return f"the value of the header {name!r} must be printable ASCII on one line"
    return None


def custom_provider(base_url: str, key_env: str | None) -> Provider:
    """The user's own address replaces the suite's: it is trusted.

    Raises:
        ValueError: It is no usable base URL; the message is a sentence.
    """
    wrong = url_problem(base_url, trusted=True)
    if wrong:
        raise ValueError(f"the base URL {wrong}")
    variables = (key_env,) if key_env else key_variables(host_of(base_url))
    wrong = key_problem(base_url, variables, trusted=True)
    if wrong:
        raise ValueError(wrong)
    return Provider(CUSTOM_PROVIDER, base_url.rstrip("/"), variables, trusted=True)


def default_provider(declared: Iterable[str]) -> str | None:
    """The one of a suite that names none: its only one, else StepFun, else nothing."""
    names = tuple(declared)
    if len(names) == 1:
        return names[0]
    return DEFAULT_PROVIDER if not names or DEFAULT_PROVIDER in names else None


def all_providers(
    entries: Mapping[str, ProviderEntry],
    root: Node,
    findings: Findings,
    *,
    trusted: bool,
    key_env: str | None,
) -> dict[str, Provider]:
    """The known providers and the suite's own, by name; mistakes go to ``findings``.

    ``key_env`` is the command line's variable and replaces the suite's.
    """
    found = {
        name: known_provider(name, key_env) for name in known_providers() if name not in entries
    }
    for name, entry in entries.items():
        provider = _provider(name, entry, root, findings, trusted=trusted, key_env=key_env)
        if provider:
            found[name] = provider
    return found


def _provider(
    name: str,
    entry: ProviderEntry,
    root: Node,
    findings: Findings,
    *,
    trusted: bool,
    key_env: str | None,
) -> Provider | None:
    path = ("providers", name)
    if not _NAME.fullmatch(name):
        sentence = f"a provider's name is letters, digits, '.', '_' and '-', not {name[:64]!r}"
        findings.error(sentence, place_of(root, path, key=True))
    base_url = entry.base_url or known_providers().get(name)
    if base_url is None:
        hint = did_you_mean(name, known_providers())
        sentence = f"provider {name!r} needs a base_url{hint}"
        findings.error(sentence, place_of(root, path, key=True))
        return None
    for header, value in entry.headers.items():
        sentence = header_problem(header, value) or ""
        if sentence:
            findings.error(sentence, place_of(root, (*path, "headers", header), key=True))
    wrong = url_problem(base_url, trusted=trusted)
    if wrong:
        findings.error(f"base_url {wrong}", place_of(root, (*path, "base_url")))
        return None
    variables = _variables(entry, base_url, key_env)
    wrong = key_problem(base_url, variables, trusted=trusted)
    if wrong:
        findings.error(wrong, place_of(root, (*path, "key_env")))
    if not variables and not is_loopback(host_of(base_url)):
        sentence = f"provider {name!r} has no key_env: its requests carry no key"
        findings.warning(sentence, place_of(root, path, key=True))
    return Provider(
        name,
        base_url.rstrip("/"),
        variables,
        dict(entry.headers),
        Timeouts(**entry.timeouts.model_dump()),
        trusted,
    )


def _variables(entry: ProviderEntry, base_url: str, key_env: str | None) -> tuple[str, ...]:
    if key_env:
        return (key_env,)
    if entry.key_env is None:
        return key_variables(host_of(base_url))
    return (entry.key_env,) if isinstance(entry.key_env, str) else tuple(entry.key_env)
