"""
Say what each sender would make of the IPIs of a recording.

A recording is a file of `pvbench import`, or a trace that it reads.  Counts follow from
the sends; times of sending are modelled.  Several recordings are compared in one table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pvbench.cli import common, replay_file
from pvbench.cli.import_ import guarded_readers, load_options, trace_options
from pvbench.errors import Status, UsageError
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.delivery import Delivery
    from pvbench.plugin.registry import Registry
    from pvbench.recording.recording import Recording
    from pvbench.replay.replayed import Question, Variation
    from pvbench.replay.sending import Machine
    from pvbench.sender import Stack

HELP = "say what senders would make of a recording"
_DRIVER: Final = "x2apic-physical"
_OVERLAY: Final = "kvm-pv"
_COSTS: Final = "skylake-fastpath"
_STATES: Final = ("running", "halted")
_FIRST_PV: Final = "4.19"
_ORDERS: Final = ("dense:{}", "interleaved:{}")  # of APIC IDs, with the number of CPUs


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench replay`."""
    parser.add_argument(
        "recordings",
        nargs="+",
        metavar="RECORDING",
        help="recording, trace, or recorded:NAME for one that comes with pvbench; "
        "recorded:all is all of these",
    )
    trace_options(parser)
    parser.add_argument(
        "--guest", metavar="TOPOLOGY", help="APIC IDs instead of the recording's own"
    )
    parser.add_argument(
        "--sender", type=common.names, metavar="NAME,...", help="overlays, drivers or native"
    )
    parser.add_argument(
        "--driver",
        default=_DRIVER,
        metavar="NAME",
        help=f"driver below the overlays, from which changes are told ({_DRIVER})",
    )
    parser.add_argument("--costs", metavar="NAME|FILE.toml", help="cost profile")
    parser.add_argument("--linux", metavar="VERSION", help="kernel of the guest, such as 4.19")
    parser.add_argument(
        "--targets", choices=_STATES, default="running", help="state of the targets (running)"
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        help="also run the recording on the model, and write a result file",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress")
    output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Print what senders make of each recording."""
    from pvbench.replay.replayed import Replayed, replayed
    from pvbench.report import replay
    from pvbench.run.progress import Heartbeat

    if options.output:
        replay_file.check(options)
    registry = common.registry(options)
    question = _question(options, registry)
    variations = list(_variations(question))
    progress = Heartbeat("masks are counted", quiet=options.quiet).count
    answers: list[Replayed | tuple[str, Recording]] = [
        (name, recording)
        if recording.is_void
        else replayed(name, recording, question, variations, progress)
        for name, recording in _recordings(options, registry)
    ]
    common.show(replay.document(answers), options)
    is_whole = all(isinstance(answer, Replayed) for answer in answers)
    if options.output and isinstance(answers[0], Replayed):
        replay_file.write(options, registry, answers[0].recording)
    return Status.OK if is_whole else Status.NOTHING_MEASURED


def _recordings(
    options: argparse.Namespace, registry: Registry
) -> Iterator[tuple[str, Recording]]:
    """Each recording, with the name of its file."""
    import attrs

    from pvbench.recording.bundled import PREFIX, located
    from pvbench.recording.load import read
    from pvbench.recording.stored import SUFFIX
    from pvbench.recording.stream import STDIN

    readers = guarded_readers(registry.table("reader"))
    for given in options.recordings:
        if options.cpuinfo and given.startswith(PREFIX):
            raise _has_cpus(given)
    names = [name for given in options.recordings for name in located(given)]
    for name in names:
        recording = read(name, readers, load_options(options))
        _check(name, recording)
        accepted = recording.accepted or options.accept_losses
        title = "standard input" if name == STDIN else Path(name).name.removesuffix(SUFFIX)
        yield title, attrs.evolve(recording, accepted=accepted)


def _has_cpus(name: str) -> UsageError:
    return UsageError(
        f"{name} is a recording, and --cpuinfo is for traces",
        why="it comes with the APIC IDs of its CPUs",
        fix="Give --guest for other APIC IDs.",
    )


def _check(name: str, recording: Recording) -> None:
    if recording.is_host:
        raise UsageError(
            f"{name} has operations that a host saw, and no sends",
            why="one send may be several operations, and an accelerated send is none",
            fix="Trace ipi:* in the guest; `pvbench import` counts the operations.",
        )
    if not recording.has_masks:
        raise UsageError(
            f"{name} has counts of sends to one CPU only",
            why="a histogram has no masks",
            fix="Trace ipi:ipi_send_cpu and ipi:ipi_send_cpumask.",
        )


def _question(options: argparse.Namespace, registry: Registry) -> Question:
    from pvbench import linux_era
    from pvbench.replay.replayed import Question
    from pvbench.run.stacks import stacks_of

    base = _base(options.driver, registry)
    senders = options.sender or (*_bootable(registry), *registry.overlays)
    stacks = stacks_of(senders, [base.driver.name], registry, None)
    machine = _machine(registry.get("delivery", "model"), options)
    return Question(
        base=base,
        overlaid=_overlaid(stacks),
        stacks=tuple(stacks),
        guest=options.guest,
        linux=linux_era.parsed(
            options.linux or linux_era.CURRENT, machine.description.cpu_vendor
        ),
        machine=machine,
    )


def _base(name: str, registry: Registry) -> Stack:
    """The native stack of --driver."""
    from pvbench.sender import Driver, Stack

    driver = registry.get("sender", name)
    if not isinstance(driver, Driver):
        raise UsageError(
            f"{name!r} is not a driver",
            why="it is an overlay",
            fix=f"Name a driver, such as {_DRIVER}.",
        )
    return Stack(driver)


def _bootable(registry: Registry) -> Iterator[str]:
    """The drivers whose ops are known, which those of a running kernel are not."""
    return (name for name, one in registry.drivers.items() if one.mechanism != "kernel")


def _overlaid(stacks: list[Stack]) -> Stack | None:
    """The stack that the sentences are about: PV IPIs as merged, if they are among those."""
    overlaid = [stack for stack in stacks if stack.overlay]
    merged = [stack for stack in overlaid if stack.sender.name == _OVERLAY]
    return next(iter(merged + overlaid), None)


def _machine(delivery: Delivery, options: argparse.Namespace) -> Machine:
    from pvbench.run.preparation import costs_file

    known = _COSTS if _COSTS in delivery.cost_profiles() else None
    costs = options.costs or known
    return _described(delivery, costs, costs_file(costs), options.targets)


def _described(
    delivery: Delivery, costs: str | None, content: bytes | None, targets: str
) -> Machine:
    from pvbench.delivery import Options
    from pvbench.replay.sending import Machine

    description = delivery.describe(Options(costs=costs, costs_file=content))
    return Machine(delivery=delivery, description=description, target_state=targets)


def _variations(question: Question) -> Iterator[Variation]:
    """Each other condition, alone."""
    import attrs

    from pvbench.linux_era import parsed
    from pvbench.replay.replayed import Variation

    machine, linux, guest = question.machine, question.linux, question.guest
    for order in _ORDERS if guest is None else (None, *_ORDERS):
        name = order.format("N") if order else "recorded"
        yield Variation(axis="APIC IDs", value=name, guest=order, linux=linux, machine=machine)
    old = parsed(_FIRST_PV, linux.vendor)
    yield Variation(axis="Linux", value=_FIRST_PV, guest=guest, linux=old, machine=machine)
    for state in _STATES:
        if state != machine.target_state:
            other = attrs.evolve(machine, target_state=state)
            yield Variation(
                axis="targets", value=state, guest=guest, linux=linux, machine=other
            )
    for costs in machine.delivery.cost_profiles():
        if costs != machine.costs:
            other = _described(machine.delivery, costs, None, machine.target_state)
            era = attrs.evolve(linux, vendor=other.description.cpu_vendor)
            yield Variation(axis="costs", value=costs, guest=guest, linux=era, machine=other)
