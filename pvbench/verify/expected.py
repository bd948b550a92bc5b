"""What should happen in a trial: the decoder's sends, and which of them may coalesce."""

from __future__ import annotations

from collections import Counter

import attrs

from pvbench.decode.decoder import Decoder
from pvbench.decode.era import Era
from pvbench.decode.sends import Sends
from pvbench.ops import U64, IrqRestore, IrqSave, Program, Scan
from pvbench.trials import Ending, disabled_by
from pvbench.verify.trials import Scene, Trial
from pvbench.x86.apic import NMI_VECTOR

GP_VECTOR = 13
Hits = Counter[tuple[int, int]]


@attrs.frozen
class Expected:
    """
    What should happen in a trial.

    Args:
        most: how often a CPU handles a vector if nothing coalesces.
        fewest: how often it does at least: a send may meet one that is still pending.
        endings: of the programs.
    """

    most: Hits
    fewest: Hits
    endings: tuple[Ending, ...]


class BootState:
    """The CPUs of one boot: the registers that a program leaves behind are kept."""

    def __init__(self, scene: Scene, era: Era) -> None:
        self._scene, self._era = scene, era
        self._decoders: dict[int, Decoder] = {}

    def expected(self, trial: Trial) -> Expected:
        """What should happen in *trial*, which comes after those before."""
        own, others, endings = Hits(), Hits(), []
        disabled = disabled_by(trial.programs, self._scene.guest.apic_mode)
        for source, program in trial.programs:
            decoder = self._decoders.get(source)
            if decoder is None:
                decoder = Decoder(self._scene.guest, source, self._era)
                self._decoders[source] = decoder
            decoder.begin(disabled)
            sends = decoder.sends(program)
            _count_own(sends, program, source, own)
            others.update(
                (cpu, send.vector)
                for send in sends
                for cpu in send.cpus.tolist()
                if cpu != source
            )
            endings.append(_ending(sends, program))
        return Expected(own + others, own | Hits(dict.fromkeys(others, 1)), tuple(endings))


def _count_own(sends: list[Sends], program: Program, source: int, own: Hits) -> None:
    """
    Count the interrupts that *program* sends to its own CPU.

    The CPU handles them before its next op, and those sent while interrupts are disabled
    once for each vector.  An interrupt of another CPU may coalesce with one of them.
    """
    sections = _sections(program)
    pending: set[tuple[int, int]] = set()  # section and vector
    for send in sends:
        runs = send.cpus.tolist().count(source)
        section = sections[send.first]
        if runs and section and send.vector != NMI_VECTOR:
            runs = int((section, send.vector) not in pending)
            pending.add((section, send.vector))
        if runs:
            own[source, send.vector] += runs


def _sections(program: Program) -> list[int]:
    """For each op the number of the section with interrupts disabled; 0 outside of them."""
    sections, depth, number = [], 0, 0
    for op in program:
        if isinstance(op, IrqSave):
            number += not depth
            depth += 1
        sections.append(number if depth else 0)
        depth -= isinstance(op, IrqRestore)
    return sections


def _ending(sends: list[Sends], program: Program) -> Ending:
    returned = sum(send.result or 0 for send in sends) & U64
    fault = next((send.first for send in sends if send.raises), None)
    if fault is None:
        return Ending(returned)
    executed = sum(not isinstance(op, Scan) for op in program[:fault])  # a scan is no op there
    return Ending(returned, GP_VECTOR, executed)
