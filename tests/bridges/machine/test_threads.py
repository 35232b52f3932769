"""Cores that a process may use."""

from __future__ import annotations

import os

import joblib

from bridges.machine import threads


def test_cores_are_those_of_affinity_and_of_a_containers_quota(monkeypatch):
    assert 1 <= threads.usable_cores() <= (os.cpu_count() or 1)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert threads.usable_cores() == 1
    monkeypatch.setattr(joblib, "cpu_count", lambda: 6)
    assert threads.usable_cores() == 6
    monkeypatch.setenv("MPI_LOCALNRANKS", "4")
    assert threads.default_threads() == 1
    monkeypatch.setenv("MPI_LOCALNRANKS", "2")
    assert threads.default_threads() == 3
