"""The built-in names and their homes. Nothing here is imported before it is asked for."""

from stepeval.core.registry import Registry

SCORERS = Registry(
    "scorer",
    {
        "exact": "stepeval.scorers.text:Exact",
        "includes": "stepeval.scorers.text:Includes",
        "starts_with": "stepeval.scorers.text:StartsWith",
        "ends_with": "stepeval.scorers.text:EndsWith",
        "length": "stepeval.scorers.text:Length",
        "regex": "stepeval.scorers.pattern:Regex",
        "numeric": "stepeval.scorers.numeric:Numeric",
        "choice": "stepeval.scorers.choice:MultipleChoice",
        "json_valid": "stepeval.scorers.structured:JsonValid",
        "json_equals": "stepeval.scorers.structured:JsonEquals",
        "json_schema": "stepeval.scorers.structured:JsonSchema",
    },
)
