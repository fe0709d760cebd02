"""Where the numbers come from, and how to get them again."""

from collections.abc import Iterator
from pathlib import Path

from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Suite
from stepeval.report import wording
from stepeval.report.evidence import Evidence
from stepeval.report.view import Fact


def provenance(evidence: Evidence) -> tuple[Fact, ...]:
    info, suite = evidence.info, evidence.suite
    return (*_about_run(info), *_about_suite(info, suite), *_about_prices(evidence))


def mode_sentence(mode: Mode) -> str:
    if mode is Mode.SIMULATED:
        return (
            "These answers come from stepeval's simulator on this machine. "
            "They say nothing about any real model."
        )
    return "These answers came from the API named below."


def _about_run(info: RunInfo) -> Iterator[Fact]:
    yield Fact("Run", info.id, info.label or "", code=True)
    yield Fact("Mode", info.mode.value)
    yield Fact("Started", wording.moment(info.created_at))
    yield Fact("Git commit", info.git_commit or "not in a repository", _dirt(info), code=True)
    yield Fact("Host", info.host)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(info.versions.items()))
    yield Fact("Versions", versions or "not recorded")


def _dirt(info: RunInfo) -> str:
    if info.git_commit is None:
        return ""
    if info.git_dirty is None:
        return "it is not known whether files had changed since"
    return "with uncommitted changes" if info.git_dirty else "clean"


def _about_suite(info: RunInfo, suite: Suite) -> Iterator[Fact]:
    yield Fact("Suite", suite.name, Path(suite.source).name if suite.source else "")
    yield Fact("Suite hash", info.suite_hash, code=True)
    yield Fact("Seed", str(suite.seed))
    for provider in suite.providers:
        stand_in = ", for which the simulator stood in" if info.mode is Mode.SIMULATED else ""
        yield Fact("Provider", provider.name, provider.base_url + stand_in)
    limits = suite.limits
    yield Fact(
        "Limits",
        "learned" if limits.learned else f"{wording.plural(limits.concurrency, 'request')} at once",
        f"{wording.plural(limits.max_attempts, 'attempt')} each at most",
    )


def _about_prices(evidence: Evidence) -> Iterator[Fact]:
    """One for each model and price: arms may share them, or ask one model in two places."""
    pairs = ((arm.model, evidence.prices[arm.name]) for arm in evidence.suite.arms)
    for model, price in dict.fromkeys(pairs):
        if price is None:
            yield Fact("Price", model, "not known, so its cost is not")
            continue
        rates = (price.input, price.cached, price.output)
        listed = " / ".join(wording.money(rate, price.currency) for rate in rates)
        read = f", as of {price.as_of}" if price.as_of else ", from the suite"
        yield Fact("Price", model, f"{listed} per million tokens in / cached / out{read}")
