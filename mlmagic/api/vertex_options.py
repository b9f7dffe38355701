"""What a training call asks of Vertex AI alone."""

from __future__ import annotations

from mlmagic.errors import UsageError
from mlmagic.spec.vertex import VertexOptions, option_problems


def read_vertex_options(options: VertexOptions, backend: str) -> VertexOptions:
    """Return the options of a job on that backend.

    Raises:
        UsageError: some cannot be right, or it is none that has them.
    """
    from mlmagic.backends.registry import CLOUD

    wrong = [
        f"{name} must be a text, not {type(value).__name__} {value!r:.60}"
        for name in ("service_account", "network", "image", "persistent_resource")
        if (value := getattr(options, name)) is not None and not isinstance(value, str)
    ]
    if problems := wrong or list(option_problems(options)):
        raise UsageError(f"{'; '.join(problems)}.")
    if options.flags and backend not in CLOUD:
        are = "is" if len(options.flags) == 1 else "are"
        raise UsageError(
            f"{', '.join(options.flags)} {are} for jobs on Vertex AI, and this one would run on {backend!r}.",
            hint="Run it there: --backend google, or `%mlmagic use google` for all that follows.",
        )
    return options
