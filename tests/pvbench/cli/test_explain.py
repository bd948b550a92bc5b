"""`pvbench explain`: the ops of one burst, and what a hypervisor makes of them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from support.runs import AddPlugin, Cli

WINDOW_OF_1_AND_128 = {"op": "Hypercall", "nr": 10, "args": [1, 1 << 63, 1, 252]}
WINDOW_OF_0 = {"op": "Hypercall", "nr": 10, "args": [1, 0, 0, 252]}
SAVE, RESTORE = {"op": "IrqSave"}, {"op": "IrqRestore"}
# A sender of which the bits of CPU 0 and 1 are always set.
SENDER = """
from pvbench.hookspecs import hookimpl
from pvbench.ops import Hypercall
from pvbench.sender import Sender

class Mine(Sender):
    name = "mine"
    summary = "for tests"
    mechanism = "hypercall"

    def send_IPI_mask(self, apic, cpus, vector):
        yield Hypercall(10, (3, 0, 0, vector))

@hookimpl
def pvbench_senders():
    return [Mine()]
"""
DECODED = ("number", "reaches")  # what stands beside the fields of each op


def explained(cli: Cli, *arguments: str) -> dict[str, Any]:
    """The JSON document without its heading and what is decoded of each op."""
    document: dict[str, Any] = json.loads(cli("explain", *arguments, "--json").out)
    del document["headings"], document["notes"]
    ops = [{k: v for k, v in op.items() if k not in DECODED} for op in document["ops"]]
    return document | {"ops": ops}


def test_the_merged_overlay_reaches_an_id_below_its_window_by_a_second_call(cli: Cli) -> None:
    """
    Of IDs 1, 128 and 0, 0 does not fit a window of 128 that holds 128, so it gets its own.
    """
    assert explained(cli, "kvm-pv", "--targets", "1,128,0") == {
        "sender": "kvm-pv",
        "ops": [SAVE, {"op": "Scan", "cpus": 3}, WINDOW_OF_1_AND_128, WINDOW_OF_0, RESTORE],
        "counts": {"icr_writes": 0, "hypercalls": 2, "lost": 0},
    }


def test_the_first_release_loses_an_id_below_its_window(cli: Cli) -> None:
    """Before commit c15e0ae42c8e, the bit of ID 0 lands before the bitmap."""
    assert explained(cli, "kvm-pv-4.19", "--targets", "1,128,0") == {
        "sender": "kvm-pv-4.19",
        "ops": [SAVE, {"op": "Scan", "cpus": 3}, WINDOW_OF_1_AND_128, RESTORE],
        "counts": {"icr_writes": 0, "hypercalls": 1, "lost": 1},
    }


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [
        pytest.param(("x2apic-physical", "--targets", "0-79"), (80, 0, 0), id="one-each"),
        pytest.param(("x2apic-cluster", "--targets", "0-79"), (5, 0, 0), id="five-clusters"),
        pytest.param(("x2apic-cluster", "--targets", "0-80"), (6, 0, 0), id="a-sixth-cluster"),
        pytest.param(("xapic-physical", "--targets", "0-79"), (80, 0, 0), id="xapic"),
        pytest.param(("xapic-flat", "--targets", "0-6"), (1, 0, 0), id="flat-mode"),
        pytest.param(("kvm-pv", "--targets", "0-127"), (0, 1, 0), id="one-window"),
        pytest.param(("kvm-pv", "--targets", "0-128"), (0, 2, 0), id="two-windows"),
        pytest.param(
            ("kvm-pv", "--targets", "0-127", "--bits", "32"), (0, 2, 0), id="32-bit-guest"
        ),
        pytest.param(("kvm-pv128-v3", "--targets", "0-159"), (0, 1, 32), id="v3-loses-32"),
        pytest.param(("kvm-pv128-v3", "--targets", "128"), (0, 1, 1), id="v3-empty-bitmap"),
        pytest.param(
            ("kvm-pv", "--targets", "7", "--operation", "send_IPI"), (1, 0, 0), id="unicast"
        ),
        pytest.param(("kvm-pv/x2apic-cluster", "--targets", "0,16"), (0, 1, 0), id="stack"),
        pytest.param(
            ("kvm-pv", "--targets", "0-65534"), (0, 512, 0), id="all-ids-there-may-be"
        ),
    ],
)
def test_counts_are_those_of_the_hypervisor(
    cli: Cli, arguments: tuple[str, ...], counts: tuple[int, int, int]
) -> None:
    """ICR writes, hypercalls, and targets that no op reaches."""
    assert tuple(explained(cli, *arguments)["counts"].values()) == counts


def test_each_op_is_printed_with_the_cpus_it_reaches(cli: Cli) -> None:
    """Registers in the base a person knows; APIC IDs as the user gave them."""
    out = cli("explain", "x2apic-cluster", "--targets", "0,1,16").out

    assert out.splitlines() == [
        "x2apic-cluster: CPU 0 with APIC ID 0 calls send_IPI_mask() with vector 0xfc for "
        "APIC IDs 0-1, 16",
        "",
        "no.  op                                       what it reaches",
        "---  ---------------------------------------  ----------------------------",
        "  0  Fence()",
        "  1  IrqSave()",
        "  2  Scan(cpus=3)",
        "  3  WrMsr(msr=0x830, value=0x3000008fc)      logical 0xfc to APIC IDs 0-1",
        "  4  WrMsr(msr=0x830, value=0x10001000008fc)  logical 0xfc to APIC ID 16",
        "  5  IrqRestore()",
        "",
        "counts        of this burst",
        "------------  -------------",
        "ICR writes    2",
        "hypercalls    0",
        "targets lost  0",
    ]


def test_a_number_of_cpus_is_decimal(cli: Cli) -> None:
    """Only registers are hexadecimal."""
    out = cli("explain", "kvm-pv", "--targets", "1-80").out

    assert "Scan(cpus=80)\n" in out
    assert "Hypercall(nr=0xa, args=(0xffffffffffffffff, 0xffff, 1, 0xfc))" in out


@pytest.mark.parametrize(
    ("arguments", "words", "op"),
    [
        pytest.param(
            ("x2apic-physical", "--targets", "0", "--operation", "send_IPI_self"),
            "CPU 0 with APIC ID 0 calls send_IPI_self() with vector 0xf6 for APIC ID 0\n",
            "WrMsr(msr=0x83f, value=0xf6)  self_register 0xf6 to APIC ID 0\n",
            id="self",
        ),
        pytest.param(
            (
                "xapic-flat",
                *("--targets", "0-3", "--operation", "send_IPI_all", "--linux", "4.19"),
            ),
            "CPU 0 with APIC ID 0 calls send_IPI_all() with vector 0xf6 for APIC IDs 0-3\n",
            "MmioWrite(address=0xfee00310, value=0xf000000)\n",
            id="all-in-flat-mode",
        ),
        pytest.param(
            ("kvm-pv", "--guest", "sockets:2x3x2", "--source", "5"),
            "CPU 5 with APIC ID 5 calls send_IPI_mask() with vector 0xf6 for APIC IDs 0-4, 8-1",
            "Hypercall(nr=0xa, args=(0x3f1f, 0, 0, 0xf6))",
            id="all-others-of-a-guest",
        ),
        pytest.param(
            *(
                (
                    "x2apic-physical",
                    "--guest",
                    "sparse:4:2",
                    "--targets",
                    "6,2",
                    "--source",
                    "2",
                ),
            ),
            "CPU 2 with APIC ID 4 calls send_IPI_mask() with vector 0xf6 for APIC IDs 2, 6\n",
            "WrMsr(msr=0x830, value=0x6000000f6)",
            id="some-of-a-guest",
        ),
    ],
)
def test_no_cpu_sends_or_is_reached_that_the_user_did_not_name(
    cli: Cli, arguments: tuple[str, ...], words: str, op: str
) -> None:
    """Values of a trace can be compared with those of the same guest."""
    out = cli("explain", *arguments, "--vector", "0xf6", "--format", "plain").out

    assert (words in out, op in out) == (True, True), out


def test_a_function_call_to_its_own_cpu_is_no_ipi(cli: Cli) -> None:
    """The first CPU of the list is the source, unless --source names another one."""
    call = ("x2apic-physical", "--targets", "0-2", "--operation", "smp_call_function_many")
    own, other = explained(cli, *call), cli("explain", *call, "--source", "1").out

    assert own["counts"]["icr_writes"] == 1  # by shorthand
    assert other.endswith("CPU 1 runs the function itself, without an IPI.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param((), "a burst needs a guest. Give --targets or --guest.", id="nothing"),
        pytest.param(
            ("--guest", "4", "--source", "4"),
            "CPU 4 cannot send: the guest has CPUs 0-3 online. Give another --source.",
            id="no-such-source",
        ),
        pytest.param(
            ("--guest", "4+offline:2", "--source", "2"),
            "CPU 2 cannot send: the guest has CPUs 0-1, 3 online. Give another --source.",
            id="source-offline",
        ),
        pytest.param(
            ("--guest", "sparse:4:2+offline:2", "--targets", "2,4"),
            "this burst is impossible: the guest has no online CPU with APIC ID 4",
            id="target-offline",
        ),
        pytest.param(
            ("--guest", "4", "--targets", "1,1"),
            "this burst is impossible: Burst.targets names a CPU twice, which a cpumask cannot",
            id="target-twice",
        ),
        pytest.param(
            ("--guest", "lots", "--targets", "1"), "'lots' is not a topology.", id="no-guest"
        ),
    ],
)
def test_a_cpu_that_the_guest_does_not_have_is_refused(
    cli: Cli, arguments: tuple[str, ...], sentence: str
) -> None:
    """No CPU is added to the guest."""
    output = cli("explain", "kvm-pv", *arguments)

    assert (output.status, sentence in output.err) == (2, True), output.err


def test_json_has_the_cpus_that_each_op_reaches(cli: Cli) -> None:
    """People read the same sentences."""
    document = json.loads(cli("explain", "x2apic-cluster", "--targets", "0", "--json").out)

    assert [(op["number"], op["reaches"]) for op in document["ops"] if op["reaches"]] == [
        (3, "logical 0xfc to APIC ID 0")
    ]


def test_a_hypercall_that_reaches_no_cpu_has_a_reason(cli: Cli) -> None:
    """Patch v3 calls with an empty bitmap."""
    rows = csv.reader(
        io.StringIO(cli("explain", "kvm-pv128-v3", "--targets", "128", "--csv").out)
    )

    assert ["Hypercall(nr=0xa, args=(0, 0, 0xfc))", "hypercall 0xfc to no CPU"] in [
        row[1:] for row in rows
    ]


def test_the_vector_can_be_chosen(cli: Cli) -> None:
    """Any base works; 2 is an NMI, which needs its own delivery mode in the ICR."""
    ops = explained(cli, "x2apic-physical", "--targets", "1", "--vector", "0x40")["ops"]
    nmi = explained(cli, "x2apic-physical", "--targets", "1", "--vector", "2")["ops"]

    assert [op["value"] for op in ops if op["op"] == "WrMsr"] == [0x1_0000_0040]
    assert [op["value"] for op in nmi if op["op"] == "WrMsr"] == [0x1_0000_0400]


def test_a_sender_of_another_plugin_can_be_explained(cli: Cli, add_plugin: AddPlugin) -> None:
    """The first thing to do with a sender of one's own."""
    add_plugin("my_sender", SENDER)

    assert explained(cli, "mine", "--targets", "0,1", "-p", "my_sender") == {
        "sender": "mine",
        "ops": [{"op": "Hypercall", "nr": 10, "args": [3, 0, 0, 252]}],
        "counts": {"icr_writes": 0, "hypercalls": 1, "lost": 0},
    }


def test_a_call_that_the_hypervisor_refuses_reaches_no_cpu(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """The decoder's reason stands beside the op."""
    add_plugin("refused", SENDER.replace("Hypercall(10", "Hypercall(9"))
    output = cli("explain", "mine", "--targets", "1", "-p", "refused")

    assert output.status == 0, output.err
    assert "no CPU: KVM hypercall 9 sends no IPI" in output.out
