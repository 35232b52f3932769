"""``model_card.md``: what a model is, what it learnt from, how good it is, and where it is not.

The headings are those of M. Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridges.machine.digest import array_digest

if TYPE_CHECKING:
    from bridges.run.load import Inputs

SCORES = {
    "accuracy": "overall accuracy",
    "balanced_accuracy": "average accuracy",
    "kappa": "kappa",
    "macro_f1": "macro F1",
    "auroc": "AUROC",
}

WEAK = 0.5
"""F1 below which a class is named."""


def model_card(model: Any, inputs: Inputs, metrics: Mapping[str, Any], versions: Any) -> str:
    """Return the card as Markdown.

    Parameters
    ----------
    model : classifier
        Fitted.
    inputs : Inputs
        Data and split.
    metrics : mapping
        ``metrics.json``.
    versions : mapping of str to str
        Of Python and packages.
    """
    parts = [
        *_details(model, inputs, versions),
        *_data(inputs, metrics),
        *_scores(metrics),
        *_probabilities(metrics),
        *_limits(inputs, metrics),
    ]
    return "\n".join(parts) + "\n"


def _details(model: Any, inputs: Inputs, versions: Mapping[str, str]) -> list[str]:
    known = {
        name: value
        for name, value in sorted(model.get_params(deep=False).items())
        if isinstance(value, bool | int | float | str) or value is None
    }
    told = ", ".join(f"{name} = {value!r}" for name, value in known.items())
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        "# Model card",
        "",
        "## Model",
        "",
        f"- Classifier: `{type(model).__name__}`; {told}",
        f"- Features: {', '.join(inputs.data.feature_names)}",
        f"- Classes: {', '.join(inputs.data.class_names.values())}",
        f"- Software: {software or platform.python_version()}",
        "",
    ]


def _data(inputs: Inputs, metrics: Mapping[str, Any]) -> list[str]:
    X, y = inputs.train
    digest = array_digest((X.shape, X.dtype.str, y.dtype.str), [X, y])
    counted = [f"{name} {int((y == code).sum())}" for code, name in inputs.data.class_names.items()]
    lines = [
        "## Training and test data",
        "",
        f"- Source: {inputs.data.source or 'not named'}",
        f"- Training samples: {metrics['n_train']} ({', '.join(counted)}); SHA-256 `{digest}`",
        f"- Test samples: {metrics['n_test']}; split: {inputs.split.note}",
        f"- Labelled samples without values: {metrics['n_masked']}",
    ]
    if inputs.scene is not None:
        lines.append(f"- Image: {inputs.scene.path.name} {inputs.scene.acquired}".rstrip())
        lines += [f"- Licence of the image: {inputs.scene.licence}"] * bool(inputs.scene.licence)
    return [*lines, *(f"- {note}" for note in metrics["notes"]), ""]


def _scores(metrics: Mapping[str, Any]) -> list[str]:
    heads = [name for name in SCORES if metrics.get(name) is not None]
    rows = {"this model": metrics} | metrics["controls"]
    table = [
        f"| {who} | " + " | ".join(f"{of[name]:.3f}" for name in heads) + " |"
        for who, of in rows.items()
        if all(of.get(name) is not None for name in heads)
    ]
    controls = "Rows below the first are null controls: what is left without the annealer's work."
    return [
        "## How good it is",
        "",
        f"These scores answer: {metrics['split_question']}",
        "",
        "| | " + " | ".join(SCORES[name] for name in heads) + " |",
        "|---" * (len(heads) + 1) + "|",
        *table,
        "",
        *([controls, ""] if metrics["controls"] else []),
    ]


def _probabilities(metrics: Mapping[str, Any]) -> list[str]:
    found = metrics["calibration"]
    if found is None:
        return ["## Probabilities", "", "None: the model was not calibrated.", ""]
    return [
        "## Probabilities",
        "",
        f"- Calibration: {found['method']}, learnt on {found['learnt_on']}",
        f"- On the test samples: expected calibration error {found['ece']:.3f}, Brier score "
        f"{found['brier']:.3f}, log loss {found['log_loss']:.3f}",
        "",
    ]


def _limits(inputs: Inputs, metrics: Mapping[str, Any]) -> list[str]:
    lines = ["## Limits", ""]
    drawn = metrics.get("map")
    if drawn is not None and "inside_aoa" in drawn:
        lines.append(
            f"- {drawn['inside_aoa']:.1%} of its map lie inside the area of applicability "
            f"(dissimilarity at most {drawn['aoa_threshold']:.3g}); elsewhere scores say nothing."
        )
    else:
        lines.append("- Where it may be believed was not asked (`--layers confidence`).")
    weak = [of["name"] for of in metrics["classes"] if of["support"] and of["f1"] < WEAK]
    if weak:
        lines.append(f"- Classes of which it gets much wrong (F1 below {WEAK}): {', '.join(weak)}.")
    missing = [of["name"] for of in metrics["classes"] if not of["support"]]
    if missing:
        lines.append(f"- Classes that were not tested: {', '.join(missing)}.")
    if inputs.split.kind == "random" and inputs.scene is not None:
        lines.append(
            "- Test pixels have neighbours among the training pixels: elsewhere it is worse."
        )
    return [*lines, "- Pixels counted by class are no area estimate: `annealsvm assess` makes one."]
