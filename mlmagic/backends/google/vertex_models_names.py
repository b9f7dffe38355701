"""What our models, their versions and aliases are called in Vertex AI's registry."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from mlmagic.backends.google.names import label_value

MODEL_LABEL = "mlmagic-model"
_OURS = "mlmagic-v"
_DEFAULT = "default"
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9-]", re.ASCII)
_LONGEST_ID = 63


def model_id(workspace: str, model: str) -> str:
    """Return the id of a model: the same for all processes of a workspace, and of no other workspace.

    Args:
        workspace: its label, see `workspace_label`.
        model: its name here.
    """
    plain = label_value(model)
    beginning = f"mlmagic-{workspace}-"
    return f"{beginning}{plain if len(beginning + plain) <= _LONGEST_ID else label_value(model + ' ' * 64)[-16:]}"


def version_alias(number: int) -> str:
    """Return the alias that tells our version of that number."""
    return f"{_OURS}{number}"


def can_be_alias(alias: str) -> bool:
    """Say whether Vertex AI takes an alias of ours, and it is none that we need ourselves."""
    return _ALIAS.fullmatch(alias) is not None and not alias.startswith(_OURS)


def alias_changes(there: Collection[str], number: int, here: Mapping[str, int]) -> list[str]:
    """Return what is to be changed for a version that has those aliases there; a `-` before one takes it away.

    Args:
        there: the version's aliases at Vertex AI.
        number: the version.
        here: all aliases of the model on this machine.
    """
    wanted = {alias for alias, target in here.items() if target == number and can_be_alias(alias)}
    # The default cannot be taken away: it is given to another.
    gone = {alias for alias in there if can_be_alias(alias) and alias != _DEFAULT and here.get(alias) != number}
    return [*sorted(wanted - set(there)), *(f"-{alias}" for alias in sorted(gone))]
