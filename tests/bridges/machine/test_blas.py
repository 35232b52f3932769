"""One BLAS thread within a block, and as many as before after it."""

from __future__ import annotations

from threadpoolctl import threadpool_info

from bridges.machine.blas import one_blas_thread


def threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def test_the_limit_holds_within_nested_blocks_only():
    with one_blas_thread():
        pass
    before = threads()
    with one_blas_thread():
        with one_blas_thread():
            assert set(threads()) == {1}
        assert set(threads()) == {1}
    assert threads() == before
