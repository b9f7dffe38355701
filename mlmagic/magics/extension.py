"""What `%load_ext mlmagic` puts into a shell, and takes out again."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

from mlmagic.magics.asking import Asker
from mlmagic.magics.datasets import DATASETS, PlotDisplay, datasets
from mlmagic.magics.deploy import DEPLOY, deploy
from mlmagic.magics.endpoints import ENDPOINTS, endpoints
from mlmagic.magics.evaluate import EvaluationDisplay
from mlmagic.magics.grammar import parse
from mlmagic.magics.help import help_text
from mlmagic.magics.history import CellHistory
from mlmagic.magics.jobs import jobs
from mlmagic.magics.jobs_table import JOBS
from mlmagic.magics.live import LivePanels
from mlmagic.magics.live_endpoints import EndpointDisplay
from mlmagic.magics.mlmagic import MLMAGIC, mlmagic
from mlmagic.magics.models import models
from mlmagic.magics.models_table import MODELS
from mlmagic.magics.monitor import MONITOR, MonitoringDisplay, monitor
from mlmagic.magics.predict import PREDICT, predict
from mlmagic.magics.preprocess import PREPROCESS, preprocess
from mlmagic.magics.replaced import ReplacedMagics
from mlmagic.magics.tables import Magic, Parsed
from mlmagic.magics.tensorboard import TENSORBOARD, tensorboard
from mlmagic.magics.train import TRAIN, train
from mlmagic.magics.tune import tune
from mlmagic.magics.tune_table import TUNE

Run = Callable[["Extension", Parsed], Any]

_MAGICS: tuple[tuple[Magic, Run], ...] = (
    (MLMAGIC, mlmagic),
    (PREPROCESS, preprocess),
    (TRAIN, train),
    (TUNE, tune),
    (JOBS, jobs),
    (DATASETS, datasets),
    (MODELS, models),
    (DEPLOY, deploy),
    (ENDPOINTS, endpoints),
    (PREDICT, predict),
    (MONITOR, monitor),
    (TENSORBOARD, tensorboard),
)
_WITH_BODY = tuple(magic.name for magic, _ in _MAGICS if magic.command.body)


class Extension:
    """The magics of one shell, with what they share."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.history = CellHistory(shell)
        self.panels = LivePanels(shell)
        self._ask = Asker(shell)
        self._displays = (
            *(PlotDisplay(shell), EvaluationDisplay(shell), MonitoringDisplay(shell)),
            EndpointDisplay(shell, self.panels),
        )
        self._replaced = ReplacedMagics(shell)
        self.namespace: Mapping[str, Any] = shell.user_ns
        """Where the names on the line of the present magic are looked up."""

    def start(self) -> None:
        """Register magics and hooks."""
        for magic, run in _MAGICS:
            kind = "line_cell" if magic.command.body else "line"
            function = self._function(magic, run)
            self._replaced.note(magic.name, function)
            self.shell.register_magic_function(function, kind, magic.name)
        self.shell.input_transformers_cleanup.append(keep_empty_body)
        self.history.start()
        self.panels.start()
        for display in self._displays:
            display.start()
        self._attach()

    def stop(self) -> None:
        """Take out what `start` put in."""
        self._replaced.restore()
        self.shell.input_transformers_cleanup.remove(keep_empty_body)
        self.history.stop()
        self.panels.stop()
        for display in self._displays:
            display.stop()
        self._detach()

    def assign(self, name: str, value: object) -> None:
        """Set a variable of the notebook."""
        self.shell.push({name: value})

    def run(self, magic: Magic, run: Run, line: str, cell: str | None, local_ns: Mapping[str, Any] | None) -> Any:
        """Run a magic: read its line, do it, return what IPython is to display."""
        self.namespace = ChainMap(dict(local_ns or {}), self.shell.user_ns)
        parsed = parse(magic, line, cell, self.namespace)
        if parsed.wants_help:
            print(help_text(magic, parsed.subcommand, is_cell=cell is not None))  # noqa: T201 - what was asked for
            return None
        self._attach()
        return run(self, parsed)

    def _attach(self) -> None:
        # Anew for each magic: the session may have been replaced since.
        from mlmagic.session import current_session

        session = current_session()
        session.notebook, session.ask = self.history.context, self._ask

    def _detach(self) -> None:
        from mlmagic.session import current_session

        session = current_session()
        if session.notebook == self.history.context:
            session.notebook = session.ask = None

    def _function(self, magic: Magic, run: Run) -> Callable[..., Any]:
        from IPython.core.magic import needs_local_scope, no_var_expand

        def function(line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
            return self.run(magic, run, line, cell, local_ns)

        function.__name__ = function.__qualname__ = magic.name
        function.__doc__ = help_text(magic)
        # The grammar expands words itself, so that JSON on a line is safe and an unknown name is an error.
        decorated: Callable[..., Any] = needs_local_scope(no_var_expand(function))
        return decorated


def keep_empty_body(lines: list[str]) -> list[str]:
    """Give our cell magics a blank line for a body where there is none, for IPython would refuse to call them.

    The magic then says what belongs there, and `--help` works without a body.
    """
    words = lines[0].split(maxsplit=1) if lines and not "".join(lines[1:]).strip() else []
    if words and words[0] in {f"%%{name}" for name in _WITH_BODY}:
        return [lines[0].rstrip("\n") + "\n", "\n"]
    return lines


# So IPython leaves it out where it asks whether a cell is complete: in a terminal a blank line says that it is.
keep_empty_body.has_side_effects = True  # type: ignore[attr-defined]
