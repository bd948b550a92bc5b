"""Sources of plugins that cannot be used, each with its error message."""

from __future__ import annotations

from typing import Final

GOOD: Final = """
from pvbench.hookspecs import hookimpl
from pvbench.sender import Sender

pvbench_api = 1


class Good(Sender):
    name = "good"
    summary = "for tests"


@hookimpl
def pvbench_senders():
    return [Good()]
"""
BARE: Final = GOOD.partition("class")[0]
WORKLOAD: Final = """
from pvbench.hookspecs import hookimpl
from pvbench.workload import Workload

pvbench_api = 1


@hookimpl
def pvbench_workloads():
    return [Workload(name="good", summary="for tests", bursts=lambda guest: (), parameters={})]
"""

SITE: Final = """
from pvbench.hookspecs import hookimpl

pvbench_api = 1


class Good:
    name = "good"
    summary = "for tests"
    why_unavailable = None
    session = None


@hookimpl
def pvbench_sites():
    return [Good()]
"""

DELIVERY: Final = """
from pvbench.hookspecs import hookimpl

pvbench_api = 1


class Empty:
    name = "empty"
    summary = "for tests"


@hookimpl
def pvbench_deliveries():
    return [Empty()]
"""

# What it is: the source, and the error or its beginning.
BROKEN: Final[dict[str, tuple[str, str]]] = {
    "missing-dependency": (
        "import there_is_none",
        "ModuleNotFoundError: No module named 'there_is_none'",
    ),
    "import-error": (
        "from pvbench.sender import Sendr",
        "ImportError: cannot import name 'Sendr' from 'pvbench.sender'",
    ),
    "syntax-error": ("def (:", "SyntaxError: "),
    "raises": ("raise RuntimeError('no\\nlicence')", "RuntimeError: no licence"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "no-api": (
        GOOD.replace("pvbench_api = 1", ""),
        "it lacks pvbench_api, and this pvbench needs pvbench_api = 1",
    ),
    "another-api": (
        GOOD.replace("pvbench_api = 1", "pvbench_api = 2"),
        "its pvbench_api is 2, and this pvbench needs pvbench_api = 1",
    ),
    "no-hook": (BARE, "it has no hook"),
    "misspelt-hook": (
        GOOD.replace("def pvbench_senders", "def pvbench_sender"),
        "there is no hook called 'pvbench_sender'. Did you mean 'pvbench_senders'?",
    ),
    "unmarked-hook": (GOOD.replace("@hookimpl", ""), "pvbench_senders lacks @hookimpl"),
    "hook-with-arguments": (
        GOOD.replace("pvbench_senders()", "pvbench_senders(guest)"),
        "for hook 'pvbench_senders' hookimpl definition: pvbench_senders(guest) Argument(s) "
        "{'guest'} are declared in the hookimpl but can not be found in the hookspec; "
        "the hookspec is pvbench_senders() -> 'Iterable[Sender]'",
    ),
    "hook-raises": (
        GOOD.replace("[Good()]", "[1 // 0]"),
        "ZeroDivisionError: integer division or modulo by zero",
    ),
    "hook-returns-no-iterable": (
        GOOD.replace("[Good()]", "7"),
        "TypeError: 'int' object is not iterable",
    ),
    "hook-returns-None": (
        GOOD.replace("return [Good()]", "Good()"),
        "pvbench_senders returns None; return () for nothing",
    ),
    "thing-without-a-name": (
        GOOD.replace("[Good()]", "[object()]"),
        "it offers a sender without a name: <object",
    ),
    "name-is-no-text": (GOOD.replace('"good"', "4"), "it offers a sender without a name"),
    "name-not-lower-case": (
        GOOD.replace('"good"', '"Good"'),
        "it offers a sender called 'Good': not lower case with dashes",
    ),
    "thing-without-a-summary": (
        GOOD.replace('summary = "for tests"', ""),
        "it offers a sender without a summary: 'good'",
    ),
    "thing-that-is-no-sender": (
        GOOD.replace("(Sender)", ""),
        "it offers a sender that is not a Sender: <",
    ),
    "mechanism-nobody-knows": (
        GOOD.replace("summary", "mechanism = 'magic'; summary"),
        "good.mechanism is 'magic', not one of icr, shorthand, hypercall",
    ),
    "abi-nobody-knows": (
        GOOD.replace("summary", "hypercall_abi = 'foo'; summary"),
        "good.hypercall_abi is 'foo', not one of None, kvm, ",
    ),
    "name-of-a-bundled-sender": (
        GOOD.replace('"good"', '"kvm-pv"'),
        "send-kvm-pv (pvbench ",
    ),
    "one-name-twice": (
        GOOD.replace("[Good()]", "[Good(), Good()]"),
        "it offers a sender called 'good' twice",
    ),
    "hook-wrapper": (
        GOOD.replace("@hookimpl", "@hookimpl(wrapper=True)").replace("return", "yield"),
        "pvbench_senders is a wrapper: hooks are called for one plugin",
    ),
    "delivery-without-its-methods": (
        DELIVERY,
        "it offers a delivery without ",
    ),
    "site-without-its-methods": (
        DELIVERY.replace("deliveries", "sites"),
        "it offers a site without ",
    ),
    "site-with-a-colon": (
        SITE.replace('"good"', '"go:od"'),
        "site 'go:od' has a colon, which separates an address",
    ),
    "family-of-sites-without-a-form": (
        SITE.replace("session", "at"),
        "it offers a site without form: 'good'",
    ),
    "form-of-another-family": (
        SITE.replace("session = None", "at = None; form = 'better:PLACE'"),
        "the form of site good is 'better:PLACE', not good:ADDRESS",
    ),
    "form-that-is-no-text": (
        SITE.replace("session = None", "at = None; form = 4"),
        "the form of site good is not one printable line",
    ),
    "workload-with-a-colon": (
        WORKLOAD.replace('"good"', '"go:od"'),
        "workload 'go:od' has a colon, which separates parameters",
    ),
    "first-parameter-is-no-number": (
        WORKLOAD.replace("{}", "{'spread': 'all', 'targets': 1}"),
        "the first parameter of good is 'all', which is not a number",
    ),
    "defaults-that-nobody-can-write": (
        WORKLOAD.replace("{}", "{'targets': -1}"),
        "targets of good is '-1', not a number",
    ),
}
