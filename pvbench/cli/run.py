"""Run a suite and print its table; the results stay in a pyperf file."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from pvbench.cli import common
from pvbench.errors import UsageError
from pvbench.text import printable

if TYPE_CHECKING:
    from pvbench.run.ab_messages import Channel
    from pvbench.run.cases import Selection
    from pvbench.run.loop import Ended
    from pvbench.run.request import Request
    from pvbench.suite import Suite

HELP = "run a suite"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench run`."""
    measuring_options(parser).add_argument(
        "--dry-run", action="store_true", help="print the plan only"
    )


def measuring_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """The options of a run that measures; returned is their group for the effort."""
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
    until_options(effort)
    effort.add_argument(
        "--timeout",
        type=float,
        default=600,
        metavar="S",
        help="time limit of a boot, seconds (600)",
    )
    effort.add_argument(
        "--resume",
        action="store_true",
        help="continue the newest run of this plan that lacks boots (-o FILE: that one); a "
        "larger --boots adds boots",
    )
    effort.add_argument(
        "--seed", type=int, default=0, help="seed of the order of boots and cases (0)"
    )
    effort.add_argument("--label", metavar="TEXT", help="text to store, and in the file name")
    effort.add_argument("-o", dest="output", metavar="FILE", help="result file to create")
    effort.add_argument("-q", "--quiet", action="store_true", help="print no progress")
    effort.add_argument("--ab-pipes", type=_channel, help=argparse.SUPPRESS)  # for `pvbench ab`
    common.output_options(parser)
    common.plugin_options(parser)
    return effort


def until_options(group: argparse._ArgumentGroup) -> None:
    """Options of a run whose number of boots depends on its verdicts."""
    group.add_argument(
        "--until",
        choices=("settled",),
        help="form verdicts after 10, 20, 40 ... boots, and stop when every pair has one",
    )
    group.add_argument(
        "--max-boots", type=int, metavar="N", help="largest number of boots for --until (40)"
    )


def _channel(text: str) -> Channel:
    """The descriptors ``READING,WRITING,LOCK`` that a `pvbench ab` passes on."""
    from pvbench.host import lock
    from pvbench.run.ab_messages import Channel

    reading, writing, lock_file = map(int, text.split(","))
    lock.inherited(lock_file)
    return Channel(reading, writing)


def selection_options(group: argparse._ArgumentGroup) -> None:
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
        help="dense:N, sockets:SxCxT, sparse:N:STEP, interleaved:N, ids:A,B-C,... or "
        "host (that of the site's host); may be repeated",
    )
    listed("--vcpus", "N,...", "guests with APIC IDs 0..N-1", guests)
    group.add_argument(
        "--host-cpus", type=int, metavar="N", help="number of host CPUs that the vCPUs share"
    )
    group.add_argument("--bits", type=int, default=64, help="guest word size, 32 or 64")
    listed("--targets", "STATE,...", "state of the targets before an IPI: halted, running")
    group.add_argument(
        "--shorthands",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="send full broadcasts by shorthand, as Linux 5.4 and later do",
    )
    _place_options(group)
    common.keywords_option(group, "cases")


def _place_options(group: argparse._ArgumentGroup) -> None:
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


def execute(options: argparse.Namespace) -> int:
    """Plan, run, print."""
    from pvbench.cli.run_needs import looks_of, say_boots_needed
    from pvbench.cli.run_plan import print_plan
    from pvbench.run.loop import run
    from pvbench.run.request import prepare, session_of

    is_file = options.suite.endswith(".py")
    if is_file:
        common.check_regular(options.suite)
        options.plugins = [*options.plugins, options.suite]
    registry = common.registry(options)
    suite = (registry.suite_of if is_file else registry.suite)(options.suite)
    request = _request(options, suite)
    with session_of(request, registry) as session:
        prepared = prepare(request, registry, session)
        looks = None if options.ab_pipes else looks_of(prepared)
        if options.dry_run:
            return print_plan(prepared, options)
        if not options.quiet:
            say_boots_needed(prepared)
        if options.ab_pipes:
            finished = run(prepared, channel=options.ab_pipes)
        else:
            finished = run(prepared, looks=looks)
    return _print_result(finished, options)


def _request(options: argparse.Namespace, suite: Suite) -> Request:
    from pvbench.run.request import Request

    pace = "fast" if options.fast else "rigorous" if options.rigorous else "default"
    return Request(
        suite=suite,
        selection=selection_of(options, options.costs),
        pace=pace,
        boots=options.boots,
        seed=options.seed,
        output=options.output,
        label=options.label,
        quiet=options.quiet,
        resume=options.resume,
        timeout_s=options.timeout,
        probe=not options.dry_run,
        is_side=bool(options.ab_pipes),
        max_boots=max_boots(options),
    )


def max_boots(options: argparse.Namespace) -> int | None:
    """
    The boots of the last look; None if their number is fixed.

    Raises:
        UsageError: the options contradict each other.
    """
    most: int | None = options.max_boots
    if options.until is None:
        if most is not None:
            raise UsageError("--max-boots limits --until settled", fix="Give --boots N.")
        return None
    if options.boots is not None:
        raise UsageError("--until takes the place of --boots", fix="Give --max-boots N.")
    if most is not None and not 1 <= most <= 10_000:
        raise UsageError(f"--max-boots {most} is not in 1..10000")
    return most or 40


def selection_of(options: argparse.Namespace, costs: str | None) -> Selection:
    """The selection that the options make."""
    from pvbench.run.cases import Selection

    return Selection(
        workloads=options.workload,
        senders=options.sender,
        drivers=options.driver,
        guests=tuple(options.guest) if options.guest else options.vcpus,
        target_states=options.targets,
        shorthands=options.shorthands,
        host_cpus=options.host_cpus,
        bits=options.bits,
        delivery=options.delivery,
        site=options.site,
        costs=costs,
        cpus=options.cpu_list,
        execution=options.execution,
        keywords=options.keywords,
    )


def _print_result(finished: Ended, options: argparse.Namespace) -> int:
    from pvbench.cli.show import print_file, print_refused

    if finished.measured:
        print_file(str(finished.path), options)
        print(printable(f"results: {finished.path}"), file=sys.stderr)
    else:
        print("pvbench: nothing was measured", file=sys.stderr)
        print_refused(finished.path)
    if finished.signal:
        return common.ended_early(finished.signal)
    return finished.status
