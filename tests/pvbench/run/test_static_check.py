"""The reasons that plugins give to refuse a case."""

from __future__ import annotations

import pytest

from pvbench.errors import PluginError
from pvbench.run.static_check import checked_reason


@pytest.mark.parametrize("reason", ["", 0, 3, [], b"no"])
def test_a_reason_that_is_not_a_sentence_is_the_plugin_s_fault(reason: object) -> None:
    """It would be printed as the reason why a case does not run."""
    with pytest.raises(PluginError, match=r"the reason is .*, not a sentence"):
        checked_reason(reason)


def test_a_reason_is_one_line() -> None:
    """It may come from another system."""
    assert checked_reason("no\nCPU") == "no CPU"
    assert checked_reason(None) is None
