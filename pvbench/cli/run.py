"""Run a suite and print its table; the results stay in a pyperf file."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from pvbench.cli import common, endings, run_options
from pvbench.cli.run_options import SESSION_COMMAND
from pvbench.errors import UnavailableError, UsageError
from pvbench.text import printable

if TYPE_CHECKING:
    from pvbench.run.cases import Selection
    from pvbench.run.loop import Ended
    from pvbench.run.request import Request
    from pvbench.suite import Suite

HELP = "run a suite"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench run`."""
    effort = run_options.measuring_options(parser)
    run_options.sweep_option(parser)
    run_options.until_options(effort)
    run_options.dry_run_option(effort)


def execute(options: argparse.Namespace) -> int:
    """Plan, run, print."""
    from pvbench.cli.run_needs import looks_of, say_needs
    from pvbench.cli.run_plan import print_plan
    from pvbench.run.loop import run
    from pvbench.run.preparation import prepare, session_of

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
            say_needs(prepared)
        if options.ab_pipes:
            finished = run(prepared, channel=options.ab_pipes)
        else:
            finished = run(prepared, looks=looks)
    return _print_result(finished, options)


def _request(options: argparse.Namespace, suite: Suite) -> Request:
    from pvbench.run.request import Request
    from pvbench.run.sweep import parsed

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
        sweeps=tuple(map(parsed, options.sweep)),
        command=_command(options),
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
            raise UsageError("--max-boots needs --until settled", fix="Give it, or --boots N.")
        return None
    if options.boots is not None:
        raise UsageError("--until and --boots exclude each other", fix="Give --max-boots N.")
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
        linux=options.linux,
        host_cpus=options.host_cpus,
        bits=options.bits,
        delivery=options.delivery,
        site=options.site,
        hosts=options.hosts,
        costs=costs,
        cpus=options.cpu_list,
        execution=options.execution,
        keywords=options.keywords,
    )


def _command(options: argparse.Namespace) -> tuple[str, ...]:
    """The words that the user typed; of a side those of the session."""
    if options.ab_pipes:
        return tuple(shlex.split(os.environ.get(SESSION_COMMAND, "")))
    return tuple(options.words)


def _print_result(finished: Ended, options: argparse.Namespace) -> int:
    from pvbench.cli.show import plot, print_file, print_refused

    if finished.measured:
        print_file(str(finished.path), options)
        if sys.stdout.isatty() and options.format == "plain":
            with suppress(UsageError, UnavailableError):  # few suites have a family
                plot(str(finished.path), options)
        common.tell_file("results", finished.path)
    else:
        print("pvbench: nothing was measured", file=sys.stderr)
        print_refused(finished.path)
    if finished.signal:
        _say_how_to_go_on(options)
        return endings.ended_early(finished.signal)
    return finished.status


def _say_how_to_go_on(options: argparse.Namespace) -> None:
    """Print the command that continues an interrupted run; `pvbench ab` prints its own."""
    if not options.ab_pipes:
        words = [word for word in options.words if word != "--resume"]
        command = shlex.join(["pvbench", *words, "--resume"])
        print(f"pvbench: `{printable(command)}` continues it", file=sys.stderr)
