"""Which call of a run is meant: what was asked decides, and nothing outside of the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bridges.errors import UsageError
from qsvm.samplers.leap.store import Row, RunStore


def ask(store: RunStore, *digests: str) -> int:
    call = store.claim(digests)
    if not store.rows(call):
        store.add(
            [Row(call, p, f"label:{call}:{p}", digest, {}, 1.0) for p, digest in enumerate(digests)]
        )
    return call


def test_calls_of_one_process_are_counted(tmp_path):
    store = RunStore(tmp_path)
    assert [ask(store, "a"), ask(store, "b", "c"), ask(store, "a")] == [0, 1, 2]
    assert ask(RunStore(tmp_path), "a") == 3, "another object on the same store goes on"


def test_another_process_finds_the_calls_by_what_they_asked(tmp_path, new_process):
    store = RunStore(tmp_path)
    for digest in "abab":
        ask(store, digest)
    new_process()
    with pytest.raises(UsageError, match="earlier run"):
        RunStore(tmp_path)
    again = RunStore(tmp_path, resume=True)
    assert [ask(again, digest) for digest in "baba"] == [1, 0, 3, 2]
    assert ask(again, "c") == 4, "all are found, so the run goes on"
    assert ask(RunStore(tmp_path), "d") == 5, "a run that was resumed once has begun"


def test_what_the_run_did_not_ask_is_refused_while_calls_are_left(tmp_path, new_process):
    store = RunStore(tmp_path)
    ask(store, "a")
    ask(store, "b")
    new_process()
    again = RunStore(tmp_path, resume=True)
    ask(again, "a")
    with pytest.raises(UsageError, match="other data"):
        ask(again, "c")
    assert ask(again, "b") == 1, "a refusal changes nothing"


def test_a_failed_run_needs_to_be_resumed(tmp_path):
    store = RunStore(tmp_path)
    ask(store, "a")
    store.fail()
    with pytest.raises(UsageError, match="earlier run"):
        RunStore(tmp_path)
    assert ask(RunStore(tmp_path, resume=True), "a") == 0


def test_a_new_store_of_the_same_name_starts_anew(tmp_path):
    store = RunStore(tmp_path / "run")
    ask(store, "a")
    store.close()
    (tmp_path / "run" / "leap.sqlite").unlink()
    assert ask(RunStore(tmp_path / "run"), "a") == 0


def test_calls_of_several_threads_get_numbers_of_their_own(tmp_path):
    def work(name: int) -> int:
        store = RunStore(tmp_path)
        try:
            return ask(store, f"digest {name}")
        finally:
            store.close()

    ask(RunStore(tmp_path), "first")
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(12))) == list(range(1, 13))
