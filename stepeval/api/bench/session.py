"""From what a benchmark is asked for to a stored, scored run."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.api.access import all_simulated, find_keys, used_providers
from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.ceiling import known_ceiling
from stepeval.api.bench.conduct import Course, Stage, conduct
from stepeval.api.bench.counting import Vocabulary, count_missing
from stepeval.api.bench.crew import crew
from stepeval.api.bench.job import Engine, Job, LoadListener
from stepeval.api.bench.pace import Pace
from stepeval.api.bench.sender import sender
from stepeval.api.bench.verdict import KEPT, share_within
from stepeval.api.builtin import SCORERS
from stepeval.api.interruption import stopping_on_signals
from stepeval.api.preparation import SuiteOptions, prepare, prepare_text
from stepeval.api.provenance import describe_run
from stepeval.api.rescore import score_missing
from stepeval.api.scoring import BoundRule, bind_rules, unjudgeable
from stepeval.api.simulation import embedded_simulator
from stepeval.core.errors import ExitCode, Problem, RunIncomplete, UsageError
from stepeval.core.identity import content_id
from stepeval.core.record import Mode
from stepeval.core.task import Suite
from stepeval.execution.measure import Share
from stepeval.execution.stop import StopSignal
from stepeval.store.codec import dump
from stepeval.store.run import RunEvent, RunStore, create_run
from stepeval.store.runs import RunsFolder
from stepeval.suite.lengths import Lengths, parse_lengths
from stepeval.suite.synthetic import synthetic_samples, synthetic_suite
