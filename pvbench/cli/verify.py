"""
Compare the decoder with what a KVM does with raw programs.

Random programs are executed at a site, and their outcomes are stored and judged.  The
first disagreement is executed again in smaller forms, and shown with the command that
repeats it.  With --judge, outcomes that are stored in files are judged with the decoder of
today; no guest is booted.  The exit status is 6 if a program disagrees.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pvbench import notices
from pvbench.cli import common, endings, verify_risk
from pvbench.errors import ProtocolError, Status, UsageError, about
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.plugin.registry import Registry
    from pvbench.verify.judge import Judgement
    from pvbench.verify.place import Place
    from pvbench.verify.stored import Stored
    from pvbench.verify.trials import Trial

HELP = "compare the decoder with what a KVM does"
_MOST: Final = 1_000_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench verify`."""
    parser.add_argument(
        "--judge", nargs="+", metavar="FILE", help="judge the outcomes stored in these files"
    )
    group = parser.add_argument_group("what to execute")
    group.add_argument("--site", default="local", help="where guests boot (local)")
    group.add_argument("--delivery", default="kvm", help="what executes programs: kvm, model")
    group.add_argument(
        "--count", type=int, default=500, metavar="N", help="number of random programs (500)"
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="S", help="seed of the programs (0)"
    )
    group.add_argument(
        "--hypercall-abi",
        metavar="ABI",
        choices=("kvm-v3", "kvm-cluster128", "kvm-cluster192"),
        help="call a hypercall that was proposed in 2018: kvm-v3, kvm-cluster128"
        " or kvm-cluster192",
    )
    group.add_argument(
        "--program",
        action="append",
        default=[],
        metavar="JSON",
        help="execute this program, as a disagreement shows it, instead; may be repeated",
    )
    group.add_argument(
        "--timeout", type=float, default=600, metavar="S", help="time limit of a boot (600)"
    )
    group.add_argument("-o", dest="output", metavar="FILE", help="file for outcomes to create")
    group.add_argument(
        verify_risk.OPTION,
        dest="at_risk",
        action="store_true",
        help="use a KVM without hardware virtualization, which can hang the machine",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="print no progress")
    output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> int:
    """Execute programs or read outcomes, judge, and print the smallest disagreement."""
    if options.judge:
        return _shown([(name, _judged(name)) for name in options.judge], options)
    from pvbench.run.request import check_timeout

    if not 1 <= options.count <= _MOST:
        raise UsageError(f"--count {options.count} is not in 1..{_MOST}")
    check_timeout(options.timeout)
    trials = [_trial(text) for text in options.program]
    registry = common.registry(options)
    with _place(options, registry) as place:
        return _executed(options, registry, place, trials)


def _judged(name: str) -> Judgement:
    """The judgement of the outcomes in a file."""
    from pvbench.verify import stored
    from pvbench.verify.judge import judge

    with about("--judge"):
        return judge(stored.read(Path(name)))


def _trial(text: str) -> Trial:
    """The trial that --program gives."""
    from pvbench.shapes import json_value
    from pvbench.verify.generator import SCENES
    from pvbench.verify.stored import check, trial_of

    try:
        trial = trial_of(json_value(text))
        check(trial, SCENES)
    except (ValueError, ProtocolError) as error:
        raise UsageError("--program is not a program in JSON", why=str(error)) from None
    return trial


@contextmanager
def _place(options: argparse.Namespace, registry: Registry) -> Iterator[Place]:
    """The delivery at the site, as long as the session lasts."""
    from pvbench.delivery import Delivery, Options
    from pvbench.protocol import Describe
    from pvbench.run.boot import worker_deadline_s
    from pvbench.site import SiteOptions, opened
    from pvbench.verify.place import Place

    site = registry.site(options.site)
    delivery: Delivery = registry.get("delivery", options.delivery)
    module = registry.module_of[f"delivery {delivery.name}"]
    progress = not options.quiet and sys.stderr.isatty()
    request = Describe(delivery.name, module, Options(progress=progress))
    with opened(site, SiteOptions(timeout_s=options.timeout)) as session:
        yield Place(
            session=session,
            delivery=delivery,
            module=module,
            description=session.describe(session.hosts[0], request),
            deadline_s=worker_deadline_s(options.timeout),
        )


def _executed(
    options: argparse.Namespace, registry: Registry, place: Place, trials: Sequence[Trial]
) -> int:
    """Execute, store and judge; minimise the first disagreement."""
    from pvbench.verify import stored as files
    from pvbench.verify.judge import judge

    is_at_risk = verify_risk.is_at_risk(place)
    if is_at_risk:
        verify_risk.check(options, trials)
    is_exact = place.description.clock.is_exact
    with nullcontext() if is_exact else place.session.alone(), place.stop.on_signals():
        with files.created(options.output, _stem(options, place)) as path:
            stored = _stored(options, registry, place, trials, tame=is_at_risk)
            files.write(stored, path)
        judgement = judge(stored) if is_at_risk else _minimised(place, stored)
    status = _shown([(str(path), judgement)], options, place)
    if place.stop.signal:
        return endings.ended_early(place.stop.signal)
    return status or (Status.ENVIRONMENT if place.is_incomplete else Status.OK)


def _stored(
    options: argparse.Namespace,
    registry: Registry,
    place: Place,
    trials: Sequence[Trial],
    *,
    tame: bool,
) -> Stored:
    from pvbench.run.progress import Heartbeat
    from pvbench.verify.campaign import bare_stacks, run_trials
    from pvbench.verify.generator import SCENES, USUAL_SCENES, Generator
    from pvbench.verify.proposals import SCENES_OF

    def progress(done: int, total: int) -> None:
        if not options.quiet:
            notices.say(f"{done} of {total} programs are executed")

    if trials:
        return place.run(place.supported(trials, SCENES), SCENES, progress)
    abi = options.hypercall_abi
    generator = Generator(
        seed=options.seed,
        scenes=tuple(SCENES_OF[abi] if abi else USUAL_SCENES),
        stacks=bare_stacks(registry),
        tame=tame,
    )
    drawing = Heartbeat("programs are drawn", quiet=options.quiet).at
    return run_trials(place, generator, options.count, progress, drawing)


def _minimised(place: Place, stored: Stored) -> Judgement:
    """The judgement, with the smallest form of its smallest disagreement."""
    import attrs

    from pvbench.verify.campaign import smallest
    from pvbench.verify.judge import judge

    judgement = judge(stored)
    if judgement.smallest is None or place.stop.signal:
        return judgement
    return attrs.evolve(judgement, minimised=smallest(place, stored, judgement.smallest))


def _stem(options: argparse.Namespace, place: Place) -> str:
    """The file for outcomes of a kernel, a proposed ABI and a seed, without its suffix."""
    kernel = re.sub(r"[^\w.+-]", "_", place.kernel or place.delivery.name)
    names = filter(None, ("verify", kernel, options.hypercall_abi, str(options.seed)))
    return "-".join(names)


def _where(options: argparse.Namespace) -> str:
    """The options of the place, for the command that repeats a disagreement."""
    return f"--site {options.site} --delivery {options.delivery} "


def _shown(
    judgements: Sequence[tuple[str, Judgement]],
    options: argparse.Namespace,
    place: Place | None = None,
) -> Status:
    """Print the judgements of files, or of what was executed at *place*."""
    from pvbench.report import verify

    details = (_where(options), place.refused, place.lost_once) if place else ()
    common.show(verify.document(judgements, *details), options)
    disagree = any(judgement.disagreements for _, judgement in judgements)
    return Status.PROOF if disagree else Status.OK
