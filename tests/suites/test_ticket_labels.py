"""The tickets' labels follow from the policy that both prompts state, applied to their facts."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SUITES = Path(__file__).parents[2] / "suites"
DATA = SUITES / "data" / "tickets.jsonl"
TICKETS = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
PROMPTS = {
    version: (SUITES / "prompts" / f"triage_{version}.md").read_text("utf-8")
    for version in ("v1", "v2")
}
CATEGORIES = [  # the first that fits is the ticket's
    "security", "privacy", "outage", "billing", "access", "bug", "feature", "howto", "other",
]  # fmt: skip
HIGH = {"locked_out", "charge_over_500", "deadline", "data_lost"}
FOR_A_PERSON = {"refund", "legal_threat", "asks_for_person"}
Ticket = dict[str, Any]


def _priority(category: str, facts: set[str]) -> str:
    if category == "outage" or "exposure" in facts:
        return "urgent"
    if facts & HIGH:
        return "high"
    return "low" if category in {"feature", "howto", "other"} else "normal"


@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: str(ticket["id"]))
def test_the_label_is_what_the_policy_gives(ticket: Ticket) -> None:
    target, metadata = ticket["target"], ticket["metadata"]
    facts = set(metadata["facts"])
    assert facts <= HIGH | FOR_A_PERSON | {"exposure"}
    category = next(name for name in CATEGORIES if name in metadata["topics"])
    priority = _priority(category, facts)
    by_a_person = priority == "urgent" or category in {"security", "privacy"}
    assert target["category"] == category
    assert target["priority"] == priority
    assert target["needs_human"] is (by_a_person or bool(facts & FOR_A_PERSON))


@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: str(ticket["id"]))
def test_the_account_is_one_that_the_mail_names(ticket: Ticket) -> None:
    named = re.findall(r"TW-\d{5}", ticket["input"])
    account = ticket["target"]["account"]
    assert account in named if named else account is None


# Words that its language has and the others here do not; the last two have scripts of their own.
TELLTALE = {
    "en": r"\b(the|to|you|have|is|for)\b", "de": r"\b(ich|ist|wie|das|ihr|beim|eine)\b",
    "fr": r"\b(vous|bonjour|je|le)\b", "es": r"\b(los|puedo|de la|el|no)\b",
    "it": r"\b(sono|gentili|il|già|buonasera)\b", "nl": r"\b(ik|het|een|van)\b",
    "pt": r"\b(não|uma|esqueci)\b", "pl": r"\b(się|jak|dzień)\b", "sv": r"\b(jag|till|av)\b",
    "tr": r"\b(için|hangi)\b", "ja": r"[ぁ-ん]", "zh": r"^[^ぁ-ん]*[\u4e00-\u9fff]",
}  # fmt: skip


@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: str(ticket["id"]))
def test_the_mail_is_written_in_the_labelled_language(ticket: Ticket) -> None:
    assert re.search(TELLTALE[ticket["target"]["language"]], ticket["input"].lower())


def test_the_tickets_cover_every_label_and_many_languages() -> None:
    assert len(TICKETS) >= 60
    assert len({t["id"] for t in TICKETS}) == len({t["input"] for t in TICKETS}) == len(TICKETS)
    categories = Counter(ticket["target"]["category"] for ticket in TICKETS)
    assert set(categories) == set(CATEGORIES)
    assert min(categories.values()) >= 5
    assert {t["target"]["priority"] for t in TICKETS} == {"urgent", "high", "normal", "low"}
    assert len({ticket["target"]["language"] for ticket in TICKETS}) >= 8
    for category in CATEGORIES:
        # Else a category would give the label away.
        of_it = [t["target"] for t in TICKETS if t["target"]["category"] == category]
        assert len({(label["priority"], label["needs_human"]) for label in of_it}) > 1 or (
            category in {"outage", "howto"}
        )


@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: str(ticket["id"]))
def test_every_ticket_says_why(ticket: Ticket) -> None:
    metadata = ticket["metadata"]
    assert metadata["why"].endswith(".")
    assert 0 <= metadata["difficulty"] <= 1
    assert json.loads(metadata["reference"]) == ticket["target"]


@pytest.mark.parametrize("version", PROMPTS)
def test_both_prompts_state_the_whole_policy(version: str) -> None:
    """A label that a prompt's reader could not know would not test the prompt."""
    prompt = PROMPTS[version]
    places = [re.search(rf"\b{name}\b[`: (.]", prompt) for name in CATEGORIES]
    assert all(places)
    for word in (
        "urgent", "high", "low", "normal", "500", "7 days", "ISO 639-1", "needs_human", "account",
        "language", "null", "refund", "lawyer", "asks", "lost data",
    ):  # fmt: skip
        assert word in prompt
    assert prompt.count("{{ input }}") == 1
