"""JUnit XML that a reader of it takes, whatever a model wrote."""

import io
import xml.etree.ElementTree as ET

import junitparser
import pytest
from checked_runs import hand_made
from hypothesis import given
from hypothesis import strategies as st

from stepeval.analysis.checks import checked
from stepeval.core.task import Expectation
from stepeval.exchange.junit import junit_xml


def read(text: str) -> junitparser.JUnitXml:
    found = junitparser.JUnitXml.fromfile(io.BytesIO(text.encode()))
    assert isinstance(found, junitparser.JUnitXml)
    return found


def test_a_reader_sees_every_ending_in_its_own_element() -> None:
    run = hand_made({"ok": [1], "bad": [0], "gone": [None], "known": [0]}, EXPECT)
    found = read(junit_xml(checked(run)))
    assert (found.tests, found.failures, found.errors, found.skipped) == (5, 1, 1, 1)
    (suite,) = found
    cases = {case.name: case for case in suite}
    assert {name: [type(r).__name__ for r in case.result] for name, case in cases.items()} == {
        "ok[a]": [],
        "bad[a]": ["Failure"],
        "gone[a]": ["Error"],
        "known[a]": ["Skipped"],
        "score[a]": [],
    }
    assert cases["bad[a]"].classname == "s.a"
    assert cases["bad[a]"].time == pytest.approx(0.25)
    assert "found 'said'" in cases["bad[a]"].result[0].text
    properties = {p.get("name"): p.get("value") for p in suite._elem.iter("property")}
    assert properties["stepeval.mode"] == "SIMULATED"


EXPECT = Expectation(known_failing=("known",), floor=0.01)


def test_a_time_that_is_not_known_is_left_out() -> None:
    (suite,) = ET.fromstring(junit_xml(checked(hand_made({"gone": [None]}))))
    assert "time" not in suite.attrib
    assert "time" not in suite.findall("testcase")[0].attrib


@pytest.mark.parametrize(
    "hostile",
    ["\x00\x01\x1b[31m", "]]>", "</failure></testcase>", "<!DOCTYPE x [<!ENTITY e 'e'>]>&e;",
     "\ud800", "\ufffe", "\u202eevil", "\"'&<>"],
)  # fmt: skip
def test_no_text_breaks_out_of_its_element(hostile: str) -> None:
    run = hand_made({f"i{hostile.isprintable() and hostile}": [0]}, text=f"say {hostile} now")
    found = read(junit_xml(checked(run)))
    ((case,),) = found
    (failure,) = case.result
    assert "say " in failure.text
    assert " now" in failure.text
    assert not {"\x00", "\x1b", "\u202e"} & set(failure.text)


@given(st.text())
def test_any_text_gives_a_document(text: str) -> None:
    found = read(junit_xml(checked(hand_made({"x": [0]}, text=text))))
    assert found.failures == 1
