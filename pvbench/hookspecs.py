"""
The hooks of plugins, in life-cycle order.

A plugin is a module with ``pvbench_api = 1`` and some of these hooks, named by
an entry point of the group ``pvbench``.  Every hook is called once per command
and may return any iterable; all answers are kept, their order does not matter.
A hook that raises makes its plugin broken: it is listed with the error and
nothing else suffers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from pvbench.benchmark_text import BenchmarkText
    from pvbench.command import Command
    from pvbench.delivery import Delivery
    from pvbench.format import Format
    from pvbench.recording.reader import Reader
    from pvbench.sender import Sender
    from pvbench.site import Site, SiteFamily
    from pvbench.suite import Suite
    from pvbench.workload import Workload

PROJECT: Final = "pvbench"
API: Final = 1

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def pvbench_workloads() -> Iterable[Workload]:
    """
    Offer streams of bursts.

    Returns:
        Workloads with names unique across plugins.  ``bursts(guest, **parameters)``
        gives the bursts of one iteration, one for each source CPU, targets as
        CPU numbers; ``()`` is an iteration that sends nothing.

    Errors:
        ``bursts`` gives a sentence in their place if the guest cannot have them,
        ``needs_cpus`` is the short way for small guests; do not raise for it.

    Example:
        plugins/pvbench_load_norov.py
    """
    raise NotImplementedError


@hookspec
def pvbench_senders() -> Iterable[Sender]:
    """
    Offer ways for a guest to send IPIs.

    Returns:
        Senders with names unique across plugins: lower case, dashes, the
        words Linux uses (``x2apic-cluster``).  A `Driver` has every callback,
        a `Sender` those it lays over a driver.

        A callback gives the ops in program order, each target reached exactly
        once unless ``drops`` names it.  It must be pure: same arguments, same
        ops.  Targets are CPU numbers; ``apic.id(cpu)`` is the APIC ID (u32).

    Errors:
        ``why_unsupported(guest)`` and ``why_refused(burst, guest)`` give the reason a
        case cannot run; do not raise for it.

    Example:
        plugins/pvbench_send_x2apic_cluster.py

    Source: arch/x86/kernel/apic/, one driver per file.
    """
    raise NotImplementedError


@hookspec
def pvbench_deliveries() -> Iterable[Delivery]:
    """
    Offer hypervisors: something that executes ops for a guest.

    Also called in each worker, for the one delivery a boot needs, so the
    module must import quickly.

    Returns:
        Deliveries with names unique across plugins.

        ``describe(options)`` is answered by a host of the site where boots happen:
        clock, limits, probes, and bytes that only the delivery reads.
        ``why_unsupported(guest, task, description)`` must be pure: the manager calls
        it, perhaps on another machine, and only the description counts.
        ``boot(guest, worker_data)`` gives a guest that loads tasks.

    Errors:
        ``why_unavailable()`` says why a host cannot run it; do not raise.
        ``describe()`` raises UsageError for options that make no sense.

    Example:
        plugins/pvbench_deliver_model/
    """
    raise NotImplementedError


@hookspec
def pvbench_sites() -> Iterable[Site | SiteFamily]:
    """
    Offer places where boots happen.

    Returns:
        Sites with names unique across plugins.

        ``session(options)`` is a context manager that connects to the site.  The
        session describes deliveries and boots guests there; `pvbench.worker_process`
        starts and ends the processes that do it.

        A `SiteFamily` stands for the sites that a user writes ``NAME:ADDRESS``;
        ``at(address)`` gives one of them.

    Errors:
        ``why_unavailable()`` says why this machine cannot reach the site; do not raise.
        ``at(address)`` raises UsageError for an address that makes no sense.

    Example:
        plugins/pvbench_site_local.py
    """
    raise NotImplementedError


@hookspec
def pvbench_suites() -> Iterable[Suite]:
    """
    Offer questions: which workloads, stacks and guests to compare.

    Returns:
        Suites with names unique across plugins.  Raise ``version`` whenever
        results stop being comparable with older ones.

    Example:
        suites/pvbench_suite_norov.py
    """
    raise NotImplementedError


@hookspec
def pvbench_readers() -> Iterable[Reader]:
    """
    Offer forms of traces that `pvbench import` reads.

    Returns:
        Readers with names unique across plugins.  ``score(start)`` says how
        much of the start of a file a reader knows, and the best one gets the file.
        ``parse(block)`` gives the events of a block of whole lines; it must be pure, as
        several processes call it.  `LineForm` makes both of a pattern.

    Errors:
        ``parse`` raises UsageError for text that cannot be read; a line that names an
        event and is not of the form goes into ``unread``.

    Example:
        plugins/pvbench_read_tracefs.py
    """
    raise NotImplementedError


@hookspec
def pvbench_benchmarks() -> Iterable[BenchmarkText]:
    """
    Offer texts of other benchmarks, which `show`, `compare` and `report` read as files.

    The entry point of such a plugin must be called ``benchmark-NAME``: only these plugins
    are loaded for a file that is not one of pvbench.

    Returns:
        Texts with names unique across plugins.  ``lines(text)`` counts the lines of its
        form, and the only benchmark that has any gets the text.  ``read(text)`` gives the
        times in it, and sentences about what the text does not tell.  Both must be pure.

    Errors:
        ``read`` raises UsageError for a text whose times would be misunderstood.

    Example:
        plugins/pvbench_benchmark_norov.py
    """
    raise NotImplementedError


@hookspec
def pvbench_formats() -> Iterable[Format]:
    """
    Offer formats in which commands print.

    The entry point of such a plugin must be called ``format-NAME``: `--format NAME` loads
    only the plugin with that name.

    Returns:
        Formats with names unique across plugins and the formats of pvbench itself.
        ``render(document, width)`` gives the text of a `pvbench.Document`; its blocks are
        headings, paragraphs, notes, tables, command lines and the outcomes of cases.  Text
        in a document is safe in a terminal, but not in another format: escape it.

    Errors:
        ``render`` raises UsageError for a document that the format cannot express.

    Example:
        plugins/pvbench_format_norov.py
    """
    raise NotImplementedError


@hookspec
def pvbench_commands() -> Iterable[Command]:
    """
    Offer sub-commands of `pvbench`.

    Called only when one of them runs, or is listed by `pvbench list commands` or
    `pvbench plugins`.  The entry point of such a plugin must be called
    ``command-NAME``: `pvbench --help` lists NAME by it and imports nothing.

    Returns:
        Commands with names unique across plugins and bundled commands.
        ``arguments(parser)`` adds options to an `argparse.ArgumentParser`,
        ``execute(options)`` gets what was parsed and returns the exit status.
        ``[tool.pvbench]`` sets options of bundled commands only.

    Errors:
        ``execute`` raises a `PvbenchError` for what the user can correct: it is
        printed as one sentence.  Any other exception counts as a bug and keeps
        its traceback.

    Example:
        tests/outside/pvbench_outside_command.py
    """
    raise NotImplementedError
