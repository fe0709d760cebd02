import base64
import json
import pickle
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.core.chat import Usage
from stepeval.core.errors import UnknownName
from stepeval.core.identity import content_id
from stepeval.core.pricing import cost
from stepeval.core.registry import Registry
from stepeval.core.secret import Secret
from stepeval.core.task import Price, Sample, metadata_matches

PRICE = Price("USD", input=2.0, cached=0.5, output=10.0)


def test_cost_charges_cached_tokens_at_their_own_price() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, cached_tokens=400)
    assert cost(usage, PRICE) == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6)


def test_an_unknown_price_or_count_is_an_unknown_cost_never_zero() -> None:
    assert cost(Usage(input_tokens=5, output_tokens=5), None) is None
    assert cost(Usage(input_tokens=5), PRICE) is None
    assert cost(Usage(output_tokens=5), PRICE) is None


def test_an_unsaid_cache_share_gives_the_upper_bound() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0)
    assert cost(usage, PRICE) == pytest.approx(1000 * 2 / 1e6)


def test_equal_content_has_an_equal_id_whatever_the_order_of_keys() -> None:
    assert content_id({"a": 1, "b": [1, "ü"]}) == content_id({"b": [1, "ü"], "a": 1})
    assert content_id("1") != content_id(1)
    assert content_id("a", "b") != content_id("ab")
    assert content_id("\ud800")  # a lone surrogate in a dataset is content too


def test_metadata_does_not_change_what_a_sample_is() -> None:
    sample = Sample("1", "2+2?", 4)
    assert sample.key == Sample("1", "2+2?", 4, metadata={"kind": "x"}).key
    assert sample.key != Sample("1", "2+2?", 5).key


def test_a_metadata_filter_takes_a_value_or_any_of_a_list() -> None:
    assert metadata_matches({}, {})
    assert metadata_matches({"kind": "a"}, {"kind": "a", "x": 1})
    assert metadata_matches({"kind": ["a", "b"]}, {"kind": "b"})
    assert not metadata_matches({"kind": "a"}, {})
    assert not metadata_matches({"kind": "a", "x": 2}, {"kind": "a", "x": 1})


def test_a_registry_imports_on_use_and_helps_with_a_typo() -> None:
    registry = Registry("thing", {"sample": "stepeval.core.task:Sample"})
    assert registry["sample"] is Sample
    assert list(registry) == ["sample"]
    with pytest.raises(UnknownName, match=r"unknown thing 'sampel'.*'sample'"):
        registry["sampel"]


SECRETS = st.text(string.ascii_letters + string.digits + "-_+/", min_size=8)


@given(SECRETS, st.text(), st.text())
def test_a_secret_is_scrubbed_in_every_form_it_travels_in(
    value: str, before: str, after: str
) -> None:
    secret = Secret(value)
    encoded = base64.b64encode(value.encode()).decode()
    for form in (value, encoded, quote(value, safe="")):
        assert form not in secret.scrub(f"{before}{form}{after}")


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", [b"", b"u", b"us", b"user:"])
def test_a_long_secret_is_scrubbed_within_a_longer_base64(
    encode: Callable[[bytes], bytes], before: bytes
) -> None:
    """At each of the three places where base64 may cut it, as `Authorization: Basic` does."""
    key = "sk/canary+7f3a?>~Zq9"
    said = Secret(key).scrub(encode(before + key.encode() + b"!?").decode())
    assert "[secret]" in said
    assert len(said.replace("[secret]", "")) <= len(encode(before + b"!?")) + 4


@pytest.mark.parametrize("key", ["sk/canary+7f3a?>~Zq9", 'a"b\\c'])
def test_other_ways_to_write_a_secret_are_scrubbed(key: str) -> None:
    lower = "".join(c if c.isalnum() or c in "-._~" else f"%{ord(c):02x}" for c in key)
    forms = [json.dumps(key), lower]
    if len(key) > 16:
        forms += [key.encode().hex(), key.encode().hex().upper()]
    for form in forms:
        assert "[secret]" in Secret(key).scrub(f"<{form}>")


def test_fragments_of_a_short_secret_are_no_secret() -> None:
    """A local server's key may be "x": what merely resembles an encoding of it stays."""
    text = "eHg 78787878 7878"
    assert Secret("xx").scrub(text) == text.replace("eHg", "[secret]")


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("sk-canary-123456")
    assert "canary" not in f"{secret!r} {secret} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "sk-canary-123456"
