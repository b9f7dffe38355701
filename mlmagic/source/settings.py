"""Statements that set up a library for the whole process, and which of them a package needs to do as the kernel did.

- Seeds, dtypes, policies, backends, options, log levels (`np.random.seed(0)`, `keras.config.set_floatx("float16")`) are
  copied where the package imports the library, or one that reads the setting.
- Variables of the environment that libraries read, to judge by the name (`os.environ["KERAS_BACKEND"] = "jax"`), where
  it imports a library; all others, such as projects and keys, where its own code reads the environment.
- The interpreter's recursion limit and locale always.
- `sys.path`, filters of warnings, styles of plots where it imports the module itself.

A setting stays where it ran: before the import that reads it if the kernel had it so. Since the modules that a notebook
finds through `sys.path` are packed with the trainer, the path is not needed to find them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator

_ADDS = frozenset({"append", "extend", "insert", "setdefault", "update", "use"})
"""Methods of what a module holds: `sys.path.append("src")`, `plt.style.use("ggplot")`."""

_SETS = frozenset(
    """
    basicConfig disable_eager_execution disable_interactive_logging disable_traceback_filtering disable_v2_behavior
    enable_debug_mode enable_eager_execution enable_interactive_logging enable_numpy_behavior enable_op_determinism
    enable_traceback_filtering enable_unsafe_deserialization enable_v2_behavior filterwarnings manual_seed
    manual_seed_all run_functions_eagerly seed set_backend set_default_device set_default_dtype set_dtype_policy
    set_epsilon set_float32_matmul_precision set_floatx set_global_policy set_image_data_format
    set_inter_op_parallelism_threads set_intra_op_parallelism_threads set_jit set_logger set_loglevel
    set_memory_growth set_num_threads set_option set_random_seed set_seed set_soft_device_placement
    set_style set_theme set_verbosity setLevel setlocale setrecursionlimit simplefilter use_deterministic_algorithms
    """.split()  # noqa: SIM905
)

_KERAS = ("keras", "tensorflow", "tf_keras")
_NUMPY = (
    *_KERAS,
    *("catboost", "gensim", "gym", "imblearn", "jax", "lightgbm", "numpy", "pandas", "scipy", "sklearn", "statsmodels"),
    *("torch", "xgboost"),
)
_READERS = {
    "keras": _KERAS,
    "tensorflow": _KERAS,
    "torch": ("accelerate", "fastai", "lightning", "pytorch_lightning", "torch", "transformers"),
    "numpy.random.seed": _NUMPY,
}
"""Libraries that read the settings of another, or one of its settings; names that begin so count."""

_LIBRARY_VARIABLES = re.compile(
    r"(AUTOGRAPH|CUBLAS|CUDA|GRPC|HF_DATASETS|HF_HOME|HF_HUB|JAX|KERAS|KMP|MKL|NCCL|NUMBA|NUMEXPR|OMP|OPENBLAS|PYTORCH|"
    r"SM_FRAMEWORK|TF|TFHUB|TOKENIZERS|TORCH|TRANSFORMERS|XLA)(_|$)"
)
_SECRET = re.compile(r"KEY|PASSW|SECRET|TOKEN$|CREDENTIAL")
_VARIABLE = re.compile(r"os\.environ\[(.*)\]", re.DOTALL)
_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "popen", "expandvars", "subprocess", "system"})


def settings_of_call(name: str, node: ast.expr, *, through_module: bool) -> Iterator[str]:
    """Yield what a call sets, if its function, by its dotted name, is one that sets up a module."""
    prefix, _, function = name.rpartition(".")
    if prefix == "os.environ" and function in ("setdefault", "update") and isinstance(node, ast.Call):
        yield from (f"os.environ[{key!r}]" for key in _variables(node))
    elif function in _SETS or (through_module and function in _ADDS):
        yield name


def _variables(node: ast.Call) -> list[str]:
    """Return the names of the variables; an ellipsis stands for those that only the program knows."""
    first = node.args[0] if node.args else None
    keys = first.keys if isinstance(first, ast.Dict) else [first]
    names = [str(key.value) if isinstance(key, ast.Constant) else "..." for key in keys if key is not None]
    return [*names, *(keyword.arg or "..." for keyword in node.keywords)]


def adds_up(setting: str) -> bool:
    """Say whether setting it twice is something else than setting it once."""
    return setting.rpartition(".")[2] in _ADDS


def only_variables(settings: Collection[str]) -> bool:
    """Say whether they are variables of the environment, and nothing else."""
    return bool(settings) and all(_VARIABLE.fullmatch(setting) for setting in settings)


def reads_environment(code: ast.AST) -> bool:
    """Say whether code names what reads the environment, otherwise than to set a variable."""
    named: list[ast.AST] = []
    sets: list[ast.AST] = []
    for node in ast.walk(code):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in _ENVIRONMENT:
                named.append(node)
            case ast.Subscript(value=value, ctx=ast.Store()) | ast.Attribute(value=value, attr="setdefault" | "update"):
                sets.append(value)
    return any(node not in sets for node in named)


def is_read_by(setting: str, modules: Collection[str]) -> bool:
    """Say whether a program that imports these top-level modules reads the setting."""
    owner = setting.partition(".")[0]
    libraries = any(module not in sys.stdlib_module_names for module in modules)
    if owner == "os":
        match = _VARIABLE.fullmatch(setting)
        variable = match[1].strip("'") if match else ""
        own = variable.partition("_")[0].lower() in modules
        return libraries and bool(own or _LIBRARY_VARIABLES.match(variable)) and not _SECRET.search(variable)
    if setting in ("sys.setrecursionlimit", "locale.setlocale"):
        return True
    if setting == "random.seed" and libraries:
        return True
    readers = _READERS.get(setting) or _READERS.get(owner, ())
    return owner in modules or any(module.startswith(readers) for module in modules if readers)
