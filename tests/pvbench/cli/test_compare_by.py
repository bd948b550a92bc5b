"""`pvbench compare A B --by AXIS`: several files, one axis."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from support.runs import Cli, file_of, row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"


def test_a_sender_is_never_compared_with_the_baseline_of_another_file(cli: Cli) -> None:
    """Cluster mode is twice as fast in each; a ratio of 4.0 would mix them."""
    for name, scale in (("old.json", 1), ("new.json", 2)):
        physical = row_of("broadcast", PHYSICAL, scale * 200e-6)
        file_of(Path(name), physical, row_of("broadcast", CLUSTER, scale * 100e-6))
    output = cli("compare", "old.json", "new.json", "--by", "sender", "--format", "csv")

    assert (output.status, output.out) == (2, "")
    assert "the same cases" in output.err


def test_a_series_that_no_case_has_compares_nothing(cli: Cli) -> None:
    """One source has no makespan: exit status 3 and a sentence, no traceback."""
    file_of(Path("a.json"), row_of("broadcast", PHYSICAL, 200e-6))
    output = cli("compare", "a.json", "--by", "sender", "--series", "makespan")

    assert output.status == 3
    assert "pvbench: --by sender has nothing to compare: no two cases" in output.err


def test_guests_of_one_name_are_never_mixed_up(cli: Cli) -> None:
    """The baseline is the guest that was named, whichever others the files have."""
    rows = {
        "plain": row_of("broadcast", PHYSICAL, 200e-6),
        "crowded": row_of("broadcast", PHYSICAL, 300e-6, host_cpus=2),
        "small": row_of(
            "broadcast", PHYSICAL, 2e-6, guest="dense:8", apic_ids="0-7", vcpus=8, host_cpus=8
        ),
    }
    files = [file_of(Path(f"{name}.json"), row) for name, row in rows.items()]
    output = cli("compare", *files, "--by", "guest", "--baseline", "dense:80", "--csv")
    times = {r["side"]: r["before"] for r in csv.DictReader(io.StringIO(output.out))}

    assert times == {"dense:80/on2": "0.0002", "dense:8": "0.0002"}


def test_native_as_the_baseline_of_a_stack_is_its_own_driver(cli: Cli) -> None:
    """Also in a file with several drivers; the overlay names the side, and JSON the stack."""
    stacks = (PHYSICAL, CLUSTER, f"kvm-pv/{PHYSICAL}", f"kvm-pv/{CLUSTER}")
    rows = [row_of("broadcast", stack, (4 - n) * 1e-6) for n, stack in enumerate(stacks)]
    file = file_of(Path("a.json"), *rows)
    command = ("compare", file, "--by", "sender", "--baseline", "native")

    pairs = json.loads(cli(*command, "--json").out)["pairs"]
    assert [(pair["baseline"], pair["side"], pair["speed_ratio"]) for pair in pairs] == [
        (PHYSICAL, f"kvm-pv/{PHYSICAL}", 2),
        (CLUSTER, f"kvm-pv/{CLUSTER}", 3),
    ]
    assert cli("compare", file, "--by", "overlay").out == cli(*command).out
