"""The machine code of maps: stored values to prepared samples, and equal samples found."""

from __future__ import annotations

from typing import Any

from bridges.machine.compiled import compiled

EMPTY = -1


@compiled
def look_up(
    stored: Any, visible: Any, tables: Any, unknown: float, first: int, Z: Any, places: Any
) -> int:
    """Prepare the valid pixels of a stretch; return how many there are.

    Parameters
    ----------
    stored : ndarray of shape (d, n), uint8 or uint16
        Stored values, those with a sign by their bits.
    visible : ndarray of shape (n,), bool
        False where a mask hides the pixel.
    tables : ndarray of shape (d, number of possible values)
        What each stored value becomes, ``unknown`` where it means nothing.
    unknown : float
        Larger than any prepared value.
    first : int
        Where the stretch of at most len(Z) pixels begins.
    Z : ndarray of shape (m, d)
        Prepared samples, written to.
    places : ndarray of shape (m,), int64
        Pixel of each prepared sample, written to.
    """
    count = 0
    for p in range(first, min(first + len(Z), stored.shape[1])):
        valid = visible[p]
        for j in range(len(stored)):
            value = tables[j, stored[j, p]]
            Z[count, j] = value
            valid &= value < unknown
        places[count] = p
        count += valid
    return count


@compiled
def find_equal(bits: Any, table: Any, first: Any, same: Any) -> int:
    """Find equal rows; return the number of distinct ones.

    Parameters
    ----------
    bits : ndarray of shape (n, d), int32 or int64
        Rows, by their bits.
    table : ndarray of shape (2**k,), int64
        Room for more than n numbers, all EMPTY.
    first : ndarray of shape (n,), int64
        The first row of each distinct one, written to.
    same : ndarray of shape (n,), int64
        Which distinct row each row is, written to.
    """
    count, mask = 0, len(table) - 1
    for p in range(len(bits)):
        h = 1469598103934665603  # FNV-1a over the numbers, folded: high bits decide as well
        for j in range(bits.shape[1]):
            h = (h ^ bits[p, j]) * 1099511628211
        slot = (h ^ (h >> 32)) & mask
        while True:
            entry = table[slot]
            if entry == EMPTY:
                table[slot] = count
                first[count] = p
                same[p] = count
                count += 1
                break
            equal = True
            for j in range(bits.shape[1]):
                equal &= bits[first[entry], j] == bits[p, j]
            if equal:
                same[p] = entry
                break
            slot = (slot + 1) & mask
    return count
