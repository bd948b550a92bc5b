"""
A conformance kit for plugin authors: plain functions, for any test runner.

    from pvbench.testing import check_sender

    def test_it_reaches_its_targets():
        check_sender(MySender())

Each returns if all is well, and else raises an AssertionError of one sentence:
where, for which guest and burst, and what is wrong.
"""

from pvbench.testing.cases import case_of
from pvbench.testing.deliveries import check_delivery, check_run
from pvbench.testing.senders import check_case, check_sender
from pvbench.testing.workloads import check_workload

__all__ = [
    "case_of",
    "check_case",
    "check_delivery",
    "check_run",
    "check_sender",
    "check_workload",
]
