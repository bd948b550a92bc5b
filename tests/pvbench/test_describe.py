"""A delivery is described on the host where it would boot."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pvbench import worker_process
from pvbench.delivery import Costs, Options
from pvbench.describe import described
from pvbench.errors import ProtocolError, SiteError, Status, UnavailableError, WorkerError
from pvbench.guest import HostIds
from pvbench.protocol import Describe, ErrorReport, decode
from support.helpers import DEADLINE_S
from support.runs import AddPlugin

COMMAND = (sys.executable, "-P", "-m", "pvbench.describe")


def model(execution: str = "algorithm") -> Describe:
    """A request to describe the model."""
    options = Options(execution=execution)
    return Describe(delivery="model", delivery_module="pvbench_deliver_model", options=options)


def answer(command: tuple[str, ...], request: Describe) -> object:
    """The answer of a process of *command*."""
    return worker_process.described_by(command, request, timeout_s=DEADLINE_S)


def test_a_description_is_the_same_in_a_process_of_its_own() -> None:
    """Its host is also the same: it is this one."""
    description = described(model())

    assert answer(COMMAND, model()) == description
    assert isinstance(description.costs, Costs)
    assert description.costs.name == "skylake-2018"
    assert description.host["kernel_release"]
    assert "usable of" in description.cpus


def test_an_error_keeps_its_words_and_its_exit_status() -> None:
    """Options that make no sense are a usage error, wherever that was found."""
    with pytest.raises(SiteError, match="a model times the sender's algorithm") as caught:
        answer(COMMAND, model(execution="ops"))

    assert caught.value.status is Status.USAGE


WITH_IDS = """
import attrs
from pvbench.hookspecs import hookimpl
from pvbench.guest import HostIds
from pvbench_deliver_model import Model

class WithIds(Model):
    name = "with-ids"

    def describe(self, options):
        return attrs.evolve(super().describe(options), host_ids=HostIds((7, 9), "mine"))

@hookimpl
def pvbench_deliveries():
    return [WithIds()]
"""


def test_the_apic_ids_that_a_delivery_gives_are_kept(add_plugin: AddPlugin) -> None:
    """It may know better than the kernel, or may need none."""
    module = add_plugin("with_ids", WITH_IDS)
    request = Describe(delivery="with-ids", delivery_module=module, options=Options())

    assert described(request).host_ids == HostIds((7, 9), "mine")


UNABLE = """
from pvbench.hookspecs import hookimpl
from pvbench.errors import UnavailableError
from pvbench_deliver_model import Model

class Unable(Model):
    name = "unable"

    def why_unavailable(self):
        return "there is no device"

    def describe(self, options):
        raise UnavailableError("the device went away")

@hookimpl
def pvbench_deliveries():
    return [Unable()]
"""


@pytest.mark.parametrize(
    ("probe", "why"), [(True, "there is no device"), (False, "the device went away")]
)
def test_a_host_that_cannot_run_it_says_why(
    add_plugin: AddPlugin, probe: bool, why: str
) -> None:
    """Probes that are not needed for the reason run only on request."""
    request = Describe(
        delivery="unable",
        delivery_module=add_plugin("unable_delivery", UNABLE),
        options=Options(probe=probe),
    )

    with pytest.raises(UnavailableError, match=f"unable cannot be used here: {why}"):
        described(request)


def test_a_process_without_a_request_answers_with_an_error() -> None:
    """A user may have started it by hand, or the manager is of another version."""
    with subprocess.Popen(
        [*COMMAND, str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        answer = decode(process.stdout.readline())

    assert answer == ErrorReport("it was not asked to describe anything")


@pytest.mark.parametrize(
    ("code", "error", "reason"),
    [
        pytest.param("", WorkerError, "ended with status 0: no output on stderr", id="silent"),
        pytest.param("print('hello')", WorkerError, "status 0: hello", id="chatter"),
        pytest.param(
            "from pvbench import protocol as p; print(p.encode(p.Answer(())))",
            ProtocolError,
            "^the description of delivery model cannot be read: it sends Answer out of turn$",
            id="no-description",
        ),
    ],
)
def test_a_process_that_describes_nothing_is_an_error(
    code: str, error: type[Exception], reason: str
) -> None:
    """Each case has a sentence."""
    with pytest.raises(error, match=reason):
        answer((sys.executable, "-c", code), model())


def test_a_delivery_that_raises_is_a_sentence() -> None:
    """Code of a plugin may raise anything; there is no traceback."""
    with pytest.raises(SiteError, match=r"^the delivery cannot be described: StopIteration$"):
        answer(COMMAND, model()._replace(delivery="lost"))


def test_progress_of_probing_is_shown_and_other_complaints_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A driver may print anything; control characters do not reach the terminal."""
    code = "import sys; sys.stderr.write('pvbench: probing \\x1b[31mx2apic\\nnoise\\n')"
    with pytest.raises(WorkerError, match="status 0: noise"):
        answer((sys.executable, "-c", code), model())

    assert capsys.readouterr().err == "pvbench: probing  [31mx2apic\n"
