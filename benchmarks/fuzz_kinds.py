"""The kinds of input of `fuzz.py`: how one is made of valid input, and what reads it."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

import fuzz_site
from fuzz_words import guest, words
from mutations import json_bytes, mutated, mutated_assignments, mutated_bytes, mutated_text
from pvbench.cli.main import main
from pvbench.compare.reading import read_rows
from pvbench.host import cpuinfo, facts
from pvbench.protocol import ErrorReport, Job, decode, framed
from pvbench.results import journal, noise
from pvbench.run import worker
from pvbench.text import printable

_RUN: Final = ("run", "norov", "-q", "--sender", "native", "--driver", "x2apic-cluster")
_SMALL: Final = (*_RUN, "--fast", "--vcpus", "2", "-k", "normal-ipi", "--boots", "1")
_CANNED: Final = (*_SMALL, "-p", "fuzz_site", "-o", "d.json", "--site")
_NEVER_REAL: Final = ("-p", "no:deliver-kvm", "-p", "no:deliver-live")  # no guest is booted
_RESULTS: Final = (
    *(("show", "a.json", *rest) for rest in ([], ["--json"], ["--csv"], ["-k", "kvm or x"])),
    *(("show", "a.json", *rest) for rest in (["--format", "markdown"], ["--statistic", "all"])),
    ("show", "a.json", "--series", "ack", "--statistic", "p99"),
    *(("compare", *files) for files in (("good.json", "a.json"), ("a.json", "noisy.json"))),
    ("compare", "a.json", "good.json", "--json"),
    ("compare", "noisy.json", "a.json", "--statistic", "max", "--margin", "x=3%"),
    ("compare", "good.json", "a.json", "--beside"),
    ("compare", "a.json", "--by", "sender", "--csv"),
    ("compare", "a.json", "--by", "guest", "--series", "all"),
)
_RESUME: Final = (*_SMALL, "-o", "a.json", "--resume")
_JOURNALS: Final = (
    *(_RESUME, _RESUME, (*_RESUME, "--boots", "2"), ("compare", "a.json", "noisy.json")),
    (*_RUN, "--dry-run", "--resume"),
)
_PROFILES: Final = Path(fuzz_site.__file__).parents[1] / "plugins/pvbench_deliver_model"
_SUITE: Final[dict[str, Any]] = {
    "name": "mine",
    "version": 1,
    "summary": "a suite",
    "workloads": ["broadcast", "normal-ipi"],
    "drivers": ["x2apic-cluster"],
    "overlays": ["kvm-pv"],
    "guests": ["dense:4", "ids:0,128"],
    "target_states": ["halted"],
    "shorthands": False,
    "delivery": "model",
}
_SUITE_SOURCE: Final = """\
from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite
pvbench_api = 1
inf, nan = float("inf"), float("nan")
def of(value):
    return tuple(map(of, value)) if isinstance(value, list) else value
@hookimpl
def pvbench_suites():
    return [Suite(**{name: of(value) for name, value in FIELDS.items()})]
"""
_TABLE: Final = """\
[tool.pvbench]
guest = ["dense:4", "ids:0,128"]
sender = "native"
boots = 2
fast = true
json = false
margin = "2%"
margins = { "*1024w*" = "5%", "broadcast and normal" = 3 }
plugins = ["no:send-kvm-pv"]
targets = ["halted", "running"]
series = "wall"
by = "sender"
seed = 0x10
"""
_CPU: Final = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R)
microcode\t: 0x1
apicid\t\t: 0
initial apicid\t: 0
flags\t\t: fpu apic x2apic vmx hypervisor
"""

Valid = Mapping[str, bytes]


@attrs.frozen
class Input:
    """The words of a command line, and files of the current directory, by name."""

    words: tuple[str, ...]
    files: Mapping[str, bytes] = attrs.field(factory=dict)


def command(given: Input) -> int:
    """Run the command line, by the entry point of the console script."""
    return main(given.words)


@attrs.frozen
class Kind:
    """A kind of input: how one is made of valid files, and what reads it."""

    name: str
    make: Callable[[Valid, Random], Input]
    read: Callable[[Input], int] = command


def valid_files() -> None:
    """Write valid files into the current directory, by commands that succeed."""
    stored = ("--vcpus", "2,3", "-k", "normal or *.broadcast", "--fast")
    runs = (
        (*_RUN, *stored, "--sender", "native,kvm-pv", "-o", "good.json"),
        (*_RUN, *stored, "--boots", "10", "-o", "ten.json"),
        (*_SMALL, "-o", "small.json"),
        (*_CANNED, "recorded"),
    )
    for run in runs:
        assert main(run) == 0, run
    _noisy("noisy", Random(0))  # noqa: S311 - numbers, no secret
    _noisy("noisier", Random(1))  # noqa: S311
    facts_of_run = read_rows(["noisy.json"], "median")["noisy.json"][0].facts
    plan = journal.plan_of(journal.read(Path("noisy.jsonl")))
    line = attrs.asdict(noise.conditions_of(facts_of_run, plan, 10))
    values = {noise.key(name, "median"): 0.01 for name in _series(Path("noisy.json"))}
    lines = [{"format": noise.FORMAT, "kind": "runs", "values": values, **line}] * 3
    Path("sessions.jsonl").write_bytes(b"".join(json_bytes(one) + b"\n" for one in lines))


def _series(path: Path) -> list[str]:
    return [one["metadata"]["name"] for one in json.loads(path.read_bytes())["benchmarks"]]


def _noisy(name: str, random: Random) -> None:
    """A copy of a run of ten boots, as if its clock were not exact."""
    suite = json.loads(Path("ten.json").read_bytes())
    suite["metadata"] |= {"pvbench_exactness": "noisy", "pvbench_clock": "tsc"}
    for run in (run for benchmark in suite["benchmarks"] for run in benchmark["runs"]):
        run["values"] = [value * random.uniform(0.9, 1.1) for value in run["values"]]
    Path(f"{name}.json").write_bytes(json_bytes(suite))
    Path(f"{name}.jsonl").write_bytes(Path("ten.jsonl").read_bytes())


def _changed(content: bytes, random: Random) -> bytes:
    """A JSON file, with values or bytes changed."""
    if random.random() < 0.3:
        return mutated_bytes(content, random)
    return json_bytes(mutated(json.loads(content), random))


def _changed_lines(content: bytes, random: Random) -> bytes:
    """A file of JSON lines, with values, lines or bytes changed."""
    if random.random() < 0.3:
        return mutated_bytes(content, random)
    data = mutated([json.loads(line) for line in content.splitlines()], random)
    lines = data if isinstance(data, list) else [data]
    return b"".join(json_bytes(line) + b"\n" for line in lines)


def _result(valid: Valid, random: Random) -> Input:
    content = _changed(valid[random.choice(("good.json", "noisy.json"))], random)
    return Input(random.choice(_RESULTS), {"a.json": content})


def _zipped(valid: Valid, random: Random) -> Input:
    content = gzip.compress(valid["good.json"], 1)
    if random.random() < 0.5:
        content = gzip.compress(_changed(valid["good.json"], random), 1)
    if random.random() < 0.6:
        content = mutated_bytes(content, random)
    chosen = random.choice(_RESULTS)
    renamed = tuple("a.json.gz" if word == "a.json" else word for word in chosen)
    return Input(renamed, {"a.json.gz": content})


def _journal(valid: Valid, random: Random) -> Input:
    content = _changed_lines(valid["small.jsonl"], random)
    results = valid["small.json"] if random.random() < 0.8 else b""
    return Input(random.choice(_JOURNALS), {"a.json": results, "a.jsonl": content})


def _suite(_: Valid, random: Random) -> Input:
    name = random.choice(sorted(_SUITE))
    fields = _SUITE | {name: mutated(_SUITE[name], random)}
    source = _SUITE_SOURCE.replace("FIELDS", repr(fields)).encode("utf-8", "surrogatepass")
    if random.random() < 0.3:
        source = mutated_bytes(source, random)
    name = f"suite_{random.randrange(10**9)}.py"  # Python keeps modules by name
    return Input(("run", f"./{name}", "--dry-run", *_NEVER_REAL), {name: source})


def _cost_profile(_: Valid, random: Random) -> Input:
    profile = random.choice(sorted(_PROFILES.glob("cost_profiles/*.toml")))
    text = mutated_assignments(profile.read_text(), random)
    content = text.encode("utf-8", "surrogatepass")
    if random.random() < 0.3:
        content = mutated_bytes(profile.read_bytes(), random)
    return Input((*_SMALL, "--dry-run", "--costs", "mine.toml"), {"mine.toml": content})


def _defaults(_: Valid, random: Random) -> Input:
    text = mutated_assignments(_TABLE, random).encode("utf-8", "surrogatepass")
    content = text if random.random() < 0.8 else mutated_bytes(_TABLE.encode(), random)
    runs = ("run", "norov", "--dry-run", *_NEVER_REAL), ("list", "senders")
    compares = ("compare", "good.json", "noisy.json"), ("show", "good.json"), ("compare",)
    return Input(random.choice((*runs, *compares)), {"pyproject.toml": content})


def _topology(_: Valid, random: Random) -> Input:
    text = guest(random)
    if random.random() < 0.4:
        text = mutated_text(text, random).replace("\0", "")
    if random.random() < 0.2:
        ids = text.removeprefix("ids:")
        return Input(("explain", "kvm-pv", f"--targets={ids}"))
    return Input((*_RUN, "--dry-run", f"--guest={text}", "-k", "normal-ipi"))


def _cpuinfo(_: Valid, random: Random) -> Input:
    text = "\n".join(_CPU.replace(": 0", f": {cpu}") for cpu in range(random.randint(1, 8)))
    lines = [line.partition(":") for line in text.splitlines()]
    for _change in range(random.randint(0, 3)):
        place = random.randrange(len(lines))
        value = random.choice((" 4294967296", "", " 0", " -1", " " + "9" * 5000, "\0", " 0x10"))
        lines[place] = (lines[place][0], random.choice((":", ": ", "", "::")), value)
    content = "\n".join("".join(line) for line in lines).encode()
    if random.random() < 0.5:
        content = mutated_bytes(content, random)
    small = (*_RUN, "--dry-run", "--guest", "host", "-k", "normal-ipi")
    return Input(small, {"proc/cpuinfo": content})


@contextmanager
def _own_cpuinfo() -> Iterator[None]:
    """The file proc/cpuinfo of the current directory, instead of the kernel's."""
    before, cpuinfo.CPUINFO = cpuinfo.CPUINFO, Path("proc/cpuinfo")  # type: ignore[misc]
    try:
        yield
    finally:
        cpuinfo.CPUINFO = before  # type: ignore[misc]


def _of_host(given: Input) -> int:
    """Read the facts of a host and its APIC IDs."""
    facts.facts(Path.cwd())
    facts.advice(Path.cwd())
    with _own_cpuinfo():
        return command(given)


def _run_and_show(given: Input) -> int:
    """Store what workers report, and show it."""
    for name in ("d.json", "d.jsonl"):
        Path(name).unlink(missing_ok=True)
    status = command(given)
    return status or main(["show", "d.json", "--statistic", "all"])


def _framed(line: bytes, random: Random) -> bytes:
    """A message with values changed, in a frame that is right, or with bytes changed."""
    if random.random() < 0.15:
        return mutated_bytes(line, random)
    return framed(json.dumps(mutated(json.loads(line.split(b" ", 3)[3]), random))).encode()


def _reports(valid: Valid, random: Random) -> Input:
    lines = valid[fuzz_site.REPORTS].splitlines(keepends=True)
    description = valid[fuzz_site.DESCRIPTION]
    if random.random() < 0.3:
        description = _framed(description, random)
    else:
        place = random.randrange(len(lines))
        lines[place] = _framed(lines[place], random)
    files = {fuzz_site.DESCRIPTION: description, fuzz_site.REPORTS: b"".join(lines)}
    return Input((*_CANNED, "canned"), files)


def _job(valid: Valid, random: Random) -> Input:
    return Input((), {fuzz_site.JOB: _framed(valid[fuzz_site.JOB], random)})


def _work(given: Input) -> int:
    """Do a job as a worker does; one that asks for many iterations gets one."""
    line, reports = given.files[fuzz_site.JOB].decode(errors="replace"), io.StringIO()
    worker.answer(io.StringIO(line), reports, _short)
    last = decode((reports.getvalue().splitlines() or [""])[-1])
    if not isinstance(last, ErrorReport):
        return 0
    print(f"pvbench: {printable(last.error)}", file=sys.stderr)
    return last.status


def _short(job: Job) -> Job:
    turns = tuple(turn._replace(loops=1, warmup=0) for turn in job.schedule)
    return job._replace(schedule=turns, slice_s=None)


def _noise(valid: Valid, random: Random) -> Input:
    content = _changed_lines(valid["sessions.jsonl"], random)
    return Input(("compare", "noisy.json", "noisier.json"), {"noise.jsonl": content})


def _options(_: Valid, random: Random) -> Input:
    return Input(words(random))


KINDS: Final = (
    Kind("result files", _result),
    Kind("compressed result files", _zipped),
    Kind("journals", _journal),
    Kind("suites", _suite),
    Kind("cost profiles", _cost_profile),
    Kind("[tool.pvbench]", _defaults),
    Kind("topologies", _topology),
    Kind("cpuinfo", _cpuinfo, _of_host),
    Kind("worker reports", _reports, _run_and_show),
    Kind("jobs", _job, _work),
    Kind("noise files", _noise),
    Kind("options", _options),
)
