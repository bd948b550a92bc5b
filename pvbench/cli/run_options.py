"""The options of the commands that measure: `pvbench run`, `ab` and `noise`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from pvbench import topology_forms
from pvbench.cli import common
from pvbench.cli.options import Options
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.run.ab_messages import Channel

# The words of `pvbench ab` or `noise`, which it gives to its sides in their environment.
SESSION_COMMAND: Final = "PVBENCH_SESSION_COMMAND"


def measuring_options(parser: argparse.ArgumentParser, *, two_sides: bool = False) -> Options:
    """Add the options of a run, or of one with *two_sides*; return the group for the effort."""
    parser.add_argument(
        "suite", help="name of a suite, see `pvbench list suites`, or a file: ./my_suite.py"
    )
    group = parser.add_argument_group("what to run")
    selection_options(group)
    group.add_argument(
        "--costs", metavar="NAME|FILE.toml", help="cost profile of a modelled machine"
    )
    effort = parser.add_argument_group("how much and where to")
    pace = effort.add_mutually_exclusive_group()
    pace.add_argument("--fast", action="store_true", help="measure less: a rough result")
    pace.add_argument("--rigorous", action="store_true", help="measure more")
    effort.add_argument("--boots", type=int, metavar="N", help="number of boots of each guest")
    effort.add_argument(
        "--timeout",
        type=float,
        default=600,
        metavar="S",
        help="time limit of a boot, seconds (600)",
    )
    (_options_of_session if two_sides else _options_of_run)(effort)
    effort.add_argument("--label", metavar="TEXT", help="text to store, and in the file name")
    effort.add_argument("-q", "--quiet", action="store_true", help="print no progress")
    effort.add_argument("--ab-pipes", type=_channel, help=argparse.SUPPRESS)  # for `pvbench ab`
    output_options(parser)
    common.plugin_options(parser)
    return effort


def _options_of_run(group: Options) -> None:
    group.add_argument(
        "--resume",
        action="store_true",
        help="continue the newest run of this plan that lacks boots (-o FILE: that one); a "
        "larger --boots adds boots",
    )
    group.add_argument(
        "--seed", type=int, default=0, help="seed of the order of boots and cases (0)"
    )
    group.add_argument("-o", dest="output", metavar="FILE", help="result file to create")


def _options_of_session(group: Options) -> None:
    group.add_argument(
        "--resume",
        action="store_true",
        help="continue the newest session of this suite that lacks boots (-o FILE: that "
        "one); a larger --boots adds boots",
    )
    group.add_argument(
        "--seed", type=int, help="seed of the order of boots and cases (a new one each time)"
    )
    group.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        help="create FILE-a.json and FILE-b.json, if FILE.json is given",
    )


def until_options(group: Options) -> None:
    """Options of a run whose number of boots depends on its verdicts."""
    group.add_argument(
        "--until",
        choices=("settled",),
        help="form verdicts after 10, 20, 40 ... boots, and stop when every pair has one",
    )
    group.add_argument(
        "--max-boots", type=int, metavar="N", help="largest number of boots for --until (40)"
    )


def sweep_option(parser: argparse.ArgumentParser) -> None:
    """Add --sweep."""
    parser.add_argument_group("a modelled machine").add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="costs.NAME=FROM:TO:STEP|A,B,C",
        help="run with several values of a number of the cost profile, in its unit there; "
        "may be repeated: then with each combination",
    )


def dry_run_option(group: Options) -> None:
    """Add --dry-run."""
    group.add_argument("--dry-run", action="store_true", help="print the plan only")


def _channel(text: str) -> Channel:
    """The descriptors ``READING,WRITING,LOCK`` that a `pvbench ab` passes on."""
    from pvbench.host import lock
    from pvbench.run.ab_messages import Channel

    reading, writing, lock_file = map(int, text.split(","))
    lock.inherited(lock_file)
    return Channel(reading, writing)


def selection_options(group: Options) -> None:
    """Options that choose cases."""

    def listed(option: str, metavar: str, text: str, to: Any = group) -> None:
        to.add_argument(option, type=common.names, metavar=metavar, help=text)

    listed("--sender", "NAME,...", "overlays, drivers, OVERLAY/DRIVER, or native")
    listed("--driver", "NAME,...", "drivers below the overlays")
    listed("--workload", "NAME,...", "workloads instead of the suite's")
    guests = group.add_mutually_exclusive_group()
    guests.add_argument(
        "--guest",
        action="append",
        metavar="TOPOLOGY",
        help=f"{topology_forms.in_words()}; may be repeated",
    )
    listed("--vcpus", "N,...", "guests with APIC IDs 0..N-1", guests)
    group.add_argument(
        "--host-cpus",
        type=common.in_range(1, common.MOST_CPUS),
        metavar="N",
        help="number of host CPUs that the vCPUs share",
    )
    common.bits_option(group)
    listed(
        "--targets", "STATE,...", "state of the targets before an IPI: halted, running, polling"
    )
    listed(
        "--linux",
        "VERSION,...",
        "kernels of the guest, such as 4.19,6.12; +no_ipi_broadcast after one is that kernel "
        "parameter (default: the suite's)",
    )
    _place_options(group)
    common.keywords_option(group, "cases")


def _place_options(group: Options) -> None:
    """Options that choose where cases run, and where their ops are computed."""
    group.add_argument(
        "--delivery", help="hypervisor side: model, kvm, live (default: the suite's)"
    )
    group.add_argument(
        "--cpu-list",
        type=common.cpu_list,
        default=(),
        metavar="0-3,7",
        help="CPUs of this machine to run on: vCPU i runs on the i-th CPU of the list",
    )
    group.add_argument(
        "--execution",
        choices=("algorithm", "ops"),
        default="algorithm",
        help="algorithm: the guest computes the ops if it can; ops: it executes a list that "
        "was computed beforehand (algorithm)",
    )
    group.add_argument("--site", default="local", help="site that boots the guests (local)")
    group.add_argument(
        "--hosts",
        type=common.names,
        metavar="NAME,...|all",
        help="hosts of the site, each of which runs all timed boots (all)",
    )
