"""The digest of arrays is what it says: printable part first, then bytes row by row."""

import hashlib

import numpy as np

from bridges.machine.digest import array_digest


def test_it_is_the_hash_of_the_label_and_the_bytes():
    table = np.arange(6.0).reshape(2, 3)
    whole = repr(("name", 3)).encode() + table.tobytes() + np.array([7]).tobytes()
    assert array_digest(("name", 3), [table, np.array([7])]) == hashlib.sha256(whole).hexdigest()


def test_the_layout_in_memory_does_not_matter_but_order_and_label_do():
    table = np.arange(6.0).reshape(2, 3)
    assert array_digest("a", [np.asfortranarray(table)]) == array_digest("a", [table])
    assert array_digest("a", [table.T]) != array_digest("a", [table])
    assert array_digest("b", [table]) != array_digest("a", [table])
