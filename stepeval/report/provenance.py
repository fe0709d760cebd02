"""Where the numbers come from, and how to get them again."""

from collections.abc import Iterator
from pathlib import Path

from stepeval.core.record import CassetteInfo, Mode, RunInfo
from stepeval.core.task import Suite
from stepeval.report import wording
from stepeval.report.evidence import Evidence
from stepeval.report.view import Fact


def provenance(evidence: Evidence) -> tuple[Fact, ...]:
    info, suite = evidence.info, evidence.suite
    return (*_about_run(info), *_about_suite(info, suite), *_about_prices(evidence))


_STAND_INS = {
    Mode.SIMULATED: ", for which the simulator stood in",
    Mode.REPLAY: ", for which the cassette stood in",
}
_SIMULATED = (
    "These answers come from stepeval's simulator on this machine. "
    "They say nothing about any real model."
)


def mode_sentence(info: RunInfo) -> str:
    if info.mode is Mode.SIMULATED:
        return _SIMULATED
    if info.mode is Mode.REPLAY:
        return _replayed(info.cassette)
    return "These answers came from the API named below."


def _replayed(cassette: CassetteInfo | None) -> str:
    said = "These answers were recorded earlier and read from a cassette. No request was made."
    if cassette is None:
        return said
    said = f"{said} Times are those of {wording.moment(cassette.recorded_at)}."
    return f"{said} {_SIMULATED}" if cassette.mode is Mode.SIMULATED else said


def _about_run(info: RunInfo) -> Iterator[Fact]:
    yield Fact("Run", info.id, info.label or "", code=True)
    yield Fact("Mode", info.mode.value)
    if info.cassette is not None:
        when = wording.moment(info.cassette.recorded_at)
        yield Fact("Cassette", info.cassette.name, f"{info.cassette.mode.value}, {when}")
        yield Fact("Cassette digest", info.cassette.digest, code=True)
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
        yield Fact("Provider", provider.name, provider.base_url + _STAND_INS.get(info.mode, ""))
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
