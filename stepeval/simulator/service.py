"""From a request to its reply. The only state: the account, the prompt cache and repeat counts."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from stepeval.core.models import known_models
from stepeval.simulator import faults
from stepeval.simulator.answers import AnswerKey
from stepeval.simulator.behaviour import draw_id, plan, prompt_text, prompt_token_count
from stepeval.simulator.cache import PromptCache
from stepeval.simulator.chat_reply import ChatReply
from stepeval.simulator.checks import check
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.connection import Incoming
from stepeval.simulator.limits import Account
from stepeval.simulator.refusal import Refusal, invalid
from stepeval.simulator.reply import VERSION, VERSION_HEADER, Delivery, Piece, Reply, head
from stepeval.simulator.sabotage import JSON, body_fault
from stepeval.simulator.truth import Truth, TruthLog

_CHAT_PATHS = ("/v1/chat/completions", "/step_plan/v1/chat/completions")
_MODEL_PATHS = ("/v1/models", "/step_plan/v1/models")
_MOST_REPEATS_KEPT = 200_000
_STAND_IN_MODEL = "step-3.7-flash"  # behind the names fault:NAME


class Service:
    """Answers one request at a time, at once: waiting is the connection's business."""

    def __init__(self, config: SimulatorConfig, key: AnswerKey, log: TruthLog | None) -> None:
        self._config, self._key, self._log = config, key, log
        self._documented = frozenset(known_models())
        self._models = self._documented | set(config.models)
        self._account = Account(config.limits) if config.limits else None
        self._cache = PromptCache()
        self._repeats: OrderedDict[str, int] = OrderedDict()
        self._served = 0

    def answer(self, incoming: Incoming) -> Reply:
        self._served += 1
        if incoming.path in _CHAT_PATHS:
            return (
                self._chat(incoming) if incoming.method == "POST" else self._not_allowed(incoming)
            )
        if incoming.path in _MODEL_PATHS or incoming.path == "/health":
            return self._fact(incoming) if incoming.method == "GET" else self._not_allowed(incoming)
        return self._refused(incoming, Refusal(404, f"no such path: {incoming.path}", "not_found"))

    def _fact(self, incoming: Incoming) -> Reply:
        if incoming.path == "/health":
            return self._json(incoming, 200, orjson.dumps({"status": "ok"}), {})
        models = [{"id": name, "object": "model"} for name in sorted(self._models)]
        return self._json(incoming, 200, orjson.dumps({"object": "list", "data": models}), {})

    def _chat(self, incoming: Incoming) -> Reply:
        if self._config.require_key and not _bearer(incoming.headers):
            return self._refused(incoming, faults.STATUS_FAULTS["401"])
        try:
            body = orjson.loads(incoming.body)
        except orjson.JSONDecodeError as error:
            return self._refused(incoming, invalid(f"the body is not JSON: {error}"))
        refusal = check(_with_real_model(body), self._models, self._documented)
        if refusal is not None:
            return self._refused(incoming, refusal)
        return self._admitted(incoming, body)

    def _admitted(self, incoming: Incoming, body: dict[str, Any]) -> Reply:
        drawn = draw_id(body)
        prompt_tokens = prompt_token_count(body) if self._account else 0
        refusal = self._refusal(body, drawn, prompt_tokens)
        if refusal is not None:
            return self._refused(incoming, refusal)
        repeat = self._repeat(drawn)
        fault = faults.choose(
            incoming.headers.get(faults.HEADER),
            body["model"],
            self._config.fault_rates,
            f"{self._config.seed}:{drawn}:{repeat}:fault",
        )
        if isinstance(fault, Refusal):
            return self._refused(incoming, fault, spent=0)
        headers = self._headers(incoming, f"{repeat:08x}{drawn[8:]}")
        if fault in faults.BODY_FAULTS:
            streaming = bool(body.get("stream"))
            pieces = body_fault(fault, self._config, headers, streaming=streaming)
            status = None if fault in faults.WITHOUT_STATUS else 200
            return Reply(pieces, self._ending(incoming, status, spent=0), close=True)
        return self._spoken(incoming, body, fault, repeat, headers)

    def _refusal(self, body: dict[str, Any], drawn: str, prompt_tokens: int) -> Refusal | None:
        """The account's, at this moment."""
        if self._account is None:
            return None
        answer_tokens = 0
        if self._account.foresees:
            repeat = self._repeats.get(drawn, 0)
            foreseen = plan(body, self._key, self._config.seed, repeat=repeat, cached_tokens=0)
            answer_tokens = foreseen.completion_tokens
        return self._account.admit(time.monotonic_ns(), prompt_tokens, answer_tokens)

    def _spoken(
        self,
        incoming: Incoming,
        body: dict[str, Any],
        fault: str | None,
        repeat: int,
        headers: Mapping[str, str],
    ) -> Reply:
        if fault == "ignore-effort":
            body = {name: value for name, value in body.items() if name != "reasoning_effort"}
        cached = self._cache.read(prompt_text(body))
        planned = plan(body, self._key, self._config.seed, repeat=repeat, cached_tokens=cached)
        return ChatReply(
            plan=planned,
            body=body,
            config=self._config,
            fault=fault,
            headers=headers,
            finished=self._ending(
                incoming, 200, spent=planned.completion_tokens, asked=planned.prompt_tokens
            ),
        ).reply(chunked=incoming.chunked_allowed)

    def _repeat(self, drawn: str) -> int:
        """How many equal bodies came before this one; the oldest counts are forgotten."""
        seen = self._repeats.pop(drawn, 0)
        self._repeats[drawn] = seen + 1
        if len(self._repeats) > _MOST_REPEATS_KEPT:
            self._repeats.popitem(last=False)
        return seen

    # Replies

    def _not_allowed(self, incoming: Incoming) -> Reply:
        message = f"{incoming.method} is not allowed here"
        return self._refused(incoming, Refusal(405, message, "method_not_allowed"))

    def _refused(self, incoming: Incoming, refusal: Refusal, *, spent: int | None = None) -> Reply:
        extra = {}
        if refusal.retry_after_s is not None:
            extra["retry-after"] = str(refusal.retry_after_s)
        return self._json(incoming, refusal.status, refusal.body, extra, spent=spent)

    def _json(
        self,
        incoming: Incoming,
        status: int,
        body: bytes,
        extra: Mapping[str, str],
        *,
        spent: int | None = None,
    ) -> Reply:
        fields = {"content-type": JSON, "content-length": str(len(body)), **extra}
        start = head(status, {**fields, **self._headers(incoming, f"{self._served:032x}")})
        data = start if incoming.method == "HEAD" else start + body
        return Reply((Piece(0, data),), self._ending(incoming, status, spent=spent))

    def _headers(self, incoming: Incoming, trace: str) -> dict[str, str]:
        headers = {VERSION_HEADER: VERSION, "x-trace-id": trace}
        if not incoming.chunked_allowed:
            headers["connection"] = "close"
        return headers

    def _ending(
        self, incoming: Incoming, status: int | None, *, spent: int | None, asked: int = 0
    ) -> Callable[[Delivery], None]:
        """What is to be done when the reply has ended.

        ``spent`` are the tokens of the answer, None for a request that the account never admitted;
        ``asked`` those of the prompt.
        """

        def finished(delivery: Delivery) -> None:
            if self._account is not None and spent is not None:
                self._account.finish(time.monotonic_ns(), spent, asked)
            if self._log is not None:
                self._log.add(_truth(incoming, status, delivery))

        return finished


def _truth(incoming: Incoming, status: int | None, delivery: Delivery) -> Truth:
    return Truth(
        request_id=incoming.headers.get("x-request-id"),
        read_ns=delivery.read_ns,
        first_ns=delivery.first_ns,
        last_ns=delivery.last_ns,
        status=status,
        complete=delivery.complete,
        offsets_us=tuple(delivery.offsets_us),
        body=incoming.body.decode("utf-8", "replace"),
    )


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _with_real_model(body: Any) -> Any:
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return body
    if not body["model"].startswith(faults.MODEL_PREFIX):
        return body
    return {**body, "model": _STAND_IN_MODEL}
