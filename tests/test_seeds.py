"""Named random streams: the same everywhere and for ever, and none like another."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from threatclip.seeds import rng, stream_seed, torch_rng


def test_values_are_frozen() -> None:
    """A change here changes every published number."""
    assert stream_seed(0, "poison/choice") == 9189344990674782618
    assert stream_seed(0, "") == 8249194312159197673
    assert rng(7, "a").integers(0, 1000, 4).tolist() == [585, 181, 540, 764]
    assert torch_rng(7, "a").initial_seed() == stream_seed(7, "a")


def test_streams_and_seeds_do_not_share_draws() -> None:
    names = [f"{stream}/{number}" for stream in ("loader/epoch", "poison/choice") for number in range(200)]
    assert len({stream_seed(seed, name) for seed in range(5) for name in names}) == 5 * len(names)
    left, right = rng(0, "a").normal(size=20_000), rng(0, "b").normal(size=20_000)
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.03


@given(seed=st.integers(), stream=st.text())
def test_any_name_and_seed_work_and_repeat(seed: int, stream: str) -> None:
    try:
        stream.encode()
    except UnicodeEncodeError:
        return
    number = stream_seed(seed, stream)
    assert 0 <= number < 2**63
    assert number == stream_seed(seed, stream)
    assert rng(seed, stream).random() == rng(seed, stream).random()


def test_generators_are_independent_of_global_state() -> None:
    torch.manual_seed(1)
    first = torch.rand(3, generator=torch_rng(3, "x"))
    torch.manual_seed(2)
    torch.rand(5)
    assert torch.equal(first, torch.rand(3, generator=torch_rng(3, "x")))


def test_naming_a_stream_imports_no_torch() -> None:
    code = "import sys, threatclip.seeds as s; s.rng(0, 'a'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
