"""Copies of a process that has really imported TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fork_pool import Pool
from support.queued import Jobs

from mlmagic.backends.local.forkserver.servers import ForkServers, Started
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.workspace.runtime_folder import RuntimeFolder

DRAWS = """
import json, random, sys, uuid
import keras, numpy, tensorflow as tf
if sys.argv[1:]:
    keras.utils.set_random_seed(int(sys.argv[1]))
data = tf.data.Dataset.range(1000).shuffle(1000)
print(json.dumps({
    "python": random.random(),
    "numpy": numpy.random.rand(),
    "tensorflow": float(tf.random.normal([])),
    "stateful": float(tf.raw_ops.RandomUniform(shape=[1], dtype=tf.float32)[0]),
    "generator": float(tf.random.get_global_generator().normal([])),
    "initializer": float(keras.initializers.GlorotUniform()((2, 2))[0, 0]),
    "keras": float(keras.random.normal((1,))[0]),
    "layer": float(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).weights[0][0, 0]),
    "dropout": keras.layers.Dropout(0.5)(tf.ones([64]), training=True).numpy().tolist(),
    "shuffle": [int(item) for item in data.take(20)],
}))
"""

WORKS = """
import os, tempfile
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool
import keras, numpy, tensorflow as tf

# Only possible as long as TensorFlow's runtime has not begun.
tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                           [tf.config.LogicalDeviceConfiguration()] * 2)
x = numpy.random.rand(64, 3).astype("float32")

def rows():
    for row in x:
        yield row, row.sum()

signature = (tf.TensorSpec((3,), tf.float32), tf.TensorSpec((), tf.float32))
data = tf.data.Dataset.from_generator(rows, output_signature=signature)
data = data.map(lambda a, b: (a * 2.0, b), num_parallel_calls=tf.data.AUTOTUNE).shuffle(16).batch(8).prefetch(2)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(data, epochs=1, verbose=0)
folder = tempfile.mkdtemp()
model.save(f"{folder}/model.keras")
restored = keras.models.load_model(f"{folder}/model.keras")
model.export(f"{folder}/exported", verbose=False)
exported = tf.saved_model.load(f"{folder}/exported")
assert numpy.allclose(exported.serve(x), restored.predict(x, verbose=0), atol=1e-5)
assert ThreadPool(2).map(lambda i: float(tf.reduce_sum(tf.ones([i]))), range(3)) == [0.0, 1.0, 2.0]
lookup = keras.layers.StringLookup(vocabulary=["a", "b"])
assert lookup(tf.constant(["b", "z"])).numpy().tolist() == [2, 0]
server = tf.distribute.Server.create_local_server()
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
total = strategy.reduce("sum", strategy.run(lambda: tf.ones([])), axis=None)
print("total", float(total), server.target.startswith("grpc://"))
numpy.linalg.svd(numpy.random.rand(200, 200))
"""

GRAPH_ERROR = """
import tensorflow as tf

@tf.function
def read(a):
    return tf.strings.to_number(a)

print(read(tf.constant("two")))
"""


@pytest.fixture(scope="module")
def pool(jobs: Jobs, own_environment: None) -> Iterator[Pool]:
    servers = ForkServers(jobs.workspace, RuntimeFolder.make(jobs.workspace, os.environ), devices=Path("/nowhere"))
    yield Pool(jobs, servers)
    servers.close()


def draws(pool: Pool, record: JobRecord) -> dict[str, object]:
    assert record.state is JobState.SUCCEEDED, pool.log(record.id)
    (line,) = (line for line in pool.log(record.id).splitlines() if line.startswith("{"))
    return dict(json.loads(line))


def run_all(pool: Pool, sources: list[str], **fields: object) -> list[JobRecord]:
    """Run programs at once, as copies."""
    ids = [pool.start(source, **fields) for source in sources]
    records = [pool.end(job_id) for job_id in ids]
    outcomes = [pool.outcomes[job_id] for job_id in ids]
    assert all(isinstance(outcome, Started) and outcome.is_warm for outcome in outcomes), outcomes
    return records


def test_copies_draw_other_numbers(pool: Pool) -> None:
    first, second = (draws(pool, record) for record in run_all(pool, [DRAWS, DRAWS]))
    assert {name for name in first if first[name] == second[name]} == set()


@pytest.mark.slow
def test_with_a_seed_copies_draw_what_a_cold_start_draws(pool: Pool) -> None:
    cold = pool.start(DRAWS, args=("7",), fresh=True)
    (warm,) = run_all(pool, [DRAWS], args=("7",))
    found, expected = draws(pool, warm), draws(pool, pool.end(cold))
    for drawn in (found, expected):
        # They ask the system, not the seed.
        del drawn["generator"], drawn["stateful"]
    assert found == expected


def test_what_training_needs_works_in_copies_at_once(pool: Pool) -> None:
    records = run_all(pool, [WORKS] * 3)
    assert [record.state for record in records] == [JobState.SUCCEEDED] * 3, pool.log(records[0].id)
    assert "total 2.0 True" in pool.log(records[0].id)


def test_the_server_survives_all_ends_of_copies(pool: Pool) -> None:
    run_all(pool, ["print(1)\n"])
    (server,) = (server for server in pool.servers._servers() if server.is_warm)
    sources = [
        "import ctypes\nctypes.string_at(0)\n",
        "import os\nos.abort()\n",
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (4 << 30, -1))\nb = bytearray(8 << 30)\n",
    ]
    told = [record.error and record.error.message.partition(":")[0] for record in run_all(pool, sources)]
    assert told[:2] == ["the program was ended by SIGSEGV", "the program was ended by SIGABRT"]
    assert told[3] == "MemoryError"
    run_all(pool, ["import tensorflow\n"])
    assert not server.is_gone()


@pytest.mark.slow
def test_errors_in_graphs_name_the_program_as_a_cold_start_does(pool: Pool) -> None:
    cold = pool.start(GRAPH_ERROR, fresh=True)
    (warm,) = run_all(pool, [GRAPH_ERROR])
    ended = pool.end(cold)
    assert warm.error is not None
    assert ended.error is not None
    assert warm.error.message == ended.error.message
    assert warm.error.traceback is not None
    traces = [str(record.error and record.error.traceback).replace(record.id, "JOB") for record in (warm, ended)]
    assert traces[0] == traces[1]
