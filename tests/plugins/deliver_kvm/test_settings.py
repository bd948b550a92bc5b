"""The settings of a boot follow from the options of a description."""

from __future__ import annotations

import pytest

from pvbench.delivery import Options
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.settings import settings_of


@pytest.mark.usefixtures("needs_kvm")
@pytest.mark.parametrize("near_exact", [True, False])
def test_a_near_exact_clock_measures_path_lengths(near_exact: bool) -> None:
    """Other clocks measure times."""
    options = Options(probe=False, near_exact=near_exact)
    description = KvmDelivery().describe(options)

    assert settings_of(description.worker_data).near_exact is near_exact
