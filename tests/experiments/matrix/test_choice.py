"""The learning rate that a defender takes: told by held-out accuracy alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from threatclip.experiments.matrix.choice import Tried, chosen_rate

accuracies = st.integers(0, 20).map(lambda right: right / 20)
tries = st.lists(
    st.builds(Tried, rate=st.sampled_from([1e-4, 3e-4, 1e-3, 3e-3, 1e-2]), accuracy=st.none() | accuracies),
    max_size=5,
    unique_by=lambda one: one.rate,
)


def test_the_largest_rate_that_costs_no_more_is_taken() -> None:
    tried = [Tried(rate=1e-3, accuracy=0.70), Tried(rate=3e-3, accuracy=0.67), Tried(rate=1e-2, accuracy=0.66)]
    assert chosen_rate(tried, 0.70, tolerance=0.03) == 3e-3


def test_where_all_cost_more_the_cheapest_is_taken() -> None:
    tried = [Tried(rate=1e-3, accuracy=0.5), Tried(rate=3e-3, accuracy=0.55), Tried(rate=1e-2, accuracy=None)]
    assert chosen_rate(tried, 0.9, tolerance=0.03) == 3e-3
    assert chosen_rate([Tried(rate=1e-2, accuracy=None)], 0.9, tolerance=0.03) is None


@given(tried=tries, before=accuracies, tolerance=st.sampled_from([0.0, 0.03, 0.2]))
def test_no_larger_rate_was_allowed(tried: list[Tried], before: float, tolerance: float) -> None:
    rate = chosen_rate(tried, before, tolerance=tolerance)
    known = {one.rate: one.accuracy for one in tried if one.accuracy is not None}
    assert (rate is None) == (not known)
    if rate is None:
        return
    allowed = [other for other, accuracy in known.items() if round(20 * (accuracy - before + tolerance), 9) >= 0]
    assert rate == max(allowed) if allowed else known[rate] == max(known.values())
