from typing import Any

import pytest

from stepeval.core.models import (
    check_parameter,
    key_owners,
    key_variables,
    known_models,
    list_price,
    price_of,
)

FLASH = "step-3.7-flash"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 1),
        ("temperature", 0),
        ("temperature", 0.0),
        ("temperature", 2.0),
        ("top_p", 1.0),
        ("top_p", 0.001),
        ("n", 5),
        ("stream", True),
        ("stop", "END"),
        ("stop", ["a", "b"]),
        ("frequency_penalty", 1.0),
        ("reasoning_format", "deepseek-style"),
        ("reasoning_effort", "medium"),
        ("response_format", {"type": "json_object"}),
    ],
)
def test_documented_values_pass(name: str, value: Any) -> None:
    assert check_parameter(FLASH, name, value) is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("max_tokens", 0, "max_tokens of step-3.7-flash must be at least 1, not 0"),
        ("max_tokens", 1.5, "max_tokens of step-3.7-flash must be an integer, not 1.5"),
        ("max_tokens", True, "max_tokens of step-3.7-flash must be an integer, not True"),
        ("temperature", 2.1, "must be at least 0.0 and at most 2.0, not 2.1"),
        ("temperature", "hot", "must be a number, not 'hot'"),
        ("top_p", 0, "must be above 0.0 and at most 1.0, not 0"),
        ("n", 0, "must be at least 1, not 0"),
        ("stream", 1, "must be a boolean, not 1"),
        ("stop", [1], "must be text or a list of texts"),
        ("frequency_penalty", -0.5, "must be at least 0.0 and at most 1.0"),
        ("reasoning_format", "openai", "must be general or deepseek-style"),
        ("reasoning_effort", "max", "must be low or medium or high"),
        ("response_format", {"type": "xml"}, "must have type text or json_object"),
    ],
)
def test_a_value_out_of_its_documented_range_is_fatal(name: str, value: Any, sentence: str) -> None:
    problem = check_parameter(FLASH, name, value)
    assert problem is not None
    assert problem.fatal
    assert sentence in problem.message


def test_a_model_may_document_fewer_tiers() -> None:
    problem = check_parameter("step-3.5-flash-2603", "reasoning_effort", "medium")
    assert problem is not None
    assert problem.fatal
    assert "low or high" in problem.message


def test_what_is_not_documented_goes_through_with_a_warning() -> None:
    """What the suite says is what is sent; the server has the last word."""
    for model, name, value in [
        ("step-3.5-flash", "reasoning_effort", "high"),
        (FLASH, "top_k", 5),
        (FLASH, "n", 9),
    ]:
        problem = check_parameter(model, name, value)
        assert problem is not None, name
        assert not problem.fatal, name
    assert check_parameter("llama-4", "temperature", "hot") is None


def test_an_unknown_parameter_is_compared_with_the_known_ones() -> None:
    problem = check_parameter(FLASH, "temprature", 1)
    assert problem is not None
    assert "did you mean 'temperature'?" in problem.message


def test_every_known_model_has_a_dated_price_in_both_currencies() -> None:
    for model in known_models():
        for currency in ("USD", "CNY"):
            price = list_price(model, currency)
            assert price is not None
            assert price.as_of is not None
            assert 0 < price.cached < price.input < price.output


def test_prices_belong_to_hosts() -> None:
    dollars = price_of(FLASH, "https://api.stepfun.ai/v1")
    yuan = price_of(FLASH, "https://API.StepFun.com/step_plan/v1")
    assert dollars is not None
    assert yuan is not None
    assert (dollars.currency, yuan.currency) == ("USD", "CNY")
    assert price_of(FLASH, "http://127.0.0.1:8080/v1") is None
    assert price_of("unheard-of", "https://api.stepfun.ai/v1") is None


def test_keys_belong_to_hosts() -> None:
    assert key_variables("api.stepfun.ai") == ("STEP_API_KEY", "STEPFUN_API_KEY")
    assert key_variables("evil.example") == ()
    assert key_owners("STEP_API_KEY") == ("api.stepfun.ai", "api.stepfun.com")
    assert key_owners("MY_KEY") == ()
