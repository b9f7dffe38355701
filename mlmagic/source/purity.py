"""The table of what may be run again in a package: calls that neither touch the world nor draw lots.

Printing is no harm: what a needed statement prints, it prints again in the job's log. Questions about the machine, as
`torch.cuda.is_available()`, are asked again, since the job's machine may be another one.

A dotted name counts by its longest prefix in the two tables: `numpy` is pure, `numpy.random` is not. Names are those of
the defining module, so `np.array`, `from numpy import array` and `import numpy.ma as ma` all find their row.
"""

from __future__ import annotations

import builtins

PURE_BUILTINS = frozenset(
    """
    abs all any bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float format
    frozenset getattr hasattr hex int isinstance issubclass iter len list map max memoryview min next object oct ord pow
    print property range repr reversed round set setattr slice sorted staticmethod str sum super tuple type zip
    ArithmeticError AssertionError AttributeError BaseException Exception FileNotFoundError ImportError IndexError
    KeyError LookupError ModuleNotFoundError NameError NotImplementedError OSError OverflowError RuntimeError
    StopIteration TypeError ValueError ZeroDivisionError
    """.split()  # noqa: SIM905 - a list of words is read as words
)

PURE = frozenset(
    """
    __future__ abc ast.literal_eval base64 binascii bisect calendar cmath collections colorsys contextlib copy
    dataclasses datetime decimal difflib enum fractions functools graphlib hashlib heapq html ipaddress itertools
    json.JSONDecoder json.JSONEncoder json.dumps json.loads logging.Formatter logging.NullHandler logging.StreamHandler
    logging.critical logging.debug logging.error logging.getLogger logging.info logging.warning math numbers operator
    os.fspath os.path.basename os.path.commonpath os.path.commonprefix os.path.dirname os.path.isabs os.path.join
    os.cpu_count os.path.normpath os.path.split os.path.splitext platform
    pathlib.Path pathlib.PurePath pathlib.PosixPath pathlib.PurePosixPath pathlib.WindowsPath pathlib.PureWindowsPath
    re statistics string struct textwrap threading.Event threading.Lock threading.RLock threading.local types typing
    typing_extensions unicodedata urllib.parse uuid.UUID weakref zlib.crc32 zoneinfo argparse.ArgumentParser
    argparse.Namespace tqdm.tqdm tqdm.trange tqdm.auto tqdm.autonotebook tqdm.notebook

    numpy scipy.constants scipy.linalg scipy.signal scipy.spatial.distance scipy.special
    pandas.Categorical pandas.CategoricalDtype pandas.DataFrame pandas.DateOffset pandas.Index pandas.Interval
    pandas.IntervalIndex pandas.MultiIndex pandas.Period pandas.Series pandas.Timedelta pandas.Timestamp
    pandas.api.types
    pandas.bdate_range pandas.concat pandas.cut pandas.date_range pandas.get_dummies pandas.isna pandas.isnull
    pandas.interval_range pandas.merge pandas.notna pandas.notnull pandas.offsets pandas.period_range pandas.qcut
    pandas.NamedAgg pandas.timedelta_range pandas.to_datetime pandas.to_numeric pandas.to_timedelta pandas.tseries

    keras.Input keras.KerasTensor keras.InputSpec keras.activations keras.backend.backend keras.backend.epsilon
    keras.backend.floatx keras.backend.image_data_format keras.config.backend keras.config.epsilon keras.config.floatx
    keras.config.image_data_format
    keras.callbacks keras.constraints keras.dtype_policies keras.initializers keras.layers keras.losses keras.metrics
    keras.Model keras.Sequential keras.models.Model keras.models.Sequential
    keras.ops keras.optimizers keras.preprocessing.text.Tokenizer keras.quantizers keras.regularizers
    keras.saving.register_keras_serializable
    keras.utils.register_keras_serializable keras.utils.to_categorical
    tensorflow.DType tensorflow.GradientTape tensorflow.RaggedTensorSpec tensorflow.SparseTensorSpec tensorflow.Tensor
    tensorflow.TensorShape tensorflow.TensorSpec tensorflow.Variable tensorflow.as_dtype tensorflow.cast
    tensorflow.concat tensorflow.constant tensorflow.convert_to_tensor tensorflow.dtypes tensorflow.expand_dims
    tensorflow.eye tensorflow.feature_column tensorflow.fill tensorflow.function tensorflow.io.FixedLenFeature
    tensorflow.io.FixedLenSequenceFeature tensorflow.io.RaggedFeature tensorflow.io.SparseFeature
    tensorflow.io.VarLenFeature tensorflow.linspace tensorflow.math tensorflow.nn tensorflow.ones tensorflow.range
    tensorflow.reshape tensorflow.sqrt tensorflow.stack tensorflow.zeros tensorflow.one_hot
    tensorflow.config.list_logical_devices tensorflow.config.list_physical_devices tensorflow.device
    tensorflow.distribute.MirroredStrategy tensorflow.distribute.OneDeviceStrategy tensorflow.distribute.get_strategy
    tensorflow.test.gpu_device_name tensorflow.test.is_gpu_available
    torch.backends.mps.is_available torch.cuda.device_count torch.cuda.is_available
    torch.Size torch.Tensor torch.arange torch.as_tensor torch.device torch.eye torch.linspace torch.ones torch.tensor
    torch.zeros
    sklearn.compose.make_column_selector sklearn.compose.make_column_transformer sklearn.metrics
    sklearn.pipeline.make_pipeline sklearn.pipeline.make_union sklearn.base.clone attr attrs pydantic sympy
    """.split()  # noqa: SIM905
)

IMPURE = frozenset(
    """
    datetime.date.today datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow
    contextlib.redirect_stderr contextlib.redirect_stdout contextlib.chdir
    pathlib.Path.cwd pathlib.Path.home uuid.uuid1 uuid.uuid4 typing.reveal_type statistics.NormalDist.samples
    numpy.DataSource numpy.fromfile numpy.genfromtxt numpy.lib.npyio numpy.load numpy.loadtxt numpy.memmap numpy.random
    numpy.save numpy.savetxt numpy.savez numpy.savez_compressed numpy.testing numpy.info numpy.show_config numpy.empty
    numpy.empty_like numpy.ctypeslib numpy.f2py numpy.test
    catboost.Pool keras.layers.TFSMLayer lightgbm.Dataset xgboost.Booster xgboost.DMatrix xgboost.QuantileDMatrix
    tensorflow.nn.dropout tensorflow.nn.experimental
    """.split()  # noqa: SIM905
)

CONSTRUCTORS = frozenset(
    """
    catboost lightgbm nltk.stem optuna.pruners optuna.samplers sklearn torch.nn torch.optim xgboost
    """.split()  # noqa: SIM905
)
"""Packages of which only the classes are pure to call: `sklearn.svm.SVC()`, not `sklearn.datasets.load_iris()`."""

SAME_MODULE = (
    ("tensorflow.keras", "keras"),
    ("tensorflow.compat.v2", "tensorflow"),
    ("tensorflow.experimental.numpy", "numpy"),
    ("tf_keras", "keras"),
    ("posixpath", "os.path"),
)

CHANGES_FIRST_ARGUMENT = frozenset(
    """
    next setattr delattr random.shuffle heapq.heapify heapq.heappop heapq.heappush heapq.heappushpop heapq.heapreplace
    bisect.insort bisect.insort_left bisect.insort_right operator.setitem operator.delitem operator.iadd
    operator.iconcat
    numpy.copyto numpy.fill_diagonal numpy.place numpy.put numpy.putmask numpy.random.shuffle
    functools.update_wrapper
    """.split()  # noqa: SIM905
)

CHANGES_ITSELF = frozenset(
    """
    add add_argument add_module add_weight adapt append appendleft build clear compile discard difference_update extend
    extendleft fit fit_on_texts fit_transform insert intersection_update load_state_dict load_weights move_to_end
    partial_fit pop popitem popleft remove reverse rotate set_params set_weights setdefault setflags setLevel sort
    subtract symmetric_difference_update update addHandler addFilter assign assign_add assign_sub cache_clear register
    """.split()  # noqa: SIM905
)
"""Methods that change the object they are called on."""

LEARNS = frozenset({"adapt", "fit", "fit_on_texts", "fit_transform", "load_weights", "partial_fit"})
"""Those of them that learn, or read files."""

CHANGES_ARE_PURE = CHANGES_ITSELF - LEARNS
"""Those that do the same again when they run again."""

CHANGES_ONLY_ITSELF = LEARNS | {"build", "compile", "set_weights"}
"""Those that leave the plain data alone that the object was made of, such as a list of layer sizes."""

SEEDED = frozenset(
    {"keras.random.SeedGenerator", "numpy.random.RandomState", "numpy.random.default_rng", "random.Random"}
)
"""Generators of lots that are pure if they are given a seed."""

ONLY_SHOWS = frozenset(
    """
    describe draw evaluate exists hist imshow info iterdir glob log debug warning error critical exception mkdir open
    predict predict_proba read_bytes read_text rglob score stat summary touch transform unlink visualize write
    write_bytes
    write_text
    """.split()  # noqa: SIM905
)
"""Methods that people call to see or to write something: neither copied, nor a change of the object."""

RUNS_ARGUMENTS = frozenset(
    """
    accumulate agg aggregate apply apply_along_axis dropwhile filter filterfalse from_iterable fromfunction groupby map
    max min pipe reduce sort sorted starmap sub takewhile transform vectorize
    """.split()  # noqa: SIM905
)
"""Functions and methods that call the functions they are given."""

PURE_METHODS = frozenset(
    """
    as_integer_ratio bit_count bit_length capitalize casefold center conjugate copy count decode encode endswith
    expandtabs find format format_map from_bytes fromhex fromkeys get group groupdict groups hex index is_integer
    isalnum isalpha isascii isdecimal isdigit isdisjoint isidentifier islower isnumeric isprintable isspace issubset
    issuperset istitle isupper items join keys ljust lower lstrip maketrans partition removeprefix removesuffix replace
    rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title to_bytes translate
    upper values zfill difference intersection symmetric_difference union most_common elements total
    finditer findall fullmatch match search span sub subn
    as_posix is_absolute is_relative_to joinpath match relative_to with_name with_stem with_suffix
    astimezone ctime date fromisoformat fromordinal fromtimestamp isocalendar isoformat isoweekday strftime strptime
    time timestamp timetuple toordinal total_seconds tzname utcoffset weekday
    all any argmax argmin argsort astype clip cumprod cumsum diagonal dot flatten max mean min nonzero prod ravel repeat
    reshape round searchsorted squeeze std sum swapaxes take tobytes tolist transpose var view numpy item eq ne lt gt
    abs add_prefix add_suffix agg aggregate apply assign_columns at between bfill corr describe diff div divide drop
    drop_duplicates dropna explode ffill fillna groupby head idxmax idxmin isin isna isnull iterrows itertuples map
    median melt merge mul nlargest notna notnull nsmallest nunique pct_change pivot pivot_table quantile rank rename
    reset_index rolling select_dtypes set_index shift sort_index sort_values stack sub tail to_dict to_frame to_list
    to_numpy unique unstack value_counts where
    as_list as_tuple cast from_config get_config get_layer get_params get_weights infer_objects
    is_compatible_with named_parameters parameters set_shape
    with_traceback mro debug_string
    cache_info cache_parameters critical debug error getChild info warning getEffectiveLevel isEnabledFor
    __init__ __init_subclass__ __new__ __post_init__ __setattr__ __getattribute__ __set_name__ __class_getitem__
    __contains__ __eq__ __getitem__ __hash__ __iter__ __len__ __lt__ __repr__ __str__ __call__
    """.split()  # noqa: SIM905
)
"""Methods that only answer, whatever they are called on: no reading, writing, printing or training is called so."""

GIVES_PARTS = frozenset(
    "get get_layer pop popitem popleft setdefault diagonal ravel reshape squeeze swapaxes transpose view".split()  # noqa: SIM905
)
"""Methods whose result is a part of the object they are called on, or a view of it."""

PATH_METHODS = frozenset(
    """
    as_posix as_uri is_absolute is_relative_to joinpath match relative_to with_name with_segments with_stem with_suffix
    """.split()  # noqa: SIM905
)
"""All that may be called on a `pathlib` path: its `replace` moves a file."""

FRESH_BUILTINS = frozenset({"dict", "frozenset", "list", "set", "sorted", "tuple", "reversed", "copy.copy"})
"""They return a new container that has its elements in common with the argument."""

PLAIN_BUILTINS = frozenset(
    """
    abs all any bin bool bytes callable chr complex divmod float format hasattr hex int isinstance issubclass len
    oct ord
    pow range repr round str sum copy.deepcopy
    """.split()  # noqa: SIM905
)
"""They return a value that has nothing in common with the argument."""

MAKES_CALLABLES = frozenset(
    """
    collections.namedtuple dataclasses.make_dataclass enum.Enum enum.IntEnum enum.StrEnum functools.partial
    operator.attrgetter operator.itemgetter operator.methodcaller typing.NamedTuple typing.NewType typing.TypedDict
    """.split()  # noqa: SIM905
)
"""What they return may be called again; functions given to them are weighed then."""

IMMUTABLE = ("datetime.", "decimal.", "fractions.", "math.", "os.path.", "pathlib.", "re.", "uuid.", "zoneinfo.")
"""Modules whose functions and classes make values that cannot change."""

MODULE_NAMES = frozenset(dir(builtins)) | {"__file__", "__builtins__", "__class__", "__annotations__", "__path__"}
"""Names that every module has."""

IPYTHON_NAMES = frozenset(
    {"display", "exit", "get_ipython", "quit", "In", "Out", "_", "__", "___", "_dh", "_ih", "_oh"}
)
"""Names that IPython puts into the kernel's namespace."""


def canonical(name: str) -> str:
    """Return the dotted name under which the tables list it."""
    for alias, real in SAME_MODULE:
        if name == alias or name.startswith(alias + "."):
            return real + name[len(alias) :]
    return name


def is_pure(name: str) -> bool:
    """Say whether calling a dotted name, such as `numpy.array`, may be run again in a package."""
    name = canonical(name)
    prefix = name
    while prefix:
        if prefix in IMPURE:
            return False
        if prefix in PURE:
            return True
        if prefix in CONSTRUCTORS:
            return name.rpartition(".")[2][:1].isupper()
        prefix = prefix.rpartition(".")[0]
    return False
