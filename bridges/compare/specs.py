"""What is compared: classifiers by name with parameters, data sets by path, and how."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from bridges import registry
from bridges.errors import UsageError
from bridges.run.load import DataSpec as DataSpec

WORDS = {"true": True, "false": False, "none": None}
CLASSIFIER_HINT = 'Write NAME or NAME:KEY=VALUE,KEY=VALUE, for example "mpi-svc:C=16,gamma=1".'


@dataclasses.dataclass(frozen=True)
class ClassifierSpec:
    """A registered classifier with parameters.

    Attributes
    ----------
    label : str
        What it is called in tables, unique in a comparison.
    name : str
        Registered name.
    params : mapping
        Constructor parameters.
    """

    label: str
    name: str
    params: Mapping[str, Any]

    def make(self) -> Any:
        """Return the unfitted estimator."""
        return registry.make(self.name, **self.params)

    def with_param(self, key: str, value: Any) -> ClassifierSpec:
        """Return the same classifier with one parameter changed."""
        return dataclasses.replace(self, params={**self.params, key: value})


@dataclasses.dataclass(frozen=True)
class Settings:
    """A whole comparison.

    Attributes
    ----------
    classifiers, data : tuple
        What is compared on what.
    scale : {"standard", "minmax", "none"}
        Scaling of the features, fitted on the training pixels of each fold.
    repeats : int
        Repeated splits of each data set (a fixed split has one).
    seeds : int
        Training seeds per fold.
    seed : int
        First seed, and the seed of the splits.
    test_size : float
        Share of the test pixels.
    train_limit : int or None
        Upper bound on training pixels, drawn stratified.
    score : str
        Score that decides.
    level : float
        Significance level.
    rope : float
        Difference of scores that makes no difference in practice.
    curves : mapping of str to tuple
        Parameter (or ``train``, ``ranks``) and its values.
    maps : bool
        Whether scenes are mapped by every classifier of the first fold.
    jobs : int or None
        Most threads of a process; None for all cores.
    """

    classifiers: tuple[ClassifierSpec, ...]
    data: tuple[DataSpec, ...]
    scale: str = "standard"
    repeats: int = 10
    seeds: int = 1
    seed: int = 0
    test_size: float = 0.5
    train_limit: int | None = None
    score: str = "accuracy"
    level: float = 0.05
    rope: float = 0.01
    curves: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    maps: bool = True
    jobs: int | None = None


def parse_value(text: str) -> Any:
    """Return a Python literal, ``true``/``false``/``none``, or the text itself."""
    text = text.strip()
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def split_outside_brackets(text: str, separator: str = ",") -> list[str]:
    """Split at separators that are not inside brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append("")
            continue
        parts[-1] += character
    return parts


def parse_classifier(text: str) -> ClassifierSpec:
    """Return the classifier that ``NAME:KEY=VALUE,KEY=VALUE`` describes.

    Raises
    ------
    UsageError
        If the text is not of that form, names a key twice or an unknown classifier.

    Examples
    --------
    >>> dict(parse_classifier("mpi-svc:C=16,gamma=scale").params)
    {'C': 16, 'gamma': 'scale'}
    """
    name, colon, rest = text.strip().partition(":")
    params: dict[str, Any] = {}
    for part in split_outside_brackets(rest) if colon else []:
        key, equals, value = part.partition("=")
        key = key.strip()
        if not (equals and key.isidentifier() and value.strip()):
            raise UsageError(f"Cannot read '{part}' in the classifier '{text}'.", CLASSIFIER_HINT)
        if key in params:
            raise UsageError(f"'{key}' is given twice in '{text}'.", "Keep one of them.")
        params[key] = parse_value(value)
    return checked(ClassifierSpec(text.strip(), name, params))


def checked(spec: ClassifierSpec) -> ClassifierSpec:
    """Return the classifier if its name is registered, else raise UsageError."""
    if spec.name not in registry.names():
        registry.load(spec.name)  # raises with the nearest names
    return spec


def parse_curve(text: str) -> tuple[str, tuple[Any, ...]]:
    """Return name and values of ``NAME=VALUE,VALUE``.

    Raises
    ------
    UsageError
        If the text is not of that form.
    """
    name, equals, rest = text.partition("=")
    values = tuple(parse_value(part) for part in split_outside_brackets(rest) if part.strip())
    if name.strip() == "ranks" and not equals:
        return "ranks", ()
    if not (equals and name.strip() and values):
        raise UsageError(
            f"Cannot read the curve '{text}'.",
            "Write NAME=VALUE,VALUE, for example train=100,200,400 or members=4,8,16; or ranks.",
        )
    return name.strip(), values


def unique(kind: str, names: Sequence[str]) -> None:
    """Raise UsageError if two things compared have one name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"Two {kind} are called '{twice[0]}'.",
            "Leave one out, or give them different labels in a --config file.",
        )
