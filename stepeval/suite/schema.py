"""The shape of a suite file. Only this module and those that read its errors know pydantic."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

_SLUG = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Name: TypeAlias = Annotated[str, Field(pattern=_NAME)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Amount: TypeAlias = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
WithUnit: TypeAlias = Annotated[Any, WithJsonSchema({"type": "string"})]


def _shape(value: Any) -> str | None:
    for kind, name in ((str, "text"), (list, "list"), (dict, "mapping")):
        if isinstance(value, kind):
            return name
    return None


def _by_shape(expected: str) -> Discriminator:
    return Discriminator(
        _shape, custom_error_type="shape", custom_error_message=f"must be {expected}"
    )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Open(_Strict):
    model_config = ConfigDict(extra="allow")


class TimeoutsEntry(_Strict):
    connect: Seconds = 10.0
    tls: Seconds = 10.0
    first_byte: Seconds | None = None
    read: Seconds = 300.0
    write: Seconds = 30.0
    total: Seconds = 900.0


class ProviderEntry(_Strict):
    base_url: str | None = None
    key_env: (
        Annotated[
            Annotated[str, Tag("text")] | Annotated[list[str], Tag("list")],
            _by_shape("the name of an environment variable, or a list of names"),
        ]
        | None
    ) = None
    headers: dict[str, str] = {}
    timeouts: TimeoutsEntry = TimeoutsEntry()


class FunctionEntry(_Strict):
    name: str
    arguments: str


class ToolCallEntry(_Strict):
    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionEntry


class MessageEntry(_Strict):
    role: Literal["system", "user", "assistant", "tool", "developer"]
    content: (
        Annotated[
            Annotated[str, Tag("text")] | Annotated[list[dict[str, Any]], Tag("list")],
            _by_shape("text or a list of parts"),
        ]
        | None
    ) = None
    name: str | None = None
    tool_calls: list[ToolCallEntry] = []
    tool_call_id: str | None = None


class PromptEntry(_Strict):
    id: Name
    system: str | None = None
    template: str | None = None
    messages: Annotated[list[MessageEntry], Field(min_length=1)] | None = None
    file: str | None = None
    tools: list[dict[str, Any]] = []
    response_format: dict[str, Any] | None = None


class FieldsEntry(_Strict):
    """Which column of the file holds what."""

    id: str | None = None
    input: str | None = None
    target: str | None = None
    choices: str | None = None
    metadata: str | None = None


class DatasetEntry(_Strict):
    file: str | None = None
    rows: list[dict[str, Any]] | None = None
    limit: Count | None = None
    shuffle: int | None = None
    filter: dict[str, Any] = {}
    fields: FieldsEntry = FieldsEntry()


class DefaultsEntry(_Open):
    """Any further key is a request parameter."""

    provider: str | None = None
    model: str | None = None
    prompt: str | None = None


class GridEntry(_Open):
    """Any further key is an axis: a list of values of a request parameter."""

    __pydantic_extra__: dict[str, Annotated[list[Any], Field(min_length=1)]]
    provider: Annotated[list[str], Field(min_length=1)] | None = None
    model: Annotated[list[str], Field(min_length=1)] | None = None
    prompt: Annotated[list[str], Field(min_length=1)] | None = None
    include: list[dict[str, Any]] = []
    exclude: list[dict[str, Any]] = []
    arms: dict[str, dict[str, Any]] = {}


class RuleEntry(_Open):
    """Any further key is an option of the scorer."""

    scorer: str
    id: Name | None = None
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    negate: bool = Field(default=False, alias="not")
    where: dict[str, Any] = {}


class LimitsEntry(_Strict):
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | None = None
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    max_attempts: Count = 4
    max_cells: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000


class BudgetEntry(_Strict):
    """Amounts and times are text with their unit, read by :mod:`stepeval.suite.budget`."""

    cost: WithUnit = None
    tokens: Count | None = None
    time: WithUnit = None
    requests: Count | None = None
    confirm_above: WithUnit = None
    give_up_after: WithUnit = None


class ExpectEntry(_Strict):
    """What a test asserts; read by :mod:`stepeval.suite.expectation`."""

    items: Annotated[
        Any,
        WithJsonSchema(
            {
                "anyOf": [
                    {"enum": ["correct", "answered"]},
                    {"type": "number", "minimum": 0, "maximum": 1},
                ]
            }
        ),
    ] = "correct"
    score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    known_failing: list[str] = []
    limit: Count | None = None
    baseline: Name | None = None
    margin: WithUnit = None
    inconclusive: Literal["pass", "fail"] | None = None


class PriceEntry(_Strict):
    """Per million tokens."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    input: Amount
    cached: Amount | None = None
    output: Amount
    as_of: str | None = None


ScoringItem: TypeAlias = Annotated[
    Annotated[str, Tag("text")] | Annotated[RuleEntry, Tag("mapping")],
    _by_shape("a scorer's name, or a mapping with 'scorer'"),
]


class SuiteFile(_Strict):
    stepeval: Literal[1]
    name: Annotated[str, Field(pattern=_SLUG)]
    description: str = ""
    providers: dict[str, ProviderEntry] = {}
    defaults: DefaultsEntry = DefaultsEntry()
    prompts: Annotated[list[PromptEntry], Field(min_length=1)] | None = None
    dataset: Annotated[
        Annotated[list[dict[str, Any]], Tag("list")] | Annotated[DatasetEntry, Tag("mapping")],
        _by_shape("a list of rows, or a mapping with 'file' or 'rows'"),
    ]
    grid: GridEntry = Field(default_factory=lambda: GridEntry.model_validate({}))
    epochs: Count = 1
    seed: int = 0
    scoring: list[ScoringItem] = []
    limits: LimitsEntry = LimitsEntry()
    budget: BudgetEntry = BudgetEntry()
    pricing: dict[str, PriceEntry] = {}
    cache: bool = False
    expect: ExpectEntry = ExpectEntry()
