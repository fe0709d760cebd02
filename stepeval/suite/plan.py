"""What the grid multiplies: the suite's defaults and axes, and what the command line puts over."""

from collections.abc import Mapping, Sequence
from typing import Any

from stepeval.suite.findings import Findings, Place
from stepeval.suite.grid import Draft, Plan, Setting, count_arms, expand_arms, is_excluded
from stepeval.suite.yaml_tree import Node, place_of, plain

_NOT_AXES = ("include", "exclude", "arms")


def read_plan(
    root: Node,
    *,
    fallbacks: Mapping[str, str],
    parameters: Mapping[str, Any],
    models: Sequence[str],
) -> Plan:
    """``fallbacks`` are the provider and prompt of a suite that names none.

    ``parameters`` and ``models`` replace defaults and axes of their names everywhere.
    """
    grid = root.get("grid")
    axes = {
        name: tuple(Setting(plain(each), each.place) for each in node.elements())
        for name, _, node in (grid.items() if grid else ())
        if name not in _NOT_AXES and node.value is not None
    }
    extras = _extras(grid) if grid else ()
    exclude = grid.get("exclude") if grid else None
    over = {name: Setting(value) for name, value in parameters.items()}
    replaced = {*over, *(("model",) if models else ())}
    return Plan(
        base={name: Setting(value) for name, value in fallbacks.items()}
        | _settings(root.get("defaults")),
        axes={name: values for name, values in axes.items() if name not in replaced},
        extras=extras,
        exclude=tuple(plain(node) for node in exclude.elements()) if exclude else (),
        combos=tuple({**over, "model": Setting(model)} for model in models) or (over,),
        product=bool(axes) or not extras,
        place=place_of(root, ("grid",) if grid else (), key=True),
    )


def _extras(grid: Node) -> tuple[Draft, ...]:
    include, arms = grid.get("include"), grid.get("arms")
    included = (
        (Draft(_settings(node), node.place) for node in include.elements()) if include else ()
    )
    named = (
        (Draft(_settings(node), place, name) for name, place, node in arms.items()) if arms else ()
    )
    return (*included, *named)


def _settings(node: Node | None) -> dict[str, Setting]:
    if node is None:
        return {}
    return {name: Setting(plain(value), value.place) for name, _, value in node.items()}


def read_drafts(
    plan: Plan, root: Node, findings: Findings, *, items: int, most_cells: int
) -> tuple[Draft, ...]:
    """The plan's arms, expanded only if that many cells are allowed.

    ``items`` is samples times epochs. Mistakes go to ``findings``.
    """
    most_arms = count_arms(plan)
    if most_arms > most_cells:  # counted, not expanded: it may be any number
        findings.error(size_sentence(most_arms, items, most_cells), plan.place)
        return ()
    drafts = tuple(expand_arms(plan))
    if not drafts:
        findings.error("the grid excludes every arm", place_of(root, ("grid", "exclude"), key=True))
    elif len(drafts) * items > most_cells:
        findings.error(size_sentence(len(drafts), items, most_cells), plan.place)
        return ()
    _warn_of_idle_excludes(plan, root, findings)
    return drafts


def size_sentence(arms: int, items: int, most_cells: int) -> str:
    return (
        f"{arms:,} arms x {items:,} samples and epochs are {arms * max(items, 1):,} requests, "
        f"more than max_cells ({most_cells:,}); shorten the grid, or raise it with --max-cells "
        "or under limits:"
    )


def _warn_of_idle_excludes(plan: Plan, root: Node, findings: Findings) -> None:
    if not plan.exclude or any(plan.combos[0]):
        return  # the command line may have taken the excluded values away
    everything = tuple(
        expand_arms(Plan(plan.base, plan.axes, product=plan.product, combos=plan.combos))
    )
    for index, pattern in enumerate(plan.exclude):
        if not any(is_excluded(draft, pattern) for draft in everything):
            place: Place = place_of(root, ("grid", "exclude", index))
            findings.warning("this exclude matches no arm", place)
