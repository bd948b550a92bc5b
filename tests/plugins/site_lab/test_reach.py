"""Whether the code in which two kernels differ is executed: the profiler, and what it shows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from pvbench.errors import ProtocolError, PvbenchError
from pvbench.protocol import SliceReport, decode, encode
from pvbench.qemu.kernels import Kernel
from pvbench.site import Reach
from pvbench_site_lab import functions, session, traced
from pvbench_site_lab.functions import Function
from pvbench_site_lab.inside import agent, profile
from pvbench_site_lab.reach import RecordFunctions, reach
from pvbench_site_lab.session import LabSession
from pvbench_site_lab.traced import Recorded
from support.jobs import job

LONG = "a_function_whose_name_is_longer_than_the_profiler_shows"
TWIN = "a_function_whose_name_is_longer_than_any"
PROFILES = (
    "  Function                               Hit\n"
    "  --------                               ---\n"
    "  kvm_apic_set_irq                        36\n",
    f"  {LONG[:30]}               2\n  twice           1\n  {TWIN[:30]}  1\n",
)


@pytest.fixture
def tracing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the function profiler, on a machine with two CPUs."""
    folder = tmp_path / "tracing"
    (folder / "trace_stat").mkdir(parents=True)
    for number, text in enumerate(PROFILES):
        (folder / f"trace_stat/function{number}").write_text(text)
    (folder / "function_profile_enabled").write_text("0\n")
    names = ("kvm_apic_set_irq", "kvm_pv_send_ipi", "twice", "twice", f"{LONG} [kvm]")
    (folder / "available_filter_functions").write_text("\n".join(names))
    monkeypatch.setattr(profile, "TRACING", folder)
    return folder


def test_the_profiler_is_on_while_the_work_is_done(tracing: Path) -> None:
    """Also if the work fails, it is off later."""
    switch = tracing / "function_profile_enabled"
    values: list[str] = []
    profile.recorded((), lambda: values.append(switch.read_text()))
    with pytest.raises(ZeroDivisionError):
        profile.recorded((), lambda: 1 // 0)

    assert (values, switch.read_text()) == (["1"], "0")


def test_functions_ran_or_did_not_or_cannot_be_told(tracing: Path) -> None:
    """Two functions with one name cannot be told apart, and some are not traced."""
    names = ("kvm_apic_set_irq", "kvm_pv_send_ipi", "twice", "svm_vcpu_enter_exit", LONG)
    recorded = profile.recorded(names, lambda: None)

    assert recorded == Recorded(ran=(LONG, "kvm_apic_set_irq"), idle=("kvm_pv_send_ipi",))


def test_names_that_the_profiler_cuts_to_one_cannot_be_told(tracing: Path) -> None:
    """It shows 30 characters."""
    with (tracing / "available_filter_functions").open("a") as file:
        file.write(f"\n{TWIN}\n")

    assert profile.recorded((LONG, TWIN), lambda: None) == Recorded()


def test_a_kernel_without_the_profiler_says_so(tracing: Path) -> None:
    """The work is done all the same."""
    (tracing / "function_profile_enabled").unlink()
    done: list[int] = []
    recorded = profile.recorded(("kvm_pv_send_ipi",), lambda: done.append(1))

    assert recorded.missing == "its kernel has no function profiler (CONFIG_FUNCTION_PROFILER)"
    assert done == [1]


def test_the_agent_adds_a_line_with_the_functions(tracing: Path) -> None:
    """The reports of the request come before it."""
    output = io.StringIO()
    request = traced.request_of({"kvm_apic_set_irq", "kvm_pv_send_ipi"}, encode(job()))
    agent.answer(request, output)
    *reports, line = output.getvalue().splitlines()

    assert [type(decode(report)) for report in reports] == [SliceReport, SliceReport]
    assert traced.recorded_in(line) == Recorded(
        ran=("kvm_apic_set_irq",), idle=("kvm_pv_send_ipi",)
    )
    assert decode(line) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ran": 1}', '{"ran": [], "idle": []}'])
def test_a_damaged_line_is_refused(text: str) -> None:
    """The lab may have written anything."""
    line = traced.line_of(Recorded()).partition("{")[0]
    with pytest.raises(ProtocolError):
        traced.recorded_in(line + text)
    assert traced.recorded_in("hello") is None


def kernel(folder: Path, name: str, **digests: str) -> Kernel:
    """A kernel with the functions of these names; those of the start begin with ``init``."""
    file = folder / name
    functions.write(
        {n: Function(digest, n.startswith("init")) for n, digest in digests.items()}, file
    )
    return Kernel(name=name, release="6.12", image=file, functions=file)


def record_of(recorded: Recorded, asked: list[str] | None = None) -> RecordFunctions:
    """A boot that records this."""

    def record(names: Sequence[str]) -> Recorded:
        (asked if asked is not None else []).extend(names)
        return recorded

    return record


def test_functions_with_other_code_are_recorded(tmp_path: Path) -> None:
    """New ones too; those that are equal or gone are not, and suffixes are not shown."""
    one = kernel(tmp_path, "one", same="1", other="1", gone="1")
    other = kernel(tmp_path, "other", same="1", other="2", **{"new.isra.0": "1"})
    asked: list[str] = []
    recorded = Recorded(ran=("other",), idle=("new.isra.0",))

    assert reach(one, other, record_of(recorded, asked)) == Reach(
        ran=("other()",), idle=("new()",)
    )
    assert asked == ["other", "new.isra.0"]


def test_equal_code_is_not_booted(tmp_path: Path) -> None:
    """As after a change of comments."""
    one, other = (kernel(tmp_path, name, same="1") for name in ("one", "other"))
    asked: list[str] = []

    assert reach(one, other, record_of(Recorded(), asked)) == Reach()
    assert asked == []


def test_functions_of_which_nothing_is_known_are_named(tmp_path: Path) -> None:
    """Those of the kernel's start, and those that the tracer does not show."""
    one = kernel(tmp_path, "one", init_a="1", noinstr="1", idle="1")
    other = kernel(tmp_path, "other", init_a="2", noinstr="2", idle="2")

    assert reach(one, other, record_of(Recorded(idle=("idle",)))) == Reach(
        idle=("idle()",),
        unknown="the kernel executes init_a() only when it starts, which is not traced; "
        "the function tracer does not show noinstr()",
    )


def test_without_a_profiler_nothing_is_known(tmp_path: Path) -> None:
    """The reason is the kernel's."""
    one, other = (kernel(tmp_path, name, a=name) for name in ("one", "other"))

    assert reach(one, other, record_of(Recorded(missing="no"))) == Reach(unknown="no")


def test_the_functions_of_a_kernel_that_was_not_built_here_are_not_known(
    tmp_path: Path,
) -> None:
    """As those of Debian's; the kernel is named."""
    built = kernel(tmp_path, "one", a="1")
    other = attrs.evolve(built, name="6.12", functions=None)
    unknown = (
        "the functions of 6.12 are not known, because it was not built from its sources by "
        "pvbench"
    )

    assert reach(built, other, record_of(Recorded())) == Reach(unknown=unknown)
    assert reach(other, built, record_of(Recorded())) == Reach(unknown=unknown)


@pytest.fixture
def other_lab(lab: LabSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabSession:
    """A lab whose kernel has other code in one function than the site ``lab:before`` has."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = kernel(tmp_path, "functions-before", kvm_apic_set_irq="1")
    after = kernel(tmp_path, "functions-after", kvm_apic_set_irq="2")
    monkeypatch.setattr(session, "find", lambda address: {"before": before}[address])
    return attrs.evolve(lab, kernel=attrs.evolve(lab.kernel, functions=after.functions))


def test_a_session_traces_a_job_in_a_machine_of_its_own(
    other_lab: LabSession, tracing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake machine profiles itself."""
    monkeypatch.setenv("FAKE_TRACING", str(tracing))
    host = other_lab.hosts[0]

    assert other_lab.reach(host, job(), "lab:before") == Reach(ran=("kvm_apic_set_irq()",))
    assert other_lab.reach(host, job(), "lab:before,clock=tsc") is not None
    assert other_lab.reach(host, job(), "local") is None


def test_a_job_that_fails_is_an_error_of_the_trace(other_lab: LabSession) -> None:
    """The error names the reason."""
    with pytest.raises(PvbenchError, match="the worker fails"):
        other_lab.reach(other_lab.hosts[0], job("nothing"), "lab:before")


def test_a_machine_that_ends_without_an_answer_is_an_error_of_the_trace(
    other_lab: LabSession, qemu: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how."""
    monkeypatch.setenv("FAKE_QEMU", "quits")
    with pytest.raises(PvbenchError, match="the worker in the lab ended with status 3"):
        other_lab.reach(other_lab.hosts[0], job(), "lab:before")
