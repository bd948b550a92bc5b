"""The plan of a run: its cases by their planned outcome, as products of their parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pvbench.document import (
    Block,
    Document,
    Heading,
    Notes,
    Paragraph,
    Role,
    facts,
    table_of_records,
)
from pvbench.results import schema
from pvbench.run.outcome import Outcome
from pvbench.suite import Case
from pvbench.text import counted, shortened_list

Refused = Mapping[str, Outcome]
Parts = dict[str, str]  # the values that tell a case from others, by fact
Values = Mapping[str, tuple[str, ...]]  # by fact
Product = tuple[tuple[str, ...], ...]  # the values of each fact
_LONGEST_LIST: Final = 40  # values
_NONE: Final = "-"
_PLANNED: Final = ("planned", "")
_TITLES: Final = {
    "guest_bits": "word size",
    "target_state": "targets",
    "host_cpus": "host CPUs",
}
_ROLES: Final = {"case": Role.PROSE, "outcome": Role.CONDITION, "reason": Role.PROSE}


def document(suite: str, cases: Sequence[Case], refused: Refused, boots: int) -> Document:
    """
    The plan for people, and a row for each case for programs.

    Args:
        suite: its name.
        cases: all cases of the plan.
        refused: the outcomes of those that will not run, by name; also those of cases
            that cannot be made, because a plugin is missing.
        boots: the number of boots.
    """
    names = {schema.case_name(case): case for case in cases}
    records = list(_records(names, refused))
    amount = counted(len(records), "case")
    return Document(
        [
            facts({"boots": boots}, shown=False),
            table_of_records(records, roles=_ROLES, name="cases", in_text=False),
            *_shown(suite, names, refused),
            Paragraph(f"{amount}, {counted(boots, 'boot')}"),
        ]
    )


def _records(names: Iterable[str], refused: Refused) -> Iterator[dict[str, str]]:
    """The planned outcome of each case; cases whose plugins are missing come first."""
    missing = [name for name in refused if name not in names]
    for name in (*missing, *names):
        outcome, reason = _outcome(refused.get(name))
        yield {"case": name, "outcome": outcome, "reason": reason}


def _outcome(refusal: Outcome | None) -> tuple[str, str]:
    return (refusal.kind, refusal.reason) if refusal else _PLANNED


def _shown(suite: str, cases: Mapping[str, Case], refused: Refused) -> Iterator[Block]:
    """What all cases share, the values of everything else, and the outcomes."""
    named = _named(cases.values())
    parts = {name: _parts(case, named) for name, case in cases.items()}
    values = {n: tuple(dict.fromkeys(of_case[n] for of_case in parts.values())) for n in named}
    shared = [_line(name, several) for name, several in values.items() if len(several) == 1]
    varying = {name: several for name, several in values.items() if len(several) > 1}
    if shared:
        yield Heading(f"{suite}: {', '.join(shared)}")
    lines = tuple(_line(name, several) for name, several in varying.items())
    yield Notes(lines=lines, bulleted=True, in_json=False)
    outcomes: dict[tuple[str, str], list[str]] = {}
    for name in (*refused, *(name for name in cases if name not in refused)):
        outcomes.setdefault(_outcome(refused.get(name)), []).append(name)
    for outcome, names in outcomes.items():
        of_cases = [parts[name] for name in names if name in parts]
        products = _products(of_cases, varying) if of_cases else [()]
        yield from (_notes(outcome, product, varying) for product in products)


def _notes(outcome: tuple[str, str], product: Product, varying: Values) -> Notes:
    """An outcome, and the cases that have it: all that have the values which are listed."""
    kind, reason = outcome
    amount = counted(math.prod(map(len, product)), "case")
    title = ": ".join(filter(None, [f"{kind}, {amount}", reason]))
    lines = tuple(
        _line(name, values)
        for (name, all_values), values in zip(varying.items(), product, strict=False)
        if len(values) < len(all_values)
    )
    if not lines:
        return Notes(lines=(title,), in_json=False)
    return Notes(lines=lines, title=title, bulleted=True, in_json=False)


def _parts(case: Case, named: Iterable[str]) -> Parts:
    known = schema.case_facts(case)
    return {name: str(known.get(name, _NONE)) for name in named}


def _named(cases: Iterable[Case]) -> tuple[str, ...]:
    """The facts that tell cases apart and that the name of one of *cases* states."""
    every = [schema.case_facts(case) for case in cases]
    others = (name for name in schema.in_names() if name != "suite")
    return tuple(n for n in others if any(schema.in_name(n, known) for known in every))


def _products(cases: Sequence[Parts], varying: Iterable[str]) -> list[Product]:
    """*cases* as few products of the values of the facts *varying*."""
    products: list[Product] = [tuple((parts[name],) for name in varying) for parts in cases]
    for place in range(len(products[0])):
        products = _merged(products, place)
    return products


def _merged(products: Iterable[Product], place: int) -> list[Product]:
    """Merge the products that are equal in all facts but the one at *place*."""
    groups: dict[Any, dict[str, None]] = {}
    for product in products:
        others = product[:place], product[place + 1 :]
        groups.setdefault(others, {}).update(dict.fromkeys(product[place]))
    return [(*before, tuple(values), *after) for (before, after), values in groups.items()]


def _line(name: str, values: Sequence[str]) -> str:
    title = _TITLES.get(name, name.replace("_", " "))
    return f"{title} {shortened_list(values, _LONGEST_LIST)}"
