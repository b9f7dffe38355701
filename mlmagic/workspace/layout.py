"""Every file name of the workspace, and nothing else: no function here touches the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlmagic.errors import UsageError
from mlmagic.spec.names import check_name, is_job_id
from mlmagic.workspace.endpoint_folder import EndpointFolder

FOLDER_NAME = ".mlmagic"
PREDICTIONS = "predictions.json"
PREPARED = "prepared.json"
ANSWERS = "answers"
MANIFEST = "manifest.json"
NAMES = "names.json"
CONVERTED_MODEL = "model.onnx"
CONVERSION_RECORD = "conversion.json"
STAGING_PREFIX = ".staging-"
"""What is being built, before it is renamed into its place."""
DELETED_PREFIX = ".deleted-"
"""What is being removed, after it was renamed out of its place."""


@dataclass(frozen=True, slots=True)
class JobFolder:
    """`jobs/<id>/`."""

    root: Path

    @property
    def id(self) -> str:
        """The job's id."""
        return self.root.name

    @property
    def workspace(self) -> Workspace:
        """The workspace that the job belongs to; a supervisor knows only its job's folder."""
        return Workspace(self.root.parent.parent)

    @property
    def spec(self) -> Path:
        """The `JobSpec`."""
        return self.root / "spec.json"

    @property
    def state(self) -> Path:
        """The `JobRecord` without its spec: what the database's row says, for the day when the database is gone."""
        return self.root / "state.json"

    @property
    def package(self) -> Path:
        """The folder that goes on the program's path."""
        return self.root / "package"

    @property
    def cell(self) -> Path:
        """The code of a `%%preprocess` cell; not there without one."""
        return self.package / "preprocessor" / "cell.py"

    @property
    def source_map(self) -> Path:
        """Which line of the package came from which cell. Beside the package, never in it."""
        return self.root / "mlmagic.json"

    @property
    def dist(self) -> Path:
        """The folder of the package's source distribution."""
        return self.root / "dist"

    @property
    def manifest(self) -> Path:
        """The `Manifest`: by which it can be told whether all files came down to the disk before a power cut."""
        return self.root / "manifest.json"

    def claim(self, attempt: int) -> Path:
        """Who runs an attempt; attempts count from 1."""
        return self.root / f"attempt-{attempt}.claim"

    def attempt_exit(self, attempt: int) -> Path:
        """The `ExitRecord` of an attempt that failed and was followed by another."""
        return self.root / f"attempt-{attempt}.json"

    @property
    def logs(self) -> Path:
        """The folder of the replicas' logs."""
        return self.root / "logs"

    def log(self, role: str = "chief", index: int = 0) -> Path:
        """What a replica wrote to standard output and standard error."""
        return self.logs / f"{role}-{index}.log"

    @property
    def replicas(self) -> Path:
        """The `ReplicaList` of the newest attempt."""
        return self.root / "replicas.json"

    @property
    def usage(self) -> Path:
        """Processor and memory over time, a JSON object a line."""
        return self.root / "usage.jsonl"

    @property
    def remote(self) -> Path:
        """Of a job in Google Cloud, the `RemoteRecord`."""
        return self.root / "remote.json"

    @property
    def remote_lock(self) -> Path:
        """Held by who sends the job to Google Cloud, or writes down what is told of it there."""
        return self.root / "remote.lock"

    @property
    def log_cursor(self) -> Path:
        """Of a job in Google Cloud, the `LogCursor`: how far its logs have been fetched."""
        return self.root / "logs.json"

    @property
    def event_cursor(self) -> Path:
        """Of a job in Google Cloud, the `EventCursor`: which event files have been fetched."""
        return self.root / "events.json"

    @property
    def fetched(self) -> Path:
        """Of a job in Google Cloud, the file of `output` that is being fetched, before it is whole."""
        return self.root / "fetched.part"

    @property
    def launch(self) -> Path:
        """Of a job on Dataflow, the folder of the process that brings it there."""
        return self.root / "launch"

    @property
    def exit(self) -> Path:
        """The `ExitRecord`."""
        return self.root / "exit.json"

    @property
    def exit_reserve(self) -> Path:
        """Room on the disk that is given back when `exit` must be written and there is none left."""
        return self.root / "exit.reserve"

    @property
    def supervisor_log(self) -> Path:
        """What mlmagic itself has to say about the job; empty as a rule."""
        return self.root / "supervisor.log"

    @property
    def trials(self) -> Path:
        """Of a study, its trials: a `Trial` a line, of which the last with a number counts."""
        return self.root / "trials.jsonl"

    @property
    def earlier_trials(self) -> Path:
        """Of a study that knows what others have found, the `EarlierTrials`; as it was when the study began."""
        return self.root / "earlier.json"

    @property
    def promoted(self) -> Path:
        """Of a study that was to be promoted, the `Promoted`: which job does so, or why none can."""
        return self.root / "promoted.json"

    @property
    def kept_reports(self) -> Path:
        """Of a trial, what its study has read in `tuning_metrics`, a `Report` a line: a replica's file forgets."""
        return self.root / "reports.jsonl"

    @property
    def tuning_metrics_dir(self) -> Path:
        """The folder of what the replicas report to tuning."""
        return self.output / "hypertune"

    def tuning_metrics(self, role: str = "chief", index: int = 0) -> Path:
        """What a replica reports in the format of hypertune; each has its own, as on machines of their own."""
        return self.tuning_metrics_dir / f"{role}-{index}.metrics"

    @property
    def output(self) -> Path:
        """What the program made."""
        return self.root / "output"

    @property
    def model_dir(self) -> Path:
        """`AIP_MODEL_DIR`; a link to the version once the model is registered."""
        return self.output / "model"

    @property
    def predictions(self) -> Path:
        """Of a batch prediction: the `BatchResult`. The predictions themselves are where the user wants them."""
        return self.model_dir / PREDICTIONS

    @property
    def batch(self) -> Path:
        """Of a batch prediction in the cloud, the folder of what is sent and what comes back."""
        return self.root / "batch"

    @property
    def batch_prepared(self) -> Path:
        """What is to be sent, once all of it is written."""
        return self.batch / PREPARED

    @property
    def batch_step_lock(self) -> Path:
        """Held by the program that does a step of it here, as long as that runs."""
        return self.batch / "step.lock"

    @property
    def batch_step(self) -> Path:
        """That program's `ProcessIdentity`."""
        return self.batch / "step.json"

    @property
    def batch_answers(self) -> Path:
        """The folder of what came back."""
        return self.batch / ANSWERS

    @property
    def monitoring(self) -> Path:
        """Of a monitoring job: how far it is, and of files what it found; see `workspace.monitors`."""
        return self.root / "monitoring"

    @property
    def monitor_status(self) -> Path:
        """Of a monitoring job, the `MonitorStatus`."""
        return self.monitoring / "status.json"

    @property
    def webhook(self) -> Path:
        """Of a monitoring job, where its alerts are sent to: a secret, so it stands nowhere else."""
        return self.monitoring / "webhook"

    @property
    def sent_alerts(self) -> Path:
        """Of a monitoring job, which alerts have been sent there: an `Alert.id` a line."""
        return self.monitoring / "sent.txt"

    @property
    def checkpoint_dir(self) -> Path:
        """`AIP_CHECKPOINT_DIR`."""
        return self.output / "checkpoints"

    @property
    def tensorboard_dir(self) -> Path:
        """`AIP_TENSORBOARD_LOG_DIR`."""
        return self.output / "logs"


@dataclass(frozen=True, slots=True)
class VersionFolder:
    """`models/<name>/<number>/`: the model's own files, and three of ours beside them."""

    root: Path

    @property
    def signature(self) -> Path:
        """The `Signature`."""
        return self.root / "signature.json"

    @property
    def statistics(self) -> Path:
        """The statistics of what it was trained on."""
        return self.root / "statistics.json"

    @property
    def origin(self) -> Path:
        """The `ModelOrigin`."""
        return self.root / "origin.json"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """`models/<name>/`."""

    root: Path

    @property
    def aliases(self) -> Path:
        """The `Model`: the one place where aliases are kept."""
        return self.root / "model.json"

    def version(self, number: int) -> VersionFolder:
        """Return the folder of a version."""
        return VersionFolder(self.root / str(number))

    def tombstone(self, number: int) -> Path:
        """An empty file that stays when a version is deleted, so that its number never means another one."""
        return self.root / f"{number}.deleted"

    @property
    def uploaded(self) -> Path:
        """Which versions are in Google Cloud, and what they are called there."""
        return self.root / "vertex.json"

    @property
    def upload_lock(self) -> Path:
        """Held by the one process that uploads a version."""
        return self.root / "vertex.lock"


@dataclass(frozen=True, slots=True)
class DatasetVersionFolder:
    """`datasets/<name>/<number>/`: the shards `<split>-?????-of-?????.parquet`, and what is told of them."""

    root: Path

    @property
    def schema(self) -> Path:
        """The `DatasetSchema`."""
        return self.root / "schema.json"

    @property
    def statistics(self) -> Path:
        """The `DatasetStatistics`."""
        return self.root / "statistics.json"

    @property
    def origin(self) -> Path:
        """The `DatasetOrigin`."""
        return self.root / "origin.json"

    @property
    def rejected(self) -> Path:
        """The folder of shards with the rows that were rejected; missing where there are none."""
        return self.root / "rejected"


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """`datasets/<name>/`."""

    root: Path

    def version(self, number: int) -> DatasetVersionFolder:
        """Return the folder of a version."""
        return DatasetVersionFolder(self.root / str(number))

    def tombstone(self, number: int) -> Path:
        """An empty file that stays when a version is deleted, so that its number never means another one."""
        return self.root / f"{number}.deleted"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder `.mlmagic/`, which may not exist yet."""

    root: Path

    @property
    def database(self) -> Path:
        """The rows and events; WAL and journal lie beside it."""
        return self.root / "mlmagic.db"

    @property
    def repair_lock(self) -> Path:
        """Held by the one process that puts a damaged database aside."""
        return self.root / "mlmagic.db.lock"

    @property
    def agent(self) -> Path:
        """Which process is the agent, and where it listens; touched every few seconds as long as it lives."""
        return self.root / "agent.json"

    @property
    def agent_lock(self) -> Path:
        """Held by the one agent, from before it starts. Who removes it takes the agent's place away."""
        return self.root / "agent.lock"

    @property
    def emulator(self) -> Path:
        """The folder of the emulator of Google Cloud."""
        return self.root / "emulator"

    def cloud_lock(self, backend: str) -> Path:
        """Held by the one process that watches the jobs in the cloud, of Google's or of the emulator's."""
        return self.root / f"{backend}.lock"

    def cloud_trouble(self, backend: str) -> Path:
        """Why that one cannot be asked; not there while it can."""
        return self.root / f"{backend}.trouble"

    @property
    def agent_log(self) -> Path:
        """What agent and fork servers have to say; empty as a rule."""
        return self.root / "agent.log"

    @property
    def config(self) -> Path:
        """The user's settings for this workspace."""
        return self.root / "config.toml"

    @property
    def prices(self) -> Path:
        """What machines cost, which the user writes."""
        return self.root / "prices.toml"

    @property
    def gitignore(self) -> Path:
        """Keeps the workspace out of the user's repository."""
        return self.root / ".gitignore"

    @property
    def jobs(self) -> Path:
        """The folder of job folders."""
        return self.root / "jobs"

    @property
    def inputs(self) -> Path:
        """The folder of DataFrames that jobs read, each called by its content."""
        return self.root / "inputs"

    @property
    def monitors_lock(self) -> Path:
        """Held by who starts a monitoring job, so that no two do the same."""
        return self.root / "monitors.lock"

    @property
    def counts_lock(self) -> Path:
        """Held by who starts a job that counts files on Dataflow, so that no two count the same."""
        return self.root / "counts.lock"

    @property
    def uploads(self) -> Path:
        """The folder of uploads to Google Cloud that have begun; each file may be used to write an object there."""
        return self.root / "uploads"

    def job(self, job_id: str) -> JobFolder:
        """Return a job's folder.

        Raises:
            UsageError: not a job id, so nothing that may become part of a path.
        """
        if not is_job_id(job_id):
            raise UsageError(f"{job_id!r} is not a job id: one looks like taxi-20260131-235959-0a1b.")
        return JobFolder(self.jobs / job_id)

    @property
    def models(self) -> Path:
        """The folder of model folders."""
        return self.root / "models"

    def model(self, name: str) -> ModelFolder:
        """Return a model's folder.

        Raises:
            UsageError: a model cannot be called so.
        """
        return ModelFolder(self.models / check_name(name, "model name"))

    def version(self, model: str, number: int) -> VersionFolder:
        """Return the folder of a model's version."""
        return self.model(model).version(number)

    @property
    def datasets(self) -> Path:
        """The folder of dataset folders."""
        return self.root / "datasets"

    def dataset(self, name: str) -> DatasetFolder:
        """Return a dataset's folder.

        Raises:
            UsageError: a dataset cannot be called so.
        """
        return DatasetFolder(self.datasets / check_name(name, "dataset name"))

    def dataset_version(self, dataset: str, number: int) -> DatasetVersionFolder:
        """Return the folder of a dataset's version."""
        return self.dataset(dataset).version(number)

    @property
    def converted(self) -> Path:
        """The folder of models in forms that start faster. Made again when they are missing."""
        return self.root / "converted"

    @property
    def endpoints(self) -> Path:
        """The folder of endpoint folders."""
        return self.root / "endpoints"

    def endpoint(self, name: str) -> EndpointFolder:
        """Return an endpoint's folder.

        Raises:
            UsageError: an endpoint cannot be called so.
        """
        return EndpointFolder(self.endpoints / check_name(name, "endpoint name"))
