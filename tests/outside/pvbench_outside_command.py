"""A command of another distribution: it prints the APIC IDs of a guest."""

from __future__ import annotations

import argparse

from pvbench.command import Command
from pvbench.hookspecs import hookimpl
from pvbench.topology import parse_guest

pvbench_api = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("guest", metavar="TOPOLOGY")
    parser.add_argument("--hex", action="store_true")


def execute(options: argparse.Namespace) -> int:
    guest = parse_guest(options.guest)
    form = "#x" if options.hex else "d"
    print(*(format(apic_id, form) for apic_id in guest.apic_ids))
    return 0


@hookimpl
def pvbench_commands() -> list[Command]:
    return [
        Command(
            name="apic-ids",
            summary="print the APIC IDs of a guest",
            arguments=arguments,
            execute=execute,
        )
    ]
