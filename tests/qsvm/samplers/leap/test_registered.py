"""The samplers of the cloud keep the samplers' contract, beside a local Leap."""

from __future__ import annotations

import pytest

from bridges import make_sampler
from bridges.testing import assert_sampler

READS = {"num_reads": 20}
HYBRID: dict[str, int] = {}
OPTIONS = {
    "qpu": READS,
    "qpu-clique": READS,
    "hybrid": HYBRID,
    "hybrid-cqm": HYBRID,
    "hybrid-nl": HYBRID,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_sampler(name, leap, tmp_path):
    leap()
    sampler = make_sampler(name, store=str(tmp_path / "run"), **OPTIONS[name])
    assert_sampler(sampler, repeatable=False)
