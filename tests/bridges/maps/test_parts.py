"""Finished windows on disk: found again, and only if they are whole."""

from __future__ import annotations

import pytest

from bridges.maps.parts import RECORD, PartFile, discard, finished, folder_of


def kept(place):
    with place.path.open("rb") as file:
        file.seek(place.start)
        return file.read(place.about["n"])


@pytest.fixture
def folder(tmp_path):
    found = folder_of(tmp_path / "map.tif")
    found.mkdir()
    return found


def test_windows_of_several_processes_are_found(folder):
    for number, words in ((3, [b"ab", b"c"]), (1, [b"xyz"])):
        part = PartFile(folder, "key")
        place = part.add(number, {"n": 3}, words)
        part.close()
        assert kept(place) == b"".join(words)
    found = finished(folder, "key")
    assert {number: kept(place) for number, place in found.items()} == {1: b"xyz", 3: b"abc"}
    assert finished(folder, "other") == {}
    discard(folder)
    assert not folder.exists()


@pytest.mark.parametrize("lost", [1, 5, RECORD.size + 3])
def test_a_record_that_was_cut_off_is_not_there(folder, lost):
    part = PartFile(folder, "key")
    for number in range(3):
        part.add(number, {"n": 2}, [b"ab"])
    part.close()
    data = part.path.read_bytes()
    part.path.write_bytes(data[:-lost])
    assert list(finished(folder, "key")) == [0, 1]


def test_a_damaged_record_ends_its_file(folder):
    part = PartFile(folder, "key")
    places = [part.add(number, {"n": 2}, [b"ab"]) for number in range(3)]
    part.close()
    data = bytearray(part.path.read_bytes())
    data[places[1].start] ^= 1
    part.path.write_bytes(data)
    assert list(finished(folder, "key")) == [0]
    part.path.write_bytes(b"x" * 100)
    assert finished(folder, "key") == {}
