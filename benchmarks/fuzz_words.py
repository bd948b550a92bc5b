"""Command lines of every command with every option, valid and hostile."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from keyword import iskeyword
from random import Random
from typing import Final

from mutations import TEXTS, mutated_text
from pvbench.cli.main import COMMANDS
from pvbench.cli.options import actions
from pvbench.cli.parsers import Parser

_NUMBERS: Final = (0, 1, 2, 3, 79, 80, 128, 255, 256, 4095, 65_534, 65_535, 65_536, 10**12)
# Words that are right for an option or argument, by its name in the parsed options.
_VALID: Final[dict[str, tuple[str, ...]]] = {
    "sender": ("native", "kvm-pv", "kvm-pv/x2apic-cluster", "x2apic-physical,kvm-pv"),
    "suite": ("norov", "fanout", "ids", "smoke"),
    "file": ("good.json", "published:norov-2018", "noisy.json"),
    "files": ("good.json", "published:norov-2018", "noisy.json"),
    "driver": ("x2apic-cluster", "xapic-flat"),
    "workload": ("broadcast", "self-ipi,normal-ipi", "fanout:scatter:3"),
    "vcpus": ("2,3", "4"),
    "bits": ("32", "64"),
    "delivery": ("model",),
    "cpu_list": ("0-1", "0"),
    "site": ("local",),
    "keywords": ("normal or *.broadcast", "not (x and y)", "x2apic-*"),
    "costs": ("skylake-2018", "epyc-rome-avic"),
    "timeout": ("10", "0.5"),
    "output": ("b.json", "b.json.gz"),
    "plugins": ("no:send-kvm-pv", "fuzz_site"),
    "judge": ("outcomes.json", "good.json"),
    "program": ('["x2", 0, [["WrMsr", 2096, 64]]]', '["x2", []]'),
    "series": ("wall", "all", "ack"),
    "margin": ("3", "norov=5%", "*=1%"),
    "fail_above": ("10%", "5"),
    "by": ("sender", "guest", "driver"),
    "baseline": ("native", "kvm-pv"),
    "python": (sys.executable,),
    "a": ("--boots 2", "-k broadcast"),
    "b": ("--boots 2", "-k broadcast"),
    "over": ("1s", "2h"),
    "operation": ("send_IPI_all", "send_IPI_mask", "smp_call_function_many"),
    "vector": ("0x30", "2", "251"),
    "into": ("d",),
    "name": ("pv-mine",),
    "targets": ("halted", "running", "1,128", "0-79"),
}
_SAFE: Final = {
    "run": ("--dry-run", "-p", "no:deliver-kvm", "-p", "no:deliver-live"),
    "ab": ("--dry-run", "-p", "no:deliver-kvm", "-p", "no:deliver-live"),
    "noise": ("--dry-run",),  # which it refuses
    "doctor": ("--no-probe",),
    "verify": ("--count", "3", "--site", "local", "--delivery", "model"),
}  # no guest is booted


def words(random: Random) -> tuple[str, ...]:
    """A command line of some command with up to four options."""
    name = random.choice(COMMANDS)
    actions = list(_actions(name))
    positionals = [action for action in actions if not action.option_strings]
    options = [action for action in actions if action.option_strings]
    typed = [name]
    for action in positionals:
        if action.nargs == argparse.PARSER:
            typed += random.choice(
                ([], ["new", _value(action, random)], [_value(action, random)])
            )
        elif random.random() < 0.9:
            typed += [_value(action, random) for _ in range(random.choice((1, 1, 2)))]
    for action in random.choices(options, k=random.randint(0, 4)):
        typed += _option(action, random)
    if random.random() < 0.05:
        typed.insert(random.randint(1, len(typed)), random.choice(TEXTS))
    return tuple(_argument(word) for word in (*typed, *_SAFE.get(name, ())))


def _actions(name: str) -> Iterator[argparse.Action]:
    """Options and arguments of a command; none that ends before anything is read."""
    parser = Parser(add_help=False)
    import_module(f"pvbench.cli.{name}{'_' * iskeyword(name)}").arguments(parser)
    yield from actions(parser)


def _option(action: argparse.Action, random: Random) -> list[str]:
    option = random.choice(action.option_strings)
    if action.nargs == 0:
        return [option] if random.random() < 0.95 else [f"{option}=x"]
    value = _value(action, random)
    joined = option.startswith("--") and random.random() < 0.7
    return [f"{option}={value}"] if joined else [option, value]


def _value(action: argparse.Action, random: Random) -> str:
    valid = _VALID.get(action.dest, ())
    valid = valid or tuple(map(str, action.choices or ())) or tuple(map(str, _NUMBERS))
    value = guest(random) if action.dest == "guest" else random.choice(valid)
    chance = random.random()
    if chance < 0.6:
        return value
    return mutated_text(value, random) if chance < 0.8 else random.choice(TEXTS)


def _argument(word: str) -> str:
    """*word* as an argument that the kernel passes on: no null bytes, no paths elsewhere."""
    return (
        word.replace("\0", "").replace("/", "-") if word[:1] in "/." else word.replace("\0", "")
    )


def guest(random: Random) -> str:
    """A topology, with numbers that may be too large."""

    def number() -> int:
        return random.choice(_NUMBERS)

    def ranges() -> str:
        parts = (f"{number()}-{number()}" for _ in range(random.choice((1, 2, 5, 1000))))
        return ",".join(parts)

    forms: tuple[Callable[[], str], ...] = (
        *(lambda: f"{number()}", lambda: f"dense:{number()}"),
        lambda: f"sockets:{number()}x{number()}x{number()}",
        lambda: f"sockets:{number()}x{number()}x{number()}x{number()}+threads-last",
        lambda: f"ids:{number()}-{number()}/{number()},0x{number():x}",
        lambda: f"sparse:{number()}:{number()}",
        lambda: f"interleaved:{number()}",
        lambda: f"ids:{','.join(str(number()) for _ in range(random.randint(1, 9)))}",
        lambda: f"ids:{ranges()}",
        lambda: f"{number()}+offline:{ranges()}",
        lambda: f"sparse:8:2+logical:{number()}-{number()}+vp:7-0",
        lambda: "host",
    )
    return random.choice(forms)()
