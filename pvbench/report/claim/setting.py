"""What a claim was measured on: machine, kernels, KVM's parameters, guest and pinning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.document import Block, Notes, facts
from pvbench.host.facts import UNKNOWN, is_minor
from pvbench.results import schema
from pvbench.results.rows import Row
from pvbench.text import shortened_list

_HOST: Final = "host_"
_NO_COSTS: Final = "measured"  # the cost profile of a result that has none
_KVM: Final = "host_kvm"
_PINNING: Final = "Pinning"
# Each line of the setting, with the words for the facts that it states.
_LINES: Final = (
    (
        "Machine",
        {
            "host_cpu_model": "{}",
            "host_microcode": "microcode {}",
            "host_smt": "SMT {}",
            "host_governor": "governor {}",
            "host_turbo": "turbo {}",
            "host_virtualization": "virtualization by {}",
            "host_nested": "in a hypervisor: {}",
            "host_qemu": "QEMU {}",
        },
    ),
    ("Host kernel", {"host_kernel_release": "{}", "host_kernel_version": "{}"}),
    ("Guest kernel", {"linux": "sends as Linux {} does", "guest_kernel": "{}"}),
    (
        "Guest",
        {
            "guest": "{}",
            "vcpus": "{} vCPUs",
            "apic_mode": "{}",
            "guest_bits": "{} bits",
            "target_state": "targets {}",
            "shorthands": "full broadcasts by shorthand: {}",
        },
    ),
    (_PINNING, {"cpu_list": "host CPUs of the vCPUs: {}"}),
    ("Place", {"delivery": "delivery {}", "site": "site {}", "costs": "costs {}"}),
)
_MOST_VALUES: Final = 4


def blocks(rows: Sequence[Row]) -> Iterator[Block]:
    """The setting in lines, and as an object in JSON."""
    lines = dict(_lines(rows))
    yield facts(lines, name="setting", shown=False)
    yield Notes(
        title="Setting:",
        lines=tuple(f"{name}: {text}" for name, text in lines.items()),
        in_json=False,
    )


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for name, forms in _LINES:
        parts = [_worded(form, _values(rows, fact)) for fact, form in forms.items()]
        parts += _shared_host_cpus(rows) if name == _PINNING else ()
        if text := ", ".join(filter(None, parts)):
            yield name, text
    if text := ", ".join(_kvm_parameters(rows)):
        yield "KVM", text


def _shared_host_cpus(rows: Sequence[Row]) -> Iterator[str]:
    """The number of host CPUs that vCPUs share; the model pins nothing."""
    sharing = [row for row in rows if row.fact("host_cpus") != row.fact("vcpus")]
    for form, is_modelled in (("host CPUs of the model: {}", True), ("{} host CPUs", False)):
        members = [row for row in sharing if row.is_exact is is_modelled]
        yield _worded(form, _values(members, "host_cpus"))


def _kvm_parameters(rows: Sequence[Row]) -> Iterator[str]:
    """The parameters of KVM on which IPIs depend."""
    names = dict.fromkeys(
        name for row in rows for name in row.facts if name.startswith(_KVM) and "." in name
    )
    for name in names:
        fact = name.removeprefix(_HOST)
        if not is_minor(fact) and (values := _values(rows, name)):
            yield f"{fact}={'|'.join(values)}"


def _values(rows: Sequence[Row], fact: str) -> list[str]:
    """All values of a fact that is known."""
    values = dict.fromkeys(str(row.fact(fact)) for row in rows if row.fact(fact) is not None)
    return [value for value in values if value not in (UNKNOWN, _NO_COSTS)]


def _worded(form: str, values: list[str]) -> str:
    return form.format(shortened_list(values, _MOST_VALUES)) if values else ""


def sentences(rows: Sequence[Row]) -> Iterator[str]:
    """The sources and caveats that the files state, each once."""
    yield from dict.fromkeys(text for row in rows for text in schema.sentences(row.facts))
