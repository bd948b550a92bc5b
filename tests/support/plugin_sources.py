"""Sources of test plugins, for the fixture `add_plugin`."""

from __future__ import annotations


def delivery_around_the_model(
    name: str,
    *,
    before_boot: str = "pass",
    after_slice: str = "pass",
    noisy: bool = False,
) -> str:
    """
    Source of a delivery that does what the model does, and something else.

    *before_boot* runs in the worker before each boot, with ``guest``;
    *after_slice* after each slice, with ``result``.  A *noisy* one says that its ticks
    are nanoseconds of a clock that other runs could disturb.
    """
    return f"""
import os, sys
from contextlib import contextmanager
from pathlib import Path
import attrs
from pvbench.delivery import Clock
from pvbench.hookspecs import hookimpl
from pvbench_deliver_model import Model

class Around(Model):
    name = {name!r}

    def describe(self, options):
        description = super().describe(options)
        if not {noisy}:
            return description
        return attrs.evolve(description, clock=Clock("wall", 10**9, "noisy"))

    @contextmanager
    def boot(self, guest, worker_data):
        {before_boot}
        with super().boot(guest, worker_data) as machine:
            yield Machine(machine)

class Machine:
    def __init__(self, machine):
        self.machine = machine

    def load(self, task):
        return Loaded(self.machine.load(task))

class Loaded:
    def __init__(self, task):
        self.task = task

    def run(self, *, loops, warmup):
        result = self.task.run(loops=loops, warmup=warmup)
        {after_slice}
        return result

@hookimpl
def pvbench_deliveries():
    return [Around()]
"""


def overlay(name: str, body: str, mechanism: str = "icr") -> str:
    """Source of an overlay whose ``send_IPI_mask`` does *body*; every mask uses it."""
    return f"""
from pvbench.hookspecs import hookimpl
from pvbench.ops import Hypercall, WrMsr
from pvbench.sender import Sender

class Overlay(Sender):
    name = {name!r}
    summary = "for tests"
    mechanism = {mechanism!r}

    def send_IPI_mask(self, apic, cpus, vector):
        {body}

    def send_IPI_allbutself(self, apic, vector):
        return self.send_IPI_mask(apic, apic.guest.others(apic.source), vector)

@hookimpl
def pvbench_senders():
    return [Overlay()]
"""
