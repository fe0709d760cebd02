"""Where requests go, and through which proxy."""

import pytest

from stepeval.client.address import completions_url, proxy_for
from stepeval.core.errors import UsageError
from stepeval.core.task import Provider

STEP = "https://api.stepfun.ai/v1/chat/completions"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.stepfun.ai/v1", STEP),
        ("https://api.stepfun.ai/v1/", STEP),
        ("http://[::1]:8000", "http://[::1]:8000/chat/completions"),
        ("https://x/v1?version=2#top", "https://x/v1/chat/completions?version=2"),
    ],
)
def test_the_path_is_added_to_the_base_url(base_url: str, url: str) -> None:
    assert completions_url(Provider("p", base_url)) == url


@pytest.mark.parametrize(
    ("env", "url", "proxy"),
    [
        ({}, STEP, None),
        ({"HTTPS_PROXY": "http://proxy:1"}, STEP, "http://proxy:1"),
        ({"HTTPS_PROXY": "proxy:1"}, STEP, "http://proxy:1"),
        ({"HTTP_PROXY": "http://proxy:1"}, STEP, None),
        ({"ALL_PROXY": "http://proxy:1"}, STEP, "http://proxy:1"),
        ({"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "stepfun.ai"}, STEP, None),
        ({"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "*"}, STEP, None),
        ({"ALL_PROXY": "http://proxy:1"}, "http://localhost:1/v1", None),
        ({"ALL_PROXY": "http://proxy:1"}, "http://127.0.0.1:1/v1", None),
        ({"ALL_PROXY": "http://proxy:1"}, "http://[::1]:1/v1", None),
    ],
)
def test_the_proxy_is_the_environments_and_never_for_this_machine(
    env: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


def test_a_proxy_that_speaks_no_http_is_a_mistake_that_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1")
    with pytest.raises(UsageError, match="must begin with http"):
        proxy_for(STEP)
