"""What is found by name: options refused for what they are, defects left alone."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from importlib import metadata

import pytest

from bridges import registry
from bridges.errors import UsageError


class Strict:
    """A sampler whose constructor has a defect."""

    def __init__(self, *, num_reads: int = 10, beta: tuple[float, float] | None = None) -> None:
        len(num_reads - num_reads)  # a defect: integers have no length


@pytest.fixture
def announced(monkeypatch):
    """Announce this module's classes as samplers."""

    def points(group):
        value = f"{__name__}:Strict"
        return [metadata.EntryPoint("strict", value, group)]

    monkeypatch.setattr(registry.metadata, "entry_points", points)
    monkeypatch.setattr(registry, "load", lambda name, group: {"strict": Strict}[name])


@pytest.mark.usefixtures("announced")
def test_a_defect_of_a_constructor_is_not_blamed_on_the_options():
    with pytest.raises(TypeError, match="no len"):
        registry.make_sampler("strict", num_reads=3)


@pytest.mark.usefixtures("announced")
@pytest.mark.parametrize(
    "options", [{"num_reads": "3"}, {"num_reads": True}, {"beta": 1.0}, {"beta": (1.0, "x")}]
)
def test_an_option_of_the_wrong_type_is_refused(options):
    with pytest.raises(UsageError, match="'strict' cannot take") as caught:
        registry.make_sampler("strict", **options)
    assert next(iter(options)) in caught.value.hint


@pytest.mark.usefixtures("announced")
def test_a_sampler_that_does_not_describe_itself_is_listed_all_the_same():
    assert "does not describe itself" in registry.sampler_table()


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, float, True),
        (True, int, False),
        (2.5, int, False),
        (None, int | None, True),
        ("a", typing.Literal["a", "b"], True),
        ("c", typing.Literal["a", "b"], False),
        ([[0, 1.0], [2, 0.5]], Sequence[Sequence[float]], True),
        ("text", Sequence[str], False),
        ((1, 2, 3), tuple[int, int], False),
        ((1, 2, 3), tuple[int, ...], True),
        (object(), typing.Any, True),
        (object(), Strict, True),
        (1, bool, False),
    ],
)
def test_plain_values_fit_their_types(value, hint, expected):
    assert registry.fits(value, hint) is expected
