"""What a worker process is given of the environment: no secret that it does not need."""

from dataclasses import replace

from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.environment import for_workers
from stepeval.api.bench.job import Job
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Prompt, Provider, Sample, Suite

PROVIDERS = (
    Provider("used", "https://a.example/v1", key_env=("USED_KEY", "OTHER_KEY")),
    Provider("unused", "https://b.example/v1", key_env=("UNUSED_KEY",)),
)
SUITE = Suite(
    "s", PROVIDERS, (Prompt("q", ()),), (Sample("s", "x"),), (Arm("a", "used", "m", "q"),)
)
JOB = Job("r", SUITE, Mode.LIVE, PROVIDERS[:1], with_keys=True, pace=plan_load(LoadAsk()))
NEEDED = {
    "PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "XDG_CONFIG_HOME": "/c", "PYTHONPATH": "/p",
    "https_proxy": "http://p", "NO_PROXY": "h", "SSL_CERT_FILE": "/ca",
}  # fmt: skip
SECRET = {"AWS_SECRET_ACCESS_KEY": "1", "UNUSED_KEY": "2", "LD_PRELOAD": "3", "GITHUB_TOKEN": "4"}


def test_workers_are_given_the_keys_of_the_providers_they_ask_and_no_other_secret() -> None:
    keys = {"USED_KEY": "k"}
    assert for_workers(JOB, {**NEEDED, **SECRET, **keys}) == {**NEEDED, **keys}


def test_workers_that_need_no_key_are_given_none() -> None:
    job = replace(JOB, with_keys=False)
    assert for_workers(job, {**NEEDED, **SECRET, "USED_KEY": "k"}) == NEEDED
