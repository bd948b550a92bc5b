"""The kinds of input of `fuzz.py`: how one is made of valid input, and what reads it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import attrs

import fuzz_site
import fuzz_traces
from fuzz_readers import (
    Input,
    command,
    do_job,
    import_trace,
    of_host,
    read_recording,
    run_and_show,
)
from fuzz_valid import CANNED, CPU, RUN, SMALL, SUITE, SUITE_SOURCE, TABLE, Valid
from fuzz_words import guest, words
from mutations import json_bytes, mutated, mutated_assignments, mutated_bytes, mutated_text
from pvbench.protocol import framed

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
    *(("report", "a.json", *rest) for rest in ([], ["--by", "sender"], ["--markdown"])),
    ("report", "good.json", "a.json", "--ktap"),
    *(("show", "a.json", option) for option in ("--plot", "--ktap", "--layout=norov")),
)
_OF_TEXTS: Final = (
    *(("show", "a.txt", *rest) for rest in ([], ["--json"], ["--layout=norov"])),
    ("compare", "--beside", "a.txt", "good.json"),
    *(("report", "a.txt"), ("compare", "a.txt", "noisy.json")),
)
_RESUME: Final = (*SMALL, "-o", "a.json", "--resume")
_JOURNALS: Final = (
    *(_RESUME, _RESUME, (*_RESUME, "--boots", "2"), ("compare", "a.json", "noisy.json")),
    (*RUN, "--dry-run", "--resume"),
)
_TEXTS: Final = sorted(Path(fuzz_site.__file__).parents[1].glob("tests/data/benchmarks/*"))
_PROFILES: Final = Path(fuzz_site.__file__).parents[1] / "plugins/pvbench_deliver_model"


@attrs.frozen
class Kind:
    """A kind of input: how one is made of valid files, and what reads it."""

    name: str
    make: Callable[[Valid, Random], Input]
    read: Callable[[Input], int] = command


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
    name = random.choice(sorted(SUITE))
    fields = SUITE | {name: mutated(SUITE[name], random)}
    source = SUITE_SOURCE.replace("FIELDS", repr(fields)).encode("utf-8", "surrogatepass")
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
    return Input((*SMALL, "--dry-run", "--costs", "mine.toml"), {"mine.toml": content})


def _defaults(_: Valid, random: Random) -> Input:
    text = mutated_assignments(TABLE, random).encode("utf-8", "surrogatepass")
    content = text if random.random() < 0.8 else mutated_bytes(TABLE.encode(), random)
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
    return Input((*RUN, "--dry-run", f"--guest={text}", "-k", "normal-ipi"))


def _cpuinfo(_: Valid, random: Random) -> Input:
    text = "\n".join(CPU.replace(": 0", f": {cpu}") for cpu in range(random.randint(1, 8)))
    lines = [line.partition(":") for line in text.splitlines()]
    for _change in range(random.randint(0, 3)):
        place = random.randrange(len(lines))
        value = random.choice((" 4294967296", "", " 0", " -1", " " + "9" * 5000, "\0", " 0x10"))
        lines[place] = (lines[place][0], random.choice((":", ": ", "", "::")), value)
    content = "\n".join("".join(line) for line in lines).encode()
    if random.random() < 0.5:
        content = mutated_bytes(content, random)
    form = random.choice(("host", "cpuinfo:proc/cpuinfo", "madt:proc/cpuinfo"))
    small = (*RUN, "--dry-run", "--guest", form, "-k", "normal-ipi")
    return Input(small, {"proc/cpuinfo": content})


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
    return Input((*CANNED, "canned"), files)


def _job(valid: Valid, random: Random) -> Input:
    return Input((), {fuzz_site.JOB: _framed(valid[fuzz_site.JOB], random)})


def _noise(valid: Valid, random: Random) -> Input:
    content = _changed_lines(valid["sessions.jsonl"], random)
    return Input(("compare", "noisy.json", "noisier.json"), {"noise.jsonl": content})


def _benchmark_text(_: Valid, random: Random) -> Input:
    content = random.choice(_TEXTS).read_bytes() * random.choice((1, 1, 2))
    other = random.choice(_TEXTS).read_bytes() if random.random() < 0.2 else b""
    text = mutated_bytes(content + other, random)
    return Input(random.choice(_OF_TEXTS), {"a.txt": text})


def _outcomes(valid: Valid, random: Random) -> Input:
    content = _changed(valid["outcomes.json"], random)
    return Input(("verify", "--judge", "o.json"), {"o.json": content})


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
    Kind("cpuinfo", _cpuinfo, of_host),
    Kind("worker reports", _reports, run_and_show),
    Kind("jobs", _job, do_job),
    Kind("noise files", _noise),
    Kind("texts of benchmarks", _benchmark_text),
    Kind("outcomes of programs", _outcomes),
    Kind("traces", fuzz_traces.trace, import_trace),
    Kind("recordings", fuzz_traces.recording, read_recording),
    Kind("options", _options),
)
