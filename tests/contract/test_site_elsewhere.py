"""All facts of a host come from the site, never from the manager's own host."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import pvbench_deliver_model
from pvbench.results.files import read
from pvbench.results.rows import Row, rows
from support.runs import AddPlugin, Cli

BASE = Path(pvbench_deliver_model.__file__).parent / "cost_profiles/skylake-2018.toml"

# A site whose workers have another interpreter, PATH, cache, lock and /proc.
ELSEWHERE = """
import os, sys
from contextlib import contextmanager, nullcontext
import attrs
from pvbench.hookspecs import hookimpl
from pvbench.site import Host
from pvbench.worker_process import described_by, reports_of

CODE = '''
import os, runpy, sys
from pathlib import Path
from pvbench.host import cpuinfo, facts
root = Path(os.environ["ELSEWHERE"])
os.chdir(root)
facts.facts.__defaults__ = facts.advice.__defaults__ = (root,)
cpuinfo.CPUINFO = root / "proc/cpuinfo"
hidden = root / "hidden"
if hidden.exists():
    Path(hidden.read_text()).unlink(missing_ok=True)
module = sys.argv.pop(1)
runpy.run_module(module, run_name="__main__")
'''

def command(module):
    root = os.environ["ELSEWHERE"]
    return ("env", "-i", f"ELSEWHERE={root}", f"PATH={root}/bin:/usr/bin:/bin",
            f"XDG_CACHE_HOME={root}/cache", f"PVBENCH_LOCK={root}/lock",
            "PYTHONPATH=" + os.pathsep.join(sys.path),
            f"{root}/bin/python", "-P", "-c", CODE, module)

class Session:
    hosts = (Host("elsewhere-1", "elsewhere", 2), Host("elsewhere-2", "other"))

    def describe(self, host, request):
        description = described_by(command("pvbench.describe"), request, timeout_s=600)
        return attrs.evolve(description, host=description.host | {"seen_on": host.id})

    def alone(self):
        return nullcontext()

    def boot(self, host, job):
        with open(os.environ["ELSEWHERE"] + "/hosts", "a") as hosts:
            print(host.id, file=hosts)
        return reports_of(command("pvbench.run.worker"), job, timeout_s=600)

class Elsewhere:
    name = "elsewhere"
    summary = "for tests"

    def why_unavailable(self):
        return None

    @contextmanager
    def session(self, options):
        yield Session()

@hookimpl
def pvbench_sites():
    return [Elsewhere()]
"""
# A delivery that can be asked and booted there only, and says so.
SITED = """
import os
from contextlib import contextmanager
import attrs
from pvbench.delivery import Clock, Costs
from pvbench.errors import UnavailableError
from pvbench.hookspecs import hookimpl
from pvbench_deliver_model import Model

def cache():
    if "ELSEWHERE" not in os.environ["XDG_CACHE_HOME"].upper():
        raise UnavailableError("this is not the site")
    return os.environ["XDG_CACHE_HOME"]

class Sited(Model):
    name = "sited"

    def describe(self, options):
        described = super().describe(options)
        return attrs.evolve(
            described,
            clock=Clock("sited", 10**12, "noisy"),
            costs=Costs("site-costs", "5" * 64),
            facts={"cache": cache()},
            probes={"x2apic-nmi": "it does not return there"},
            limits=described.limits | {"max_vcpus": 4},
            notes=("Times are of another machine.",),
            worker_data=cache().encode() + b"\\0" + described.worker_data,
        )

    def why_unsupported(self, guest, task, description):
        most = description.limits["max_vcpus"]
        if len(guest.apic_ids) > most:
            return f"the site has {most} vCPUs"
        return super().why_unsupported(guest, task, description)

    @contextmanager
    def boot(self, guest, worker_data):
        where, _, costs = worker_data.partition(b"\\0")
        if where.decode() != cache():
            raise UnavailableError("this is another host than the one described")
        with super().boot(guest, costs) as booted:
            yield booted

@hookimpl
def pvbench_deliveries():
    return [Sited()]
"""
FORBIDDEN = ("/dev/kvm", "/proc/cpuinfo")
_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event == "open" and str(arguments[0]) in FORBIDDEN:
        raise AssertionError(f"the manager opens {arguments[0]}")


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def the_manager_s_host_is_closed() -> Iterator[None]:
    """Opening /dev/kvm or /proc/cpuinfo in this process raises."""
    global _watching  # noqa: PLW0603 - an audit hook stays for ever
    _watching = True
    yield
    _watching = False


@pytest.fixture
def elsewhere(
    add_plugin: AddPlugin,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[str, ...]:
    """Options that name the test site."""
    root = tmp_path_factory.mktemp("elsewhere")
    (root / "bin").mkdir()
    (root / "bin/python").symlink_to(sys.executable)
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(
        "".join(f"processor : 0\nmodel name : Elsewhere 9000\napicid : {i}\n" for i in (700, 9))
    )
    monkeypatch.setenv("ELSEWHERE", str(root))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    add_plugin("elsewhere_site", ELSEWHERE)
    add_plugin("sited_delivery", SITED)
    return "-p", "elsewhere_site", "-p", "sited_delivery", "--site", "elsewhere"


ONE = ("--hosts", "elsewhere-1")
RUN = (
    *("run", "norov", "--fast", "-q", "--boots", "2", "-o", "a.json", "--delivery", "sited"),
    *ONE,
    *("--sender", "x2apic-physical", "-k", "normal-ipi", "--vcpus", "2,8"),
)


def test_the_manager_would_be_caught() -> None:
    """Else the rest would prove nothing."""
    with pytest.raises(AssertionError, match="the manager opens /proc/cpuinfo"):
        open("/proc/cpuinfo")  # noqa: SIM115
    with pytest.raises(AssertionError, match="the manager opens /dev/kvm"):
        os.open("/dev/kvm", os.O_RDWR)


def test_a_run_measures_on_each_host_of_a_site(cli: Cli, elsewhere: tuple[str, ...]) -> None:
    """Each has all boots and its own facts, and the hosts are named before the run."""
    output = cli(*(option for option in RUN if option not in ONE), *elsewhere)
    series = [row for row in rows(read("a.json")) if row.fact("series") == "wall"]
    booted = Path(os.environ["ELSEWHERE"], "hosts").read_text().split()

    assert output.status == 0, output.err
    assert sorted(booted) == 2 * ["elsewhere-1"] + 2 * ["elsewhere-2"]
    assert {
        (row.fact("host"), row.fact("host_seen_on"), len(row.boots_s)) for row in series
    } == {
        ("elsewhere-1", "elsewhere-1", 2),
        ("elsewhere-2", "elsewhere-2", 2),
    }


def test_hosts_of_one_file_are_compared(
    cli: Cli, elsewhere: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their boots are no pairs, so the command that would decide is given."""
    cli(*(option for option in RUN if option not in ONE), *elsewhere)
    monkeypatch.setattr(sys.modules[__name__], "_watching", False)
    output = cli("compare", "a.json", "--by", "host")

    assert "elsewhere-1  elsewhere-2  dense:2" in output.out
    assert "--a '--hosts elsewhere-1' --b '--hosts elsewhere-2'" in output.out


def test_a_run_has_facts_limits_costs_and_clock_of_the_site(
    cli: Cli, elsewhere: tuple[str, ...]
) -> None:
    """Eight vCPUs are refused by the limit there, two are booted there."""
    output = cli(*RUN, *elsewhere)
    (row, *_) = rows(read("a.json"))
    refused = list(map(json.loads, Path("a.jsonl").read_text().splitlines()))

    assert (output.status, len(row.boots_s)) == (0, 2)
    assert row.fact("host_cpu_model") == "Elsewhere 9000"
    assert (row.fact("clock"), row.fact("costs")) == ("sited", "site-costs")
    assert row.fact("costs_sha256") == "5" * 64
    assert {"the site has 4 vCPUs"} == {e["reason"] for e in refused if "case" in e}


def undated(measured: list[Row]) -> list[Row]:
    """The rows without their date, which a row has if all its boots began in one second."""
    facts = [{k: v for k, v in row.facts.items() if k != "date"} for row in measured]
    return [attrs.evolve(row, facts=f) for row, f in zip(measured, facts, strict=True)]


def test_a_run_on_another_site_is_resumed_there(cli: Cli, elsewhere: tuple[str, ...]) -> None:
    """The second boot was lost; the plan is the same by the facts of the site."""
    assert cli(*RUN, *elsewhere).status == 0
    complete = read("a.json")
    *lines, _, _ = Path("a.jsonl").read_text().splitlines(keepends=True)
    Path("a.jsonl").write_text("".join(lines))
    output = cli(*RUN, *elsewhere, "--resume")
    entries = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]

    assert output.status == 0
    assert [entry["boot"] for entry in entries if "boot" in entry] == [1, 2]
    assert undated(rows(read("a.json"))) == undated(rows(complete))


HOST = (*RUN[:-2], "--guest", "host")


def test_the_guest_host_has_the_topology_of_the_site_s_host(
    cli: Cli, elsewhere: tuple[str, ...]
) -> None:
    """APIC IDs 700 and 9 are those of the CPUs there."""
    output = cli(*HOST, *elsewhere)
    (row, *_) = rows(read("a.json"))

    assert output.status == 0, output.err
    assert (row.fact("guest"), row.fact("apic_ids")) == ("host", "700,9")


def test_a_site_that_shows_no_apic_ids_has_no_guest_host(
    cli: Cli, elsewhere: tuple[str, ...]
) -> None:
    """The reason is the site's; nothing of the manager's host takes its place."""
    path = Path(os.environ["ELSEWHERE"]) / "proc/cpuinfo"
    path.write_text("processor : 0\nmodel name : Elsewhere 9000\n")
    output = cli(*HOST, *elsewhere)

    reason = f"{path} does not show the APIC IDs: it is not of an x86 machine"
    assert output.status == 2
    assert f"the site gives no APIC IDs for --guest host: {reason}. " in output.err
    assert not Path("a.json").exists()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The delivery as a file that the site can read; the current folder is another there."""
    file = tmp_path / "sited_file.py"
    file.write_text(f"pvbench_api = 1\n{SITED}")
    return file


def with_file(file: Path, elsewhere: tuple[str, ...]) -> tuple[str, ...]:
    """The options, with the delivery as a file instead of a module."""
    return tuple(os.path.relpath(file) if o == "sited_delivery" else o for o in elsewhere)


def test_a_delivery_given_as_a_file_runs_where_the_site_has_the_file(
    cli: Cli, elsewhere: tuple[str, ...], file: Path
) -> None:
    """The path is relative to the manager's folder, and absolute for the worker."""
    done = cli(*RUN, *with_file(file, elsewhere))

    assert done.status == 0, done.err
    assert {row.fact("costs") for row in rows(read("a.json"))} == {"site-costs"}


@pytest.mark.parametrize("command", [RUN, ("doctor",)], ids=["run", "doctor"])
def test_a_file_of_a_delivery_that_the_site_lacks_is_named(
    cli: Cli, elsewhere: tuple[str, ...], file: Path, command: tuple[str, ...]
) -> None:
    """The file can be read by the manager only."""
    Path(os.environ["ELSEWHERE"], "hidden").write_text(str(file))
    done = cli(*command, *with_file(file, elsewhere))
    fix = "Copy it to the site under that path, or install it there and here."

    assert done.status == (5 if command == RUN else 0)
    assert f"the site has no file {file}. {fix}" in done.err + done.out


MODEL = (
    *("run", "norov", "-q", "-o", "a.json", "--sender", "x2apic-physical"),
    "-k",
    "dry-run",
)
# A cost profile of this machine's user, over a bundled one.
MINE = """\
base = "skylake-2018"
base_machine = "same"
title = "a machine of mine"
costs.loop_overhead = {{ value = {}, unit = "ns", confidence = "A", source = "timed" }}
"""


def test_a_site_gets_the_content_of_a_cost_profile(
    cli: Cli, elsewhere: tuple[str, ...]
) -> None:
    """The file exists in the manager's folder only."""
    Path("mine.toml").write_text(MINE.format(77))
    assert not (Path(os.environ["ELSEWHERE"]) / "mine.toml").exists()
    output = cli(*MODEL, *elsewhere, "--costs", "mine.toml")
    (row, *_) = rows(read("a.json"))
    bytes_of_both = BASE.read_bytes() + Path("mine.toml").read_bytes()

    assert output.status == 0, output.err
    assert row.fact("costs") == "mine"
    assert row.fact("costs_sha256") == hashlib.sha256(bytes_of_both).hexdigest()


def test_a_site_checks_the_cost_profile(cli: Cli, elsewhere: tuple[str, ...]) -> None:
    """A wrong number is a usage error with the sentence of the local site."""
    Path("mine.toml").write_text(MINE.format(-1))
    errors = [cli(*MODEL, *site, "--costs", "mine.toml") for site in (elsewhere, elsewhere[:4])]

    assert [output.status for output in errors] == [2, 2]
    assert errors[0].err == errors[1].err
    assert "cost profile mine.toml, loop_overhead.value is -1, not a number" in errors[0].err


def test_doctor_shows_the_site_s_host(cli: Cli, elsewhere: tuple[str, ...]) -> None:
    """The page has its CPU, its cache and the results of probes there."""
    facts = json.loads(cli("doctor", *elsewhere, "--json").out)

    assert facts["cpu_model"] == "Elsewhere 9000"
    assert facts["sited: cache"].endswith("/cache")
    assert facts["sited: x2apic-nmi"] == "no: it does not return there"


def test_the_local_site_refuses_a_delivery_that_works_elsewhere_only(
    cli: Cli, elsewhere: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same delivery is asked on the manager's host."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/nowhere")
    monkeypatch.setattr(sys.modules[__name__], "_watching", False)
    output = cli(*(option for option in RUN if option not in ONE), *elsewhere[:4])

    assert (output.status, "this is not the site" in output.err) == (5, True)
