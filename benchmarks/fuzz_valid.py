"""The valid input from which `fuzz.py` makes hostile input."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

from mutations import json_bytes
from pvbench.cli.main import main
from pvbench.compare.reading import read_rows
from pvbench.results import journal, noise

_BOTH: Final = ("run", "norov", "-q", "--driver", "x2apic-cluster")
RUN: Final = (*_BOTH, "--sender", "native")
SMALL: Final = (*RUN, "--fast", "--vcpus", "2", "-k", "normal-ipi", "--boots", "1")
CANNED: Final = (*SMALL, "-p", "fuzz_site", "-o", "d.json", "--site")
SUITE: Final[dict[str, Any]] = {
    "name": "mine",
    "version": 1,
    "summary": "a suite",
    "workloads": ["broadcast", "normal-ipi"],
    "drivers": ["x2apic-cluster"],
    "overlays": ["kvm-pv"],
    "guests": ["dense:4", "ids:0,128"],
    "target_states": ["halted"],
    "linux": ["6.12"],
    "delivery": "model",
}
SUITE_SOURCE: Final = """\
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
TABLE: Final = """\
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
CPU: Final = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R)
microcode\t: 0x1
apicid\t\t: 0
initial apicid\t: 0
flags\t\t: fpu apic x2apic vmx hypervisor
"""


Valid = Mapping[str, bytes]


@contextlib.contextmanager
def valid_inputs() -> Iterator[Valid]:
    """The valid files, in a new current directory that has some of them."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {"PVBENCH_LOCK": f"{folder}/lock", "XDG_CACHE_HOME": f"{folder}/cache"}
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                _write_files()
            yield {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
        finally:
            os.chdir(before)


def _write_files() -> None:
    """Write valid files into the current directory, by commands that succeed."""
    stored = ("--vcpus", "2,3", "-k", "normal or *.broadcast", "--fast")
    runs = (
        (*_BOTH, *stored, "--sender", "native,kvm-pv", "-o", "good.json"),
        (*RUN, *stored, "--boots", "10", "-o", "ten.json"),
        (*SMALL, "-o", "small.json"),
        (*CANNED, "recorded"),
        ("verify", "--delivery", "model", "--count", "9", "-q", "-o", "outcomes.json"),
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
