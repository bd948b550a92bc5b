"""Bad input on the command line: one sentence, the right exit status, no traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.runs import HOST_FOLDER, Cli, Output

RUN = ("run", "norov", "--fast", "-q", "-k", "dry-run", "--sender", "native")
GUEST = "invalid guest"
BITS = "--bits is 16, not one of 32, 64"


def refused(output: Output, message: str, status: int = 2) -> None:
    """One sentence on standard error, nothing on standard output, nothing on disk."""
    assert (output.status, output.out) == (status, "")
    assert output.err.startswith("pvbench: ")
    assert output.err.count("\n") == 1
    assert message in output.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("run", "norv"), "no suite called 'norv'. Did you mean 'norov'?", id="suite"
        ),
        pytest.param((*RUN, "--sender", "kvmpv"), "Did you mean 'kvm-pv'?", id="sender"),
        pytest.param(
            (*RUN, "--sender", "kvm-pv/x2apic-clustr"),
            "'x2apic-clustr'. Did you mean 'x2apic-cluster'?",
            id="driver-below",
        ),
        pytest.param(
            (*RUN, "--workload", "brodcast"), "Did you mean 'broadcast'?", id="workload"
        ),
        pytest.param(
            (*RUN, "--driver", "x2apic-clustr"), "Did you mean 'x2apic-cluster'?", id="driver"
        ),
        pytest.param((*RUN, "--costs", "skylake"), "Did you mean 'skylake-2018'?", id="costs"),
        pytest.param((*RUN, "--delivery", "modl"), "Did you mean 'model'?", id="delivery"),
        pytest.param((*RUN, "--site", "locl"), "Did you mean 'local'?", id="site"),
        pytest.param(
            (*RUN, "--targets", "runing"), "Did you mean 'running'?", id="target-state"
        ),
        pytest.param(
            ("explain", "kvmpv", "--targets", "1"), "Did you mean 'kvm-pv'?", id="explain"
        ),
        pytest.param(("show", "published:norov"), "Did you mean 'norov-2018'?", id="published"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    """The user need not search a list after a typing error."""
    refused(cli(*arguments), message)
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--vcpus", "0"), "a guest has 1 to 65536 CPUs", id="no-vcpus"),
        pytest.param(("--vcpus", "-1"), "'-1' is not a topology", id="negative-vcpus"),
        pytest.param(("--vcpus", "1000000000"), "a guest has 1 to 65536 CPUs", id="a-billion"),
        pytest.param(("--vcpus", "65537"), "a guest has 1 to 65536 CPUs", id="one-too-many"),
        pytest.param(("--vcpus", "many"), "'many' is not a topology", id="vcpus-in-words"),
        pytest.param(("--guest", "sockets:0x2x2"), GUEST, id="no-sockets"),
        pytest.param(("--guest", "sparse:4:0"), "a step of 0", id="step-of-0"),
        pytest.param(("--guest", "ids:1,2,1"), "APIC ID 1 is given to two CPUs", id="twice"),
        pytest.param(("--guest", "ids:0,x"), "'x' is not an APIC ID", id="id-in-words"),
        pytest.param(
            ("--guest", "ids:4294967295"), "the highest value means", id="broadcast-id"
        ),
        pytest.param(("--guest", "ids:0-70000"), "65536", id="too-many-ids"),
        pytest.param(("--guest", "torus:4"), "'torus:4' is not a topology", id="no-topology"),
        pytest.param(
            ("--host-cpus", "0"), "--host-cpus: 0 is not in 1..65536", id="no-host-cpus"
        ),
        pytest.param(
            ("--host-cpus", "-5"), "--host-cpus: -5 is not in 1..65536", id="negative-host-cpus"
        ),
        pytest.param(("--bits", "16"), BITS, id="bits"),
        pytest.param(("--boots", "0"), "--boots 0 is not in 1..10000", id="no-boots"),
        pytest.param(("--boots", "-1"), "--boots -1 is not in 1..10000", id="negative-boots"),
        pytest.param(("--boots", "10001"), "is not in 1..10000", id="one-boot-too-many"),
        pytest.param(
            ("-k", "("), "-k '(' cannot be read: a word is missing at the end", id="no-word"
        ),
        pytest.param(
            ("--driver", "kvm-pv"),
            "'kvm-pv' is not a driver: it is an overlay. Give overlays to --sender",
            id="overlay-as-driver",
        ),
        pytest.param(
            ("--sender", "x2apic-cluster/x2apic-physical"),
            "'x2apic-cluster' is",
            id="driver-as-overlay",
        ),
        pytest.param(("-o", "a.txt"), "a.txt does not end in .json", id="ending"),
        pytest.param(("-p", "no:nobody"), "no plugin called 'nobody'", id="blocks-nobody"),
    ],
)
def test_a_run_with_invalid_options_is_refused(
    cli: Cli, options: tuple[str, ...], message: str
) -> None:
    """The refusal comes before any file is written."""
    refused(cli(*RUN, *options), message)
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("--targets", "1", "--vector", "0x10"),
            "--vector: 0x10 is not in 0x20..0xff",
            id="vector",
        ),
        pytest.param(
            ("--targets", "1", "--vector", "0x100"),
            "--vector: 0x100 is not in 0x20..0xff",
            id="big",
        ),
        pytest.param(("--targets", "1,1"), "APIC ID 1 is given to two CPUs", id="id-twice"),
        pytest.param(("--targets", "4294967295"), "means broadcast", id="broadcast-id"),
        pytest.param(("--targets", ""), "'' is not an APIC ID", id="no-targets"),
        pytest.param(("--targets", "a"), "'a' is not an APIC ID", id="words"),
        pytest.param(("--targets", "1", "--bits", "16"), BITS, id="bits"),
        pytest.param(
            ("--targets", "1,2", "--operation", "send_IPI"), "send_IPI", id="unicast-to-two"
        ),
    ],
)
def test_an_invalid_burst_is_refused(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    """`explain` takes APIC IDs and a vector from the user."""
    refused(cli("explain", "kvm-pv", *arguments), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("xapic-flat", "--targets", "0-8"), "can address only 8 CPUs", id="flat"),
        pytest.param(("xapic-physical", "--targets", "300"), "8 bits", id="xapic-id"),
        pytest.param(("hyperv-ipi", "--targets", "1", "--vector", "2"), "NMI", id="nmi"),
    ],
)
def test_a_burst_that_its_sender_cannot_send_is_refused_with_the_reason(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    """A sender never approximates a burst."""
    refused(cli("explain", *arguments), message)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        pytest.param("--boots", "x", "--boots takes a number, not 'x'. ", id="boots"),
        pytest.param("--seed", "x", "--seed takes a number, not 'x'. ", id="seed"),
        pytest.param("--bits", "x", "--bits takes a number, not 'x'. ", id="bits"),
        pytest.param("--vcpus", "", "--vcpus: give at least one name", id="empty-list"),
        pytest.param(
            "--format", "html", "there is no format called 'html'. Formats: ", id="format"
        ),
    ],
)
def test_an_option_that_is_not_a_number_is_refused(
    cli: Cli, option: str, value: str, message: str
) -> None:
    """One sentence is printed, without the usage."""
    refused(cli(*RUN, option, value), message)


def test_a_vector_that_is_not_a_number_is_refused(cli: Cli) -> None:
    """The message does not contain the name of a Python function."""
    output = cli("explain", "kvm-pv", "--targets", "1", "--vector", "zz")

    refused(output, "--vector takes a number, not 'zz'. `pvbench explain --help` lists")


def test_an_existing_file_is_not_overwritten(cli: Cli) -> None:
    """Results are never lost to a second run."""
    Path("a.json").write_text("precious")
    refused(cli(*RUN, "-o", "a.json"), "a.json exists. Give another -o FILE")

    assert (Path("a.json").read_text(), os.listdir()) == ("precious", ["a.json"])


@pytest.mark.parametrize(
    ("output", "message"),
    [
        pytest.param("no/a.json", "No such file or directory", id="no-such-directory"),
        pytest.param("file/a.json", "Not a directory", id="below-a-file"),
        pytest.param(f"{300 * 'a'}.json", "File name too long", id="too-long"),
    ],
)
def test_a_file_that_cannot_be_written_is_an_environment_error(
    cli: Cli, output: str, message: str
) -> None:
    """The exit status is 5; the sentence has the reason and a fix."""
    Path("file").touch()
    refused(cli(*RUN, "-o", output), f"cannot be written: {message}. Give another", status=5)


@pytest.mark.parametrize("blocker", ["results", str(HOST_FOLDER)])
def test_a_results_folder_that_cannot_be_created_is_an_environment_error(
    cli: Cli, blocker: str
) -> None:
    """A file has its name."""
    Path(blocker).parent.mkdir(exist_ok=True)
    Path(blocker).touch()
    refused(cli(*RUN), f"{HOST_FOLDER} cannot be written", status=5)


def test_a_label_cannot_change_the_folder_of_results(cli: Cli) -> None:
    """A label becomes part of a file name, in which it has no slash."""
    output = cli(*RUN, "--label", "../../escaped")
    files = sorted(path for path in Path().rglob("*.json*") if path.is_file())

    assert output.status == 0
    assert {path.parent for path in files} == {HOST_FOLDER}
    assert [path.name.partition("Z-")[2] for path in files] == [
        "norov-..-..-escaped.json",
        "norov-..-..-escaped.jsonl",
    ]
