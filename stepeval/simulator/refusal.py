"""A request that gets no answer: its status and StepFun's error body."""

from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Refusal:
    """``type`` and ``message`` stand in the body; there is no ``code``, as with StepFun."""

    status: int
    message: str
    type: str
    retry_after_s: int | None = None

    @property
    def body(self) -> bytes:
        return orjson.dumps({"error": {"message": self.message, "type": self.type}})


def invalid(message: str) -> Refusal:
    return Refusal(400, message, "request_params_invalid")
