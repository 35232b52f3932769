"""Tasks dealt to threads and ranks: each done once, by its own dealing, and failures told."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from bridges.machine import dealer
from bridges.machine.comm import SingleRank
from bridges.machine.dealer import Desk, deal_out


def test_every_task_is_done_once_and_idle_time_is_told():
    done = []
    shifts = deal_out(SingleRank(), list(range(20)), lambda t: t * t, lambda *x: done.append(x), 3)
    assert sorted(done) == [(t, t * t) for t in range(20)]
    assert shifts[0].tasks == 20
    assert shifts[0].idle_s >= 0


def test_two_dealings_in_two_threads_do_their_own_tasks():
    begun = threading.Barrier(2)
    done = {name: [] for name in "ab"}

    def dealing(name):
        def work(task):
            if task == 0:  # both have begun before either goes on
                begun.wait(timeout=30)
            return name

        deal_out(SingleRank(), range(6), work, lambda _, made: done[name].append(made), 1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(dealing, "ab"))
    assert done == {"a": ["a"] * 6, "b": ["b"] * 6}
    assert not dealer._benches


def test_a_failing_task_ends_the_dealing():
    def work(task):
        if task == 3:
            raise ValueError("task 3 is bad")
        return task

    with pytest.raises(ValueError, match="task 3"):
        deal_out(SingleRank(), list(range(10_000)), work, lambda *_: None, 2)


def test_a_lost_answer_of_another_rank_ends_the_dealing():
    class Broken(Executor):
        def submit(self, *_):
            lost = Future()
            lost.set_exception(RuntimeError("lost"))
            return lost

    desk = Desk([1, 2, 3], lambda *_: None)
    with ThreadPoolExecutor(1) as pool:
        bench = dealer._Bench(lambda task: task, pool, 0)
        dealer._deal(desk, bench, "token", Broken(), [1, 1])
    assert str(desk.failure) == "lost"


def test_an_interrupt_does_not_wait_for_what_is_left():
    done = []

    def work(task):
        if task == 1:
            raise KeyboardInterrupt
        time.sleep(0.01)
        done.append(task)

    with pytest.raises(KeyboardInterrupt):
        deal_out(SingleRank(), range(1000), work, lambda task, result: None, 2)
    assert len(done) < 500
