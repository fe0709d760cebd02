"""A key goes to its own hosts, encrypted, and to nobody else."""

from pathlib import Path

import pytest

from stepeval.client.credentials import find_key
from stepeval.core.errors import ProviderError
from stepeval.core.task import Provider

STEP = "https://api.stepfun.ai/v1"
NAMES = ("STEP_API_KEY", "STEPFUN_API_KEY")


def found(provider: Provider, env: dict[str, str], key_file: Path | None = None) -> str | None:
    key = find_key(provider, env, key_file)
    return None if key is None else key.reveal()


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_first_variable_that_is_set_wins_and_empty_is_unset() -> None:
    step = Provider("s", STEP, NAMES)
    assert found(step, {"STEPFUN_API_KEY": "b", "STEP_API_KEY": "a"}) == "a"
    assert found(step, {"STEPFUN_API_KEY": "b", "STEP_API_KEY": " "}) == "b"


def test_the_key_file_comes_last_and_only_for_its_own_hosts(tmp_path: Path) -> None:
    path = key_file(tmp_path, "filed\n")
    assert found(Provider("s", STEP, NAMES), {}, path) == "filed"
    assert found(Provider("s", STEP, NAMES), {"STEP_API_KEY": "a"}, path) == "a"
    other = Provider("o", "https://api.openai.com/v1", ("OPENAI_API_KEY",), trusted=True)
    with pytest.raises(ProviderError, match="set OPENAI_API_KEY"):
        find_key(other, {}, path)
    assert found(Provider("l", "http://localhost:1/v1", NAMES), {}, path) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, "filed", mode)
    with pytest.raises(ProviderError, match="chmod 600") as error:
        find_key(Provider("s", STEP, NAMES), {}, path)
    assert "filed" not in str(error.value)


def test_a_key_file_that_is_missing_or_empty_is_no_key(tmp_path: Path) -> None:
    for path in (tmp_path / "none", key_file(tmp_path, " \n")):
        with pytest.raises(ProviderError, match="set STEP_API_KEY or STEPFUN_API_KEY"):
            find_key(Provider("s", STEP, NAMES), {}, path)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="cannot be read"):
        find_key(Provider("s", STEP, NAMES), {}, tmp_path)


def test_no_key_is_needed_where_none_is_named_or_on_this_machine() -> None:
    assert found(Provider("x", "https://x.example/v1"), {"STEP_API_KEY": "a"}) is None
    for host in ("localhost", "127.0.0.1", "127.8.9.1", "[::1]"):
        assert found(Provider("l", f"http://{host}:8000/v1", ("MY_KEY",)), {}) is None


@pytest.mark.parametrize(
    ("base_url", "variable"),
    [
        ("https://evil.example/v1", "STEP_API_KEY"),
        ("https://api.openai.com/v1", "STEP_API_KEY"),
        ("https://api.stepfun.ai.evil.example/v1", "STEP_API_KEY"),
        ("https://api.stepfun.ai@evil.example/v1", "STEP_API_KEY"),
        ("https://evil.example/v1", "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_key_is_not_sent_where_it_does_not_belong(base_url: str, variable: str) -> None:
    with pytest.raises(ProviderError, match=f"{variable} is not sent to") as error:
        find_key(Provider("x", base_url, (variable,)), {variable: "canary"}, None)
    assert "canary" not in str(error.value)


def test_a_key_of_others_is_not_sent_to_this_machine_either() -> None:
    assert found(Provider("l", "http://127.0.0.1:1/v1", NAMES), {"STEP_API_KEY": "a"}) is None
    ours = Provider("l", "http://127.0.0.1:1/v1", ("MY",), trusted=True)
    assert found(ours, {"MY": "a"}) == "a"


def test_a_variable_that_no_host_is_known_to_own_needs_the_users_word() -> None:
    """Whoever wrote the suite could have any secret of the environment sent to any local port."""
    stranger = Provider("l", "http://127.0.0.1:1/v1", ("GITHUB_TOKEN",))
    with pytest.raises(ProviderError, match="GITHUB_TOKEN is not sent to 127"):
        find_key(stranger, {"GITHUB_TOKEN": "a"}, None)
    assert found(stranger, {}) is None


def test_a_host_the_user_vouches_for_gets_the_key() -> None:
    proxy = Provider("x", "https://gateway.example/v1", NAMES, trusted=True)
    assert found(proxy, {"STEP_API_KEY": "a"}) == "a"


def test_a_key_never_travels_unencrypted() -> None:
    plain = Provider("x", "http://gateway.example/v1", ("MY",), trusted=True)
    with pytest.raises(ProviderError, match="use https"):
        find_key(plain, {"MY": "a"}, None)


@pytest.mark.parametrize("key", ["a b", "a\nb", "schlüssel", "a\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(ProviderError, match="STEP_API_KEY holds a character") as error:
        find_key(Provider("s", STEP, NAMES), {"STEP_API_KEY": key}, None)
    assert key not in str(error.value)
