"""Templates put values in; they neither run code, nor run away, nor read data as templates."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.suite.template import TemplateError, check, render

VALUES: dict[str, Any] = {
    "input": "hi",
    "choices": ["x", "y"],
    "metadata": {"items": 3, "none": None, "list": [1, 2], "flag": True},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain {text} {# no comment #}\n", "plain {text} {# no comment #}\n"),
        ("{# no comment #}{{ input }}\n", "{# no comment #}hi\n"),
        ("{{ metadata.items }} {{ metadata['items'] }}", "3 3"),
        ("{{ metadata.flag }} {{ metadata.none }} {{ metadata.list }}", "true null [1, 2]"),
        ("{{ choices | join(', ') }}", "x, y"),
        ("{% for c in choices %}{{ loop.index }}{{ c }} {% endfor %}", "1x 2y "),
        ("{% for k, v in metadata|items %}{{ k }} {% endfor %}", "items none list flag "),
        ("{% if input == 'hi' and not nope is defined %}A{% else %}B{% endif %}", "A"),
        ("{% if 'z' in choices %}A{% elif choices|length > 1 %}B{% endif %}", "B"),
        ("{{ metadata.nope | default('z') }}{{ nope | default('y') }}", "zy"),
        ("{{ input|upper }}{{ input|title }}{{ ' a '|trim }}{{ 'B'|lower }}", "HIHiab"),
        ("{{ choices|first }}{{ choices|last }}{{ input[:1] }}{{ input[-1] }}", "xyhi"),
        ("{{ metadata.list|tojson }}{{ '<é>'|tojson }}", '[1, 2]"<é>"'),
        ("{% raw %}{{ input }}{% endraw %}", "{{ input }}"),
        ("{{ 'a' if input else 'b' }}", "a"),
    ],
)
def test_what_templates_can_do(text: str, expected: str) -> None:
    assert render(text, VALUES) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ input.__class__ }}",
        "{{ input['__class__'] }}",
        "{{ input|attr('__class__') }}",
        "{{ lipsum.__globals__ }}",
        "{{ lipsum }}",
        "{{ cycler }}",
        "{{ joiner }}",
        "{{ namespace }}",
        "{{ range(9) }}",
        "{{ dict(a=1) }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ input.upper() }}",
        "{{ metadata.keys() }}",
        "{{ choices.append(1) }}",
        "{{ input.format(1) }}",
        "{{ '%s' % 1 }}",
        "{{ 9 ** 9 }}",
        "{{ 'a' * 9 }}",
        "{{ 'a' + 'b' }}",
        "{{ 'a' ~ 'b' }}",
        "{{ 'a'|center(200000000) }}",
        "{{ 'a'|format }}",
        "{{ _steps }}",
        "{{ input|_weighed }}",
        "{% set a = 1 %}",
        "{% macro a() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% filter upper %}{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% call input() %}{% endcall %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% for a in choices recursive %}{{ loop(a) }}{% endfor %}",
        "{% for a in choices %}{{ loop }}{% endfor %}",
        "{% for a in choices %}{{ loop.cycle('a') }}{% endfor %}",
    ],
)
def test_breakouts_and_everything_beyond_the_list_raise(text: str) -> None:
    with pytest.raises(TemplateError):
        render(text, VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 9**(9**9) }}",
        "{{ 'a'*10**9 }}",
        "{% for a in big %}{% for b in big %}{% endfor %}{% endfor %}",
        "{% for a in big %}{% if 'zz' in big %}{% endif %}{% endfor %}",
        "{% for a in big %}{% if big|upper %}{% endif %}{% endfor %}",
        "{% for a in big %}{{ big }}{% endfor %}",
        "{% for a in big %}{{ choices|join(big) }}{% endfor %}",
    ],
)
def test_runaway_templates_end_soon(text: str) -> None:
    with pytest.raises(TemplateError):
        render(text, {**VALUES, "big": "a" * 900_000})


def test_output_is_capped() -> None:
    with pytest.raises(TemplateError, match="longer than 1,000,000 characters"):
        render("{{ a }}{{ a }}", {"a": "x" * 600_000})


@pytest.mark.parametrize(
    "text", ["{{" + "(" * 9000 + "1" + ")" * 9000 + "}}", "{{ a" + ".b" * 9000 + " }}"]
)
def test_deep_templates_are_an_error_not_a_crash(text: str) -> None:
    with pytest.raises(TemplateError, match="nested too deeply"):
        check(text)


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_values_are_never_read_as_templates(value: str) -> None:
    assert render("{{ input }}", {"input": "{{ 7*7 }}" + value}) == "{{ 7*7 }}" + value
    assert render("{% for a in b %}{{ a }}{% endfor %}", {"b": [value]}) == value


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="{}%|.[]() abinput'~_", max_size=40))
def test_any_template_renders_or_raises_its_own_error(text: str) -> None:
    with suppress(TemplateError):
        assert isinstance(render(text, VALUES), str)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{ inptu }}", "'inptu' is undefined (did you mean 'input'?)"),
        ("{{ metadata.kind }}", "there is no field 'kind' in that value"),
        ("{{ input|uper }}", "unknown filter 'uper' (did you mean 'upper'?)"),
        ("{{ 1 + 1 }}", "a template cannot hold arithmetic"),
        ("{{ input() }}", "a template cannot hold calls"),
        ("{% if input is eq 1 %}{% endif %}", "unknown test 'eq'"),
    ],
)
def test_sentences(text: str, sentence: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(text, VALUES)
    assert str(caught.value).startswith(sentence)


def test_malformed_templates_name_their_line() -> None:
    with pytest.raises(TemplateError) as caught:
        check("a\nb {% if %}")
    assert caught.value.line == 2
