"""
The schema of results: every axis and fact, in one table.

A result file stores the fact NAME as the metadata ``pvbench_NAME``.  A new axis is one
row of `TABLE`: it then appears in the names of cases, the metadata, headings, "differs"
lines, CSV columns and the choices of ``--by``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from pvbench.guest import listed
from pvbench.results.fact import CheckedBurst, Fact, FactRole, Facts, Metadata, Value
from pvbench.suite import TIMES
from pvbench.topology import form_of

if TYPE_CHECKING:
    from pvbench.slice_result import Counts
    from pvbench.suite import Case

PREFIX: Final = "pvbench_"
UNKNOWN: Final = "unknown"  # a fact that the text of another benchmark does not tell
# Facts of this kind are as many as a host or a delivery has.
_ROLE_OF_PREFIX: Final = {"host_": FactRole.HOST, "note_": FactRole.NOTE}
_AXIS, _CONDITION, _DETAIL = FactRole.AXIS, FactRole.CONDITION, FactRole.DETAIL
_UNDER_TEST, _SOFTWARE = FactRole.UNDER_TEST, FactRole.SOFTWARE
_COUNT, _NOTE = FactRole.COUNT, FactRole.NOTE


def _host_cpus(case: Case) -> int | None:
    """The host CPUs of a modelled host; a measured result has its CPUs as facts."""
    vcpus = len(case.guest.apic_ids)
    return case.guest.host_cpus or (vcpus if case.costs else None)


def _sockets(case: Case) -> int | None:
    """The sockets of the guest, if its topology tells of several."""
    return case.guest.sockets if case.guest.sockets > 1 else None


def _linux(case: Case) -> str | None:
    """The kernel of the guest; a running kernel sends by its own rules."""
    return None if case.stack.driver.mechanism == "kernel" else case.linux.name


def _parameter(case: Case) -> tuple[str | None, Value | None]:
    """Name and value of the first parameter of a workload family, None unless a number."""
    name, value = next(iter(case.workload.parameters.items()), (None, None))
    return (name, value) if isinstance(value, int) else (None, None)


def _sample(case: Case) -> str | None:
    """The strata of a sample: how many sends of each were drawn."""
    strata = dict.fromkeys((one.stratum, one.drawn, one.sends) for one in case.sample)
    return "; ".join(f"{drawn} of {sends} {name}" for name, drawn, sends in strata) or None


def _caveat(case: Case) -> str | None:
    workload = case.workload
    return workload.caveat(**workload.parameters) or None if case.repeats else None


def _total(values: Iterable[int] | None) -> int | None:
    return None if values is None else sum(values)


TABLE: Final[tuple[Fact, ...]] = (
    Fact("suite", _AXIS, required=True, of_case=lambda case: case.suite, short="{suite}"),
    Fact(
        "suite_version",
        _AXIS,
        is_number=True,
        required=True,
        of_case=lambda case: case.suite_version,
    ),
    Fact(
        "workload",
        _AXIS,
        required=True,
        of_case=lambda case: case.workload.spec,
        short=".{workload}",
        option="--workload {workload}",
        groups=False,
        predicted=True,
    ),
    Fact(
        "sender",
        _AXIS,
        required=True,
        of_case=lambda case: case.stack.overlay.name if case.stack.overlay else "native",
        option="--sender {sender}",
        by=("sender", "overlay"),
        groups=False,
    ),
    Fact(
        "driver",
        _AXIS,
        required=True,
        of_case=lambda case: case.stack.driver.name,
        option="--driver {driver}",
        by=("sender", "driver"),
        groups=False,
    ),
    Fact(
        "stack",
        _DETAIL,
        required=True,
        of_case=lambda case: case.stack.name,
        short=" {stack}",
        by=("sender", "overlay"),
        predicted=True,
    ),
    Fact(
        "guest",
        _AXIS,
        required=True,
        of_case=lambda case: case.guest.name,
        short=" {guest}",
        option=lambda facts: f"--guest {facts.get('guest_form', facts['guest'])}",
        by=("guest",),
        boot=True,
        predicted=True,
    ),
    # the topology of a guest whose name is shortened
    Fact("guest_form", _DETAIL, of_case=lambda case: form_of(case.guest)),
    Fact(
        "vcpus",
        _DETAIL,
        is_number=True,
        required=True,
        of_case=lambda case: len(case.guest.apic_ids),
        phrase="{vcpus} vCPUs",
        groups=True,
    ),
    Fact("sockets", _DETAIL, is_number=True, of_case=_sockets),
    Fact(
        "apic_ids",
        _AXIS,
        required=True,
        of_case=lambda case: case.guest.ids_text,
        phrase="APIC IDs {apic_ids}",
        by=("guest",),
        boot=True,
    ),
    Fact(
        "offline_cpus",
        _CONDITION,
        of_case=lambda case: listed(case.guest.offline) or None,
        phrase="offline: {offline_cpus}",
        by=("guest",),
        boot=True,
    ),
    Fact(
        "logical_ids",
        _CONDITION,
        of_case=lambda case: listed(case.guest.logical_ids) or None,
        phrase="logical IDs of {logical_ids}",
        by=("guest",),
        boot=True,
    ),
    Fact(
        "vp_indexes",
        _CONDITION,
        of_case=lambda case: listed(case.guest.vp_indexes) or None,
        phrase="VP indexes {vp_indexes}",
        by=("guest",),
        boot=True,
    ),
    Fact(
        "apic_mode",
        _AXIS,
        of_case=lambda case: case.guest.apic_mode,
        by=("sender", "driver"),
        boot=True,
        groups=False,
    ),
    Fact("hypercall_abi", _DETAIL, of_case=lambda case: case.guest.hypercall_abi, boot=True),
    Fact(
        "guest_bits",
        _CONDITION,
        is_number=True,
        of_case=lambda case: case.guest.bits,
        short="/{guest_bits}-bit",
        phrase="{guest_bits}-bit",
        option="--bits {guest_bits}",
        usual=lambda facts: 64,
        by=("guest",),
        boot=True,
    ),
    Fact(
        "host_cpus",
        _CONDITION,
        is_number=True,
        of_case=_host_cpus,
        short="/on{host_cpus}",
        phrase="on {host_cpus} host CPUs",
        option="--host-cpus {host_cpus}",
        usual=lambda facts: facts.get("vcpus"),
        by=("guest",),
        boot=True,
    ),
    Fact(
        "target_state",
        _CONDITION,
        required=True,
        of_case=lambda case: case.target_state,
        short=" {target_state}",
        phrase="targets {target_state}",
        option="--targets {target_state}",
        by=("targets",),
    ),
    Fact(
        "linux",
        _CONDITION,
        of_case=_linux,
        short=" linux-{linux}",
        phrase="Linux {linux}",
        option="--linux {linux}",
        by=("linux",),
        predicted=True,
    ),
    # what that kernel would choose, and its rules, which also depend on the vendor
    Fact("native_driver", _DETAIL, of_case=lambda case: case.native_driver or None),
    Fact("cpu_vendor", _DETAIL, of_case=lambda case: case.linux.vendor or None),
    Fact("shorthands", _DETAIL, of_case=lambda case: "yes" if case.linux.shorthands else "no"),
    Fact(
        "delivery",
        _AXIS,
        required=True,
        of_case=lambda case: case.delivery,
        short=" {delivery}",
        option="--delivery {delivery}",
        boot=True,
    ),
    Fact(
        "site",
        _AXIS,
        required=True,
        of_case=lambda case: case.site,
        short="@{site}",
        option="--site {site}",
        by=("site",),
        boot=True,
    ),
    Fact(
        "host",
        _CONDITION,
        of_case=lambda case: case.host,
        short=" {host}",
        phrase="host {host}",
        option="--hosts {host}",
        by=("host",),
        boot=True,
    ),
    Fact(
        "costs",
        _AXIS,
        of_case=lambda case: case.costs or "measured",
        short=" {costs}",
        by=("costs",),
        boot=True,
    ),
    Fact(
        "sweep",
        _CONDITION,
        of_case=lambda case: case.sweep or None,
        short=" {sweep}",
        phrase="{sweep}",
        by=("sweep",),
        boot=True,
        groups=False,
    ),
    Fact(
        "execution",
        _CONDITION,
        phrase={"ops": "ops computed beforehand"},
        option="--execution {execution}",
        by=("execution",),
        groups=False,
    ),
    Fact("series", _AXIS, required=True, groups=False, predicted=True),
    # the place of a workload in its family
    Fact(
        "family",
        _DETAIL,
        of_case=lambda case: case.workload.name if _parameter(case)[0] else None,
    ),
    # a program for Linux in the guest, of which a time is that of one run
    Fact("program", _DETAIL, of_case=lambda case: "yes" if case.workload.is_program else None),
    # the sends of a recording, each alone
    Fact("recording", _DETAIL, of_case=lambda case: "yes" if case.repeats else None),
    # the part of each stratum that was drawn, and half of the interval that this leaves
    Fact("sample", _NOTE, of_case=_sample, phrase="Sends drawn for {workload}: {sample}."),
    Fact("sampling_error", _DETAIL, is_number=True),
    Fact("parameter", _DETAIL, of_case=lambda case: _parameter(case)[0]),
    Fact("parameter_value", _DETAIL, is_number=True, of_case=lambda case: _parameter(case)[1]),
    Fact(
        "variant",
        _DETAIL,
        of_case=lambda case: (_parameter(case)[0] and case.workload.variant) or None,
        phrase="{family} {variant}",
        groups=True,
    ),
    # how it was run
    Fact("format", _DETAIL, is_number=True),
    Fact("clock", _DETAIL, required=True, groups=True),
    Fact("exactness", _DETAIL),
    Fact("label", _DETAIL),
    # another benchmark that measured it, and its unit if that is not the second
    Fact("benchmark", _DETAIL),
    Fact("time_unit", _DETAIL),
    Fact("answer", _DETAIL, of_case=lambda case: None if case.answer == TIMES else case.answer),
    Fact("boot", _DETAIL, is_number=True),
    Fact("turn", _DETAIL, is_number=True),
    Fact("max_boots", _DETAIL, is_number=True),
    Fact("ab_session", _DETAIL),
    Fact("ab_side", _DETAIL),
    Fact("ab_first", _DETAIL),
    Fact("reach", _DETAIL),
    Fact("reach_note", _DETAIL),
    Fact("warmup_loops", _DETAIL, is_number=True),
    Fact("target_state_proved", _DETAIL),
    Fact("assumed", _DETAIL, is_number=True),
    Fact("statistic", _DETAIL),
    Fact("mean_s", _DETAIL, is_number=True),
    Fact("p99_s", _DETAIL, is_number=True),
    Fact("minimum_s", _DETAIL, is_number=True),
    Fact("maximum_s", _DETAIL, is_number=True),
    Fact("histogram_ticks", _DETAIL),
    Fact("ticks_per_second", _DETAIL, is_number=True),
    # required and counted events
    Fact("sources", _COUNT, of_bursts=lambda bursts: sum(b.repeats for b in bursts)),
    Fact(
        "targets",
        _COUNT,
        required=True,
        of_bursts=lambda bursts: sum(b.repeats * len(b.cpus + b.lost) for b in bursts),
    ),
    Fact("lost", _COUNT, of_bursts=lambda bursts: sum(b.repeats * len(b.lost) for b in bursts)),
    Fact(
        "overlaid",
        _DETAIL,
        of_bursts=lambda bursts: "yes" if all(b.overlaid for b in bursts) else "no",
    ),
    Fact("icr_writes", _COUNT, of_counts=lambda counts: counts.icr_writes),
    Fact("hypercalls", _COUNT, of_counts=lambda counts: counts.hypercalls),
    Fact("exits", _COUNT, of_counts=lambda counts: counts.exits),
    Fact("handlers", _COUNT, of_counts=lambda counts: _total(counts.handlers or None)),
    Fact("coalesced", _COUNT, of_counts=lambda counts: _total(counts.coalesced)),
    Fact("wakeups_polled", _COUNT, of_counts=lambda counts: counts.wakeups_polled),
    Fact("wakeups_blocked", _COUNT, of_counts=lambda counts: counts.wakeups_blocked),
    # the software that produced it
    Fact("version", _SOFTWARE),
    Fact("sender_plugin", _UNDER_TEST),
    Fact("delivery_plugin", _UNDER_TEST),
    Fact(
        "costs_sha256",
        _SOFTWARE,
        short=" {costs_sha256!s:.8}",
        usual=lambda facts: facts.get("costs_sha256") if facts.get("sweep") else "-",
        by=("costs",),
    ),
    Fact("git", _SOFTWARE),
    Fact("tox_env", _SOFTWARE),
    # sentences of published results
    Fact("source", _NOTE, phrase="Source: {source}."),
    Fact("caveat", _NOTE, of_case=_caveat, phrase="Caveat: {caveat}."),
    Fact(
        "gone",
        _NOTE,
        of_case=lambda case: case.stack.note(case.guest, case.linux),
        phrase="{gone}.",
    ),
    # conditions that a delivery declares and a report puts into words
    Fact("stand_in", _NOTE),
    Fact("patched_kvm", _NOTE),
    Fact("pv_ipi_abi", _DETAIL),
    Fact("overcommitted", _NOTE),
)


# names and values


def case_facts(case: Case) -> dict[str, Value]:
    """The facts of a case before it is run."""
    computed = ((fact.name, fact.of_case(case)) for fact in TABLE if fact.of_case)
    return {name: value for name, value in computed if value is not None}


def case_name(case: Case) -> str:
    """The unique name of a case, which people and ``-k`` read and no code parses."""
    facts = case_facts(case)
    return "".join(fact.in_name(facts) for fact in TABLE if fact.short)


def in_names() -> tuple[str, ...]:
    """The facts that the name of a case can state, in its order."""
    return tuple(fact.name for fact in TABLE if fact.short)


def in_name(name: str, facts: Facts) -> str:
    """The part of the name of a case that states one fact."""
    return next(fact for fact in TABLE if fact.name == name).in_name(facts)


def burst_facts(bursts: Sequence[CheckedBurst]) -> dict[str, Value]:
    """The facts of the bursts of a case, for one iteration."""
    return {fact.name: fact.of_bursts(bursts) for fact in TABLE if fact.of_bursts}


def count_facts(counts: Counts, loops: int) -> dict[str, Value]:
    """Counts for one iteration, without those that the host cannot show."""
    totals = ((fact.name, fact.of_counts(counts)) for fact in TABLE if fact.of_counts)
    return {name: round(total / loops, 6) for name, total in totals if total is not None}


def host_facts(facts: Facts) -> dict[str, Value]:
    """The facts of the host that a result was measured on."""
    return {f"host_{name}": value for name, value in facts.items()}


def note_facts(notes: Iterable[str]) -> dict[str, Value]:
    """Sentences of a delivery; `notes_of` is the inverse."""
    return {f"note_{number}": note for number, note in enumerate(notes, 1)}


def notes_of(facts: Facts) -> list[str]:
    """The sentences of a delivery, in its order."""
    numbers = (name.removeprefix("note_") for name in facts if name.startswith("note_"))
    return [str(facts[f"note_{n}"]) for n in sorted(filter(str.isdecimal, numbers), key=int)]


def stored(facts: Facts) -> Metadata:
    """Facts as the metadata of a result file."""
    return {f"{PREFIX}{name}": value for name, value in facts.items()}


def from_metadata(metadata: Facts) -> dict[str, Any]:
    """The inverse of `stored`; keys of pyperf stay as they are."""
    return {name.removeprefix(PREFIX): value for name, value in metadata.items()}


def own(metadata: Facts, shared: Facts) -> dict[str, Any]:
    """The metadata of one boot without that of all boots."""
    return {name: value for name, value in metadata.items() if name not in shared}


# queries


def role_of(name: str) -> FactRole | None:
    """The role of a fact; None for a fact that only its delivery knows."""
    roles = {fact.name: fact.role for fact in TABLE}
    prefixed = (role for prefix, role in _ROLE_OF_PREFIX.items() if name.startswith(prefix))
    return roles.get(name) or next(prefixed, None)


def names(*roles: FactRole) -> tuple[str, ...]:
    """The facts with one of these roles, in the order of the table."""
    return tuple(fact.name for fact in TABLE if fact.role in roles)


def required() -> tuple[str, ...]:
    """The facts that every series of a result file has."""
    return tuple(fact.name for fact in TABLE if fact.required)


def numbers() -> tuple[str, ...]:
    """The facts that are numbers of 0 or more; all others are texts."""
    return tuple(fact.name for fact in TABLE if fact.is_number)


def texts() -> tuple[str, ...]:
    """The facts that are texts."""
    return tuple(fact.name for fact in TABLE if not fact.is_number)


def axes() -> tuple[str, ...]:
    """The facts that tell two rows of a file apart."""
    return names(FactRole.AXIS, FactRole.CONDITION)


def software() -> tuple[str, ...]:
    """The facts about the software that produced a result."""
    return names(FactRole.SOFTWARE, FactRole.UNDER_TEST)


def boot_facts() -> tuple[str, ...]:
    """The facts in which rows of one boot are equal."""
    return tuple(fact.name for fact in TABLE if fact.boot)


def grouping() -> tuple[str, ...]:
    """The facts in which the rows of one table are equal."""
    return tuple(fact.name for fact in TABLE if fact.groups)


def predicted() -> tuple[str, ...]:
    """The facts that a prediction shares with the result it predicts."""
    return tuple(fact.name for fact in TABLE if fact.predicted)


def choices() -> tuple[str, ...]:
    """The choices of ``compare --by``."""
    return tuple(dict.fromkeys(choice for fact in TABLE for choice in fact.by))


def free(by: str) -> tuple[str, ...]:
    """The axes that may differ between the sides of a comparison ``--by`` *by*."""
    return tuple(fact.name for fact in TABLE if by in fact.by)


def side(by: str, facts: Facts) -> str:
    """The name of the side of ``--by`` *by* that *facts* are on."""
    words = "".join(fact.in_name(facts) for fact in TABLE if by in fact.by)
    return words.strip(" @") or str(facts.get(by))


def heading(facts: Facts) -> Iterator[str]:
    """The words of a heading for a table whose rows share *facts*."""
    words = (fact.in_heading(facts) for fact in TABLE if fact.groups)
    return filter(None, words)


def sentences(facts: Facts) -> Iterator[str]:
    """The sentences that belong to a result: source, caveat, notes of its delivery."""
    notes = (fact.in_heading(facts) for fact in TABLE if fact.role is FactRole.NOTE)
    return filter(None, (*notes, *notes_of(facts)))


def remarks(facts: Facts) -> list[str]:
    """The same sentences without the words that the schema adds."""
    sentences = (fact.name for fact in TABLE if fact.role is FactRole.NOTE and fact.phrase)
    return [*(str(facts[name]) for name in sentences if facts.get(name)), *notes_of(facts)]


def phrases(facts: Facts, of: Iterable[str]) -> Iterator[str]:
    """The words for the facts named in *of*."""
    chosen = set(of)
    words = (fact.in_heading(facts) for fact in TABLE if fact.name in chosen)
    return filter(None, words)


def options(facts: Facts, of: Iterable[str]) -> str:
    """The options of `pvbench run` that choose the facts named in *of*."""
    chosen = set(of)
    words = (fact.as_options(facts) for fact in TABLE if fact.name in chosen)
    return " ".join(filter(None, words))
