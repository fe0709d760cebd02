"""Where requests may go, and which key may go with them."""

from pathlib import Path

import pytest
from suite_files import load_text, mistakes

from stepeval.core.task import Provider, Timeouts
from stepeval.suite.providers import header_problem, key_problem, url_problem

HEAD = "stepeval: 1\nname: x\ndefaults: {model: m}\ndataset: [{input: a}]\n"
STEP_KEYS = ("STEP_API_KEY", "STEPFUN_API_KEY")


def test_the_default_is_stepfun_with_its_own_keys(tmp_path: Path) -> None:
    (provider,) = load_text(tmp_path, HEAD).suite.providers
    assert provider == Provider("stepfun", "https://api.stepfun.ai/v1", STEP_KEYS)


def test_a_known_provider_needs_no_entry(tmp_path: Path) -> None:
    text = HEAD + "grid: {provider: [stepfun, stepfun-cn]}\n"
    suite = load_text(tmp_path, text).suite
    assert [each.name for each in suite.providers] == ["stepfun", "stepfun-cn"]
    assert [arm.name for arm in suite.arms] == ["stepfun", "stepfun-cn"]


def test_the_only_provider_is_the_default_one(tmp_path: Path) -> None:
    entry = "{base_url: 'http://127.0.0.1:8000/v1/', headers: {X-Title: t}, timeouts: {read: 5}}"
    (provider,) = load_text(tmp_path, f"{HEAD}providers: {{mine: {entry}}}\n").suite.providers
    assert provider == Provider(
        "mine", "http://127.0.0.1:8000/v1", (), {"X-Title": "t"}, Timeouts(read=5)
    ), "a server on this machine needs no key"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.stepfun.ai/v1",
        "https://API.openai.com/v1",
        "http://localhost:1/v1",
        "http://127.0.0.1:8000",
        "http://[::1]:8000/v1",
        "https://127.1.2.3/v1",
    ],
)
def test_addresses_a_suite_may_name(base_url: str) -> None:
    assert url_problem(base_url, trusted=False) is None


@pytest.mark.parametrize(
    ("base_url", "wrong"),
    [
        ("http://api.stepfun.ai/v1", "must begin with https://"),
        ("https://evil.example/v1", "names an unknown host 'evil.example'; pass --trust-base-url"),
        ("https://api.stepfun.ai.evil.example/v1", "unknown host"),
        ("https://api.stepfun.ai./v1", "must look like"),
        ("https://evil.example/api.stepfun.ai", "unknown host"),
        ("https://localhost.evil.example/", "unknown host"),
        ("http://2130706433/", "must begin with https://"),
        ("https://169.254.169.254/latest", "unknown host"),
        ("http://0.0.0.0:80/", "must begin with https://"),
        ("https://user:pw@api.stepfun.ai/v1", "user name or password"),
        ("https://api.stepfun.ai@evil.example/v1", "user name or password"),
        ("https://evil.example\\@api.stepfun.ai/v1", "holds a character"),
        ("https://evil.example%2f@api.stepfun.ai/v1", "holds a character"),
        ("https://api.stepfun.ai\n.evil.example/", "holds a character"),
        ("https://api.stepfun.ai\t/v1", "holds a character"),
        ("https://аpi.stepfun.ai/v1", "holds a character"),  # noqa: RUF001 - a Cyrillic a
        ("https://api.stepfun.ai/v1?x=1", "must not hold '?'"),
        ("https://api.stepfun.ai/v1#x", "must not hold '?'"),
        ("ftp://api.stepfun.ai/v1", "must look like"),
        ("file:///etc/passwd", "must look like"),
        ("javascript:alert(1)", "must look like"),
        ("api.stepfun.ai/v1", "must look like"),
        ("https://", "must look like"),
        ("https://[::1", "is not a URL"),
        ("https://api.stepfun.ai:99999/v1", "is not a URL"),
        ("", "must look like"),
    ],
)
def test_addresses_a_suite_may_not_name(base_url: str, wrong: str) -> None:
    assert wrong in (url_problem(base_url, trusted=False) or "")


def test_trust_allows_other_hosts_but_no_malformed_address() -> None:
    assert url_problem("http://evil.example/v1", trusted=True) is None
    assert "user name" in (url_problem("https://a:b@evil.example", trusted=True) or "")
    assert "must look like" in (url_problem("ftp://evil.example", trusted=True) or "")


@pytest.mark.parametrize(
    ("base_url", "variable", "wrong"),
    [
        ("https://api.stepfun.ai/v1", "STEPFUN_API_KEY", None),
        ("https://api.stepfun.ai/v1", "AWS_SECRET_ACCESS_KEY", "does not belong to api.stepfun.ai"),
        ("https://api.openai.com/v1", "STEP_API_KEY", "does not belong to api.openai.com"),
        ("http://localhost:1/v1", "STEP_API_KEY", "belongs to api.stepfun.ai and api.stepfun.com"),
        ("http://localhost:1/v1", "MY_KEY", None),
        ("https://api.stepfun.ai/v1", "sk-123", "never the key itself"),
    ],
)
def test_a_key_goes_only_to_its_own_host(base_url: str, variable: str, wrong: str | None) -> None:
    found = key_problem(base_url, [variable], trusted=False)
    assert found is None if wrong is None else wrong in (found or "")


def test_a_key_that_was_written_into_the_suite_is_not_repeated(tmp_path: Path) -> None:
    text = HEAD + "providers: {stepfun: {key_env: sk-very-secret}}\n"
    (line,) = mistakes(tmp_path, text)
    assert "sk-very-secret" not in line


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Proxy-Authorization",
        "Cookie",
        "api-key",
        "X-API-Key",
        "Host",
        "X-Auth-Token",
        "x-goog-api-key",
        "Content-Length",
        "a b",
        "a:b",
        "é",
        "",
    ],
)
def test_headers_that_carry_keys_or_break_requests_are_refused(name: str) -> None:
    assert header_problem(name, "x")


def test_header_values_stay_on_one_line() -> None:
    assert header_problem("X-Title", "a\r\nAuthorization: b")
    assert header_problem("X-Title", "fine") is None
    assert header_problem("HTTP-Referer", "https://a.example") is None


def test_trust_flag_lets_the_suites_own_host_through(tmp_path: Path) -> None:
    text = HEAD + "providers: {mine: {base_url: 'https://evil.example/v1', key_env: K}}\n"
    assert len(mistakes(tmp_path, text)) == 1
    (provider,) = load_text(tmp_path, text, trust_base_url=True).suite.providers
    assert provider == Provider("mine", "https://evil.example/v1", ("K",), trusted=True)


def test_base_url_of_the_user_replaces_every_provider(tmp_path: Path) -> None:
    text = HEAD + "grid: {provider: [stepfun, stepfun-cn], reasoning_effort: [low, high]}\n"
    loaded = load_text(tmp_path, text, base_url="http://box.lan:8000/v1/", key_env="K")
    (provider,) = loaded.suite.providers
    assert provider == Provider("custom", "http://box.lan:8000/v1", ("K",), trusted=True)
    assert [arm.name for arm in loaded.suite.arms] == ["low", "high"]
    (provider,) = load_text(tmp_path, text, base_url="https://api.stepfun.com/v1").suite.providers
    assert provider.key_env == STEP_KEYS, "a known host gets its own key"
    (provider,) = load_text(tmp_path, text, base_url="http://127.0.0.1:1/v1").suite.providers
    assert provider.key_env == ()


def test_key_variable_of_the_user_replaces_the_suites_within_its_host(tmp_path: Path) -> None:
    (provider,) = load_text(tmp_path, HEAD, key_env="STEPFUN_API_KEY").suite.providers
    assert provider.key_env == ("STEPFUN_API_KEY",)
    (line,) = mistakes(tmp_path, HEAD, key_env="OPENAI_API_KEY")
    assert line.startswith("the key in OPENAI_API_KEY does not belong to api.stepfun.ai")
