// Written by `python -m tools.panel_types` from the nouns in mlmagic/spec. Do not edit.

/** A moment as RFC 3339 in UTC: `2026-11-21T09:30:00.123456Z`. */
export type Time = string;

/** A number that need not be finite, which JSON has no other way to say. `Number(value)` reads all of them. */
export type Float = number | 'NaN' | 'Infinity' | '-Infinity';

/** With what a window is compared. */
export type Against = 'training' | 'window';

/** One thing that is wrong with a feature, from the look that found it first to the one that did not any more. */
export interface Alert {
  /** The same in all lines of an alert. */
  id: string;
  /** The endpoint, or the files. */
  subject: string;
  endpoint?: string;
  /** Such as `taxi@3`. */
  version?: string;
  against: Against;
  feature: string;
  /** The feature with which it was swapped. */
  other?: string;
  isPrediction: boolean;
  /** Such as `zone=airport`; None for all rows. */
  slice?: string;
  kind: FindingKind;
  /** The finding's sentence, as the newest look told it. */
  text: string;
  distance: Float;
  threshold: Float;
  firstSeen: Time;
  lastSeen: Time;
  /** Of the first look that did not find it; None while it lasts. */
  endTime?: Time;
  /** The job that looked; None if somebody did. */
  job?: string;
}

/** How parameters are chosen. */
export type Algorithm = 'ALGORITHM_UNSPECIFIED' | 'GRID_SEARCH' | 'RANDOM_SEARCH';

/** A TensorBoard that runs. */
export interface BoardRow {
  key: string;
  title: string;
  /** Where a browser finds it, below the server's base URL: `mlmagic/tensorboard/KEY/`. */
  path: string;
  startTime: Time;
}

/** What a program wrote to go on from. */
export interface Checkpoint {
  /** The path below the folder of checkpoints; of TensorFlow's, which are several files, what they have in common. */
  name: string;
  /** The whole path, as `tf.train.Checkpoint.restore` and `keras.models.load_model` take it. */
  path: string;
  /** The number in its name; None where there is none, or it is that of an epoch. */
  step?: number;
  epoch?: number;
  sizeBytes: number;
  /** When it was last written to. */
  time: Time;
  isFolder: boolean;
}

/** The checkpoints of a job. */
export interface Checkpoints {
  /** Where they are, or would be. */
  folder: string;
  /** The newest first; of very many only those. */
  checkpoints: Checkpoint[];
  total: number;
  /** Of all. */
  sizeBytes: number;
}

/** An output of both versions, instance by instance. */
export interface ComparedAnswers {
  /** Instances with a number of either. */
  numbers: number;
  /** The sum of the differences without their signs. */
  absolute: Float;
  /** The sum of the served numbers without their signs. */
  size: Float;
  /** Of the differences. */
  largest: Float;
  /** Instances with a text, or with scores, of which the place of the highest is the class. */
  classes: number;
  /** Of these, those with the same class. */
  equal: number;
}

/** A row of a comparison. */
export interface ComparedJob {
  id: string;
  displayName: string;
  state: JobState;
  /** How long it ran. */
  seconds?: Float;
  modelVersion?: string;
  datasetVersion?: string;
  flags?: Record<string, string>;
  metrics?: Record<string, Float>;
}

/** Jobs in a table: flags that differ against final metrics. */
export interface Comparison {
  jobs?: ComparedJob[];
  /** The columns of flags: those in which the jobs differ. */
  flags?: string[];
  metrics?: string[];
}

/** A parameter is there only where another one, its parent, has one of these values. */
export interface Condition {
  parameter: string;
  /** As texts, in the form of `Parameter.text`. */
  values: string[];
}

/** The scalars of a job, or what came since the last look. */
export interface Curves {
  series?: Series[];
  /** What the next look gives back, to be told only of what came since. */
  cursor: string;
  /** These are all points; otherwise they are to be put behind those that are known. */
  isWhole: boolean;
}

/** A dataset in the list, by its newest version. */
export interface DatasetRow {
  name: string;
  number: number;
  versions: number;
  /** By split. */
  rows?: Record<string, number>;
  columns: number;
  totalBytes: number;
  createTime: Time;
  /** `gs://…`, where the newest version's files lie, too. */
  location?: string;
}

/** A version behind an endpoint. */
export interface DeployedVersion {
  number: number;
  /** Percent of the requests that name no version. Those of all versions add up to 100. */
  traffic: number;
  engine: EngineChoice;
}

/** Whether trials are stopped that are not worth going on with. */
export interface EarlyStopping {
  rule: StoppingRule;
  /** Compare by time, not by steps. */
  useElapsedDuration: boolean;
}

/** What an endpoint in the cloud is to come to. Processes of this machine are told directly. */
export type EndpointGoal = 'serve' | 'stop' | 'delete';

/** An endpoint, and what somebody must know who wants to ask it. */
export interface EndpointPage {
  record: EndpointRecord;
  /** Of the version that gets most of the requests. */
  signature?: Signature;
  /** Where the token lies; None if none is needed. The token itself is shown nowhere. */
  tokenFile?: string;
}

/** An endpoint as it is now. */
export interface EndpointRecord {
  spec: EndpointSpec;
  status: EndpointStatus;
}

/** An endpoint in the list. */
export interface EndpointRow {
  name: string;
  model: string;
  state: EndpointState;
  shares?: VersionShare[];
  /** That are ready. */
  workers: number;
  requestsPerSecond: Float;
  /** The alias that its version follows. */
  follows?: string;
  error?: string;
  backend: string;
  /** Of an endpoint in the cloud: what is under way there, or why it cannot be asked about now. */
  note?: string;
  /** Of an endpoint in the cloud that nobody asks: for how long, and what ends it. */
  idle?: string;
  /** Of monitoring, that last now. */
  alerts: number;
  /** The version that gets copies of the requests, and answers nobody. */
  shadow?: number;
}

/** `endpoint.json`: what was asked for. Each change is a new generation. */
export interface EndpointSpec {
  name: string;
  /** Where it serves: on this machine, or in the cloud. */
  backend: string;
  model: string;
  deployed: DeployedVersion[];
  /** The alias that its one version follows: moving the alias moves the endpoint. None: the version stays. */
  follows?: string;
  /** As long as it is under way, `deployed` is one of its stages. */
  rollout?: Rollout;
  /** Its version gets no share of the requests: see `without_served_shadow`. */
  shadow?: Shadow;
  scaling: Scaling;
  limits: Limits;
  /** What is kept of its requests; None: nothing. */
  log?: RequestLogging;
  host: string;
  /** Stays the same as long as the endpoint is there. 0 in the cloud, which has no ports. */
  port: number;
  needsToken: boolean;
  /** The interpreter that serves; None is the one of who starts it. */
  python?: string;
  /** In the cloud, the type of its machines; as is the next one. */
  machine?: string;
  /** The container that serves; None is the newest prebuilt one. */
  image?: string;
  goal: EndpointGoal;
  generation: number;
  createTime: Time;
  updateTime: Time;
}

/** What an endpoint does now. */
export type EndpointState = 'STARTING' | 'READY' | 'UPDATING' | 'IDLE' | 'FAILED' | 'STOPPING' | 'DOWN';

/** `status.json`: what its supervisor last said, about once a second while something changes. */
export interface EndpointStatus {
  state: EndpointState;
  /** Of the spec that is served; smaller than the spec's own while that is being loaded. */
  generation: number;
  /** The newest generation that could not be loaded: the one before is served on. */
  refusedGeneration: number;
  /** Why it failed, or why that generation was refused; one line. */
  error?: string;
  /** Of an endpoint in the cloud: what is under way, or why it cannot be asked now. */
  note?: string;
  /** Of an endpoint in the cloud: the resource below which it is asked. */
  address?: string;
  workers?: WorkerStatus[];
  versions?: VersionStatus[];
  /** Over the last ten seconds or so. */
  requestsPerSecond: Float;
  /** Requests that wait for their answer. */
  inFlight: number;
  lastRequest?: Time;
  /** Of its request log, while it has one. */
  log?: RequestLogStatus;
  /** The newest, be it under way or over. */
  rollout?: RolloutStatus;
  /** Of its shadow, while it has one. */
  shadow?: ShadowStatus;
  /** Of the supervisor. */
  startTime: Time;
  updateTime: Time;
}

/** What computes a version's predictions. */
export type EngineChoice = 'auto' | 'session' | 'onnx';

/** How a feature is distributed in the baseline and in the window. */
export interface FeatureChart {
  name: string;
  html: string;
}

/** What happened to a feature. All but DISTRIBUTION_CHANGED and VALUES_SCALED come with an alert. */
export type FindingKind = 'MEAN_SHIFTED' | 'UNIT_CHANGED' | 'VALUES_SCALED' | 'NEW_VALUES' | 'MISSING_CHANGED' | 'COLUMNS_SWAPPED' | 'DISTRIBUTION_CHANGED';

/** Which way the metric is better. */
export type Goal = 'MAXIMIZE' | 'MINIMIZE';

/** The metric by which a job is told from others at a glance. */
export interface Headline {
  name: string;
  value: Float;
  /** Its values over time, by step; of many a part, with the first and the last. */
  points?: Float[];
}

/** What a stream of events begins with. */
export interface Hello {
  /** The last that happened before: what is told from now on is newer. */
  event: number;
  /** Of the mlmagic of the server. */
  version: string;
  /** By the server's clock. */
  time: Time;
}

/** All that is known about one job. */
export interface JobDescription {
  record: JobRecord;
  /** By time. */
  changes?: StateChange[];
  replicas?: Replica[];
  usage: Usage;
  progress?: Progress;
  /** Of preprocessing, in place of `progress`. */
  reading?: Reading;
  /** Of a monitoring job, in place of `progress`. */
  monitor?: MonitorStatus;
  /** How long it will still take, where the epochs or bytes are known. */
  etaSeconds?: Float;
  /** Why a QUEUED job does not run yet: `2 jobs before it`. */
  waitingFor?: string;
  logTail: string;
  /** What the user may want to know: `would have fitted BASIC`. */
  hints?: string[];
}

/** Why a job failed. `message` is one line; `traceback` points at notebook cells where it can. */
export interface JobError {
  message: string;
  /** More lines of the message, such as rows that were rejected. */
  details?: string;
  traceback?: string;
  hint?: string;
}

/** What a job does. */
export type JobKind = 'training' | 'tuning' | 'preprocessing' | 'batchPrediction' | 'monitoring';

/** What became of a job so far. */
export interface JobRecord {
  id: string;
  spec: JobSpec;
  state: JobState;
  createTime: Time;
  /** When user code began to run. */
  startTime?: Time;
  endTime?: Time;
  updateTime: Time;
  /** How many times a supervisor claimed it. */
  attempt: number;
  /** The program's exit status; -N if signal N ended it. */
  exitCode?: number;
  error?: JobError;
  /** `taxi@2`, once registered. */
  modelVersion?: string;
  /** `taxi@2`, once preprocessing has made it. */
  datasetVersion?: string;
  /** The last value of each TensorBoard scalar, by Keras's names: `loss`, `val_loss`. Of preprocessing, row counts. */
  metrics?: Record<string, Float>;
  /** The last line that mlmagic said about it. */
  message?: string;
  /** Why it was told to stop early, which ends it as SUCCEEDED; one line. */
  stopReason?: string;
}

/** A job in the list: its summary, and what moves while it runs. */
export interface JobRow {
  summary: JobSummary;
  origin: Origin;
  /** From 0 to 1; None where it cannot be told. */
  fraction?: Float;
  etaSeconds?: Float;
  /** Why a job that is QUEUED, or in the cloud PENDING, does not run yet. */
  waitingFor?: string;
  headline?: Headline;
  /** That its replicas keep busy just now; None of one that does not run. */
  cores?: Float;
  /** That its replicas hold just now. */
  memoryBytes?: number;
  /** Of a study, how far it is; of a trial, what it tries; of monitoring, when it looked last, and its alerts. */
  note?: string;
  /** Of a job that has not ended, why its backend could not be asked: what is told of it is what was last heard. */
  trouble?: string;
}

/** A part of the list of jobs. */
export interface JobRows {
  jobs: JobRow[];
  /** How many jobs pass the filter. */
  total: number;
  /** How many of all jobs, trials left out, have not ended. */
  unfinished: number;
  /** The last event before the list was read: what the stream has to say after it is newer. */
  event: number;
}

/** What was asked for. Never changes after submission. */
export interface JobSpec {
  displayName: string;
  kind: JobKind;
  backend: string;
  package: PackageReference;
  /** The program's own arguments, as they are. */
  args?: string[];
  resources: Resources;
  /** On Vertex AI: what is asked of it alone. */
  vertex: VertexOptions;
  /** The model that gets the version; None where a job makes no model. */
  model?: string;
  setDefault: boolean;
  /** What a program trains on, such as `taxi@3`; of preprocessing, the name of the dataset that it makes. */
  dataset?: string;
  labels?: Record<string, string>;
  /** Of one attempt. */
  timeoutSeconds?: Float;
  /** A higher one is started first; of equal ones the older. */
  priority: number;
  /** How many more attempts there are after one that failed. */
  maxRetries: number;
  /** Start each program from nothing, never by a fork. */
  fresh: boolean;
  /** Local: the user's setting allows forks. */
  warmStarts: boolean;
  /** What the program's flags are set to, defaults included, as far as mlmagic knows them. */
  flags?: Record<string, string>;
  /** Of Python, mlmagic and the libraries that the package imports, where it was submitted. */
  versions?: Record<string, string>;
  /** Of the notebook's repository, as it was checked out. */
  gitCommit?: string;
  /** The id of the job that this one repeats. */
  rerunOf?: string;
  /** Of a tuning job, what it searches; its package and arguments are its trials'. */
  study?: StudySpec;
  /** Of a trial, the id of the study. */
  parent?: string;
  /** Of a trial, its number. */
  trial?: number;
  /** The id of the study whose best trial this job repeats in full. */
  fromStudy?: string;
  /** The line that submitted it, as it was typed. */
  invocation?: string;
  origin: Origin;
  /** Local: the interpreter that runs it. */
  python?: string;
  /** Local: where relative paths of the program start. */
  workingDirectory?: string;
  /** Local: the digest under which its environment variables are kept outside of the workspace until it has ended. */
  environment?: string;
  /** Local: what it takes of this machine. */
  placement?: Placement;
}

/** Vertex AI's job states, and LOST. */
export type JobState = 'QUEUED' | 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLING' | 'CANCELLED' | 'PAUSED' | 'EXPIRED' | 'UPDATING' | 'PARTIALLY_SUCCEEDED' | 'LOST';

/** A row of a job list: what can be told without reading the whole record. */
export interface JobSummary {
  id: string;
  displayName: string;
  kind: JobKind;
  backend: string;
  state: JobState;
  createTime: Time;
  startTime?: Time;
  endTime?: Time;
  priority: number;
  attempt: number;
  modelVersion?: string;
  datasetVersion?: string;
  error?: string;
  parent?: string;
  trial?: number;
}

/** What a request may be, and how many may wait. */
export interface Limits {
  bodyBytes: number;
  /** Of one request. */
  instances: number;
  /** Requests of one worker that have not been answered. */
  queue: number;
  /** For a body to come in, and again for its answer. */
  timeoutSeconds: Float;
}

/** A line of a log, as it was printed, escape sequences and all. */
export interface LogLine {
  text: string;
  severity: Severity;
  /** It is longer than what is sent. */
  isCut: boolean;
}

/** A part of a log. */
export interface LogLines {
  /** The number of the first of the lines, from 0. */
  first: number;
  lines: LogLine[];
  /** How many lines the log has by now. */
  total: number;
  sizeBytes: number;
  /** Tells this file from another by the same name: what was read of that is not of this log. */
  file: string;
}

/** Where a text occurs in a log. */
export interface LogMatches {
  /** The numbers of the lines, from 0. */
  lines: number[];
  hasMore: boolean;
  /** How many lines were looked at. */
  total: number;
  /** As in `LogLines`. */
  file: string;
}

/** The log of one replica. */
export interface LogSource {
  /** `worker-0`. */
  replica: string;
  sizeBytes: number;
}

/** What a trial reported of the metric. */
export interface Measurement {
  step: number;
  value: Float;
  /** Since the trial's program began. */
  elapsedSeconds: Float;
}

/** Which of a trial's measurements counts. */
export type MeasurementSelection = 'LAST_MEASUREMENT' | 'BEST_MEASUREMENT';

/** `model.json`: a model's name and aliases; `default` is among them as soon as there is a version. */
export interface Model {
  name: string;
  aliases?: Record<string, number>;
  createTime: Time;
}

/** `origin.json`: where a version came from. */
export interface ModelOrigin {
  /** When the version was registered. */
  createTime?: Time;
  jobId?: string;
  packageDigest?: string;
  /** The version that it was trained on, such as `taxi@3`. */
  dataset?: string;
  /** The study whose best trial it is. */
  study?: string;
  /** The file or folder that it was imported from. */
  source?: string;
  /** Of the job that made it. */
  metrics?: Record<string, Float>;
  framework: string;
  frameworkVersion?: string;
  /** `savedmodel`, `keras` or `onnx`. */
  artifact: string;
  /** Where the artifact lies, relative to the version's folder. */
  artifactPath: string;
}

/** A model with its versions. */
export interface ModelPage {
  model: Model;
  /** Of all versions. */
  count: number;
  /** The newest, and those that an alias points at, in order of number. */
  versions: ModelVersion[];
  /** Versions, such as `taxi@2`, to the endpoints that serve them. */
  deployed?: Record<string, string[]>;
}

/** A model in the list. */
export interface ModelRow {
  name: string;
  /** The number of its default version; None while it has no version. */
  default?: number;
  latest?: number;
  versions: number;
  /** When its latest version was made. */
  updateTime?: Time;
  /** Of the default version. */
  metrics?: Record<string, Float>;
  /** Those that serve one of its versions. */
  endpoints?: string[];
}

/** An immutable version. */
export interface ModelVersion {
  model: string;
  number: number;
  createTime: Time;
  origin: ModelOrigin;
  signature?: Signature;
  sizeBytes: number;
}

/** How far a job is that looks again and again. */
export interface MonitorStatus {
  looks: number;
  lastLook?: Time;
  /** That last now. */
  alerts: number;
  /** That began since the job did. */
  alertsTold: number;
  /** Why the newest look found nothing out; None if it did. */
  problem?: string;
  /** What the newest look looked at: it need not be looked at again. */
  seen?: string;
  /** Up to when requests have been looked at. */
  windowEnd?: Time;
  /** Why it has ended by itself. */
  ended?: string;
}

/** What monitoring found of an endpoint last, as the server renders it, and its alerts. */
export interface MonitoringPage {
  /** The newest report; empty where nobody has looked. */
  html: string;
  /** What matters most first. */
  charts?: FeatureChart[];
  /** The newest first. */
  alerts?: Alert[];
  /** The jobs that look again and again now. */
  jobs?: string[];
  /** Whether the endpoint logs what it is asked. */
  isLogged: boolean;
}

/** The notebook cell that a job came from. */
export interface Origin {
  notebook?: string;
  cellId?: string;
  cellNumber?: number;
}

/** A file of a job's package. */
export interface PackageFile {
  path: string;
  sizeBytes: number;
}

/** The trainer package of a job; the files lie in the job's folder. */
export interface PackageReference {
  /** SHA-256 over names and contents of its files: the same for the same code. */
  digest: string;
  module: string;
  requirements?: string[];
  /** Why its programs cannot be forked from a process that has imported TensorFlow; None where they can. */
  coldReason?: string;
}

/** A page as the server renders it: escaped HTML without scripts, themed by Jupyter's own variables. */
export interface Page {
  title: string;
  html: string;
  /** The payload of the panel's own mime type, with what the page's parts need beyond the HTML. */
  bundle?: Record<string, unknown>;
}

/** What is tuned. `name` is the flag that a trial gets: `--name=value`. */
export interface Parameter {
  name: string;
  kind: ParameterKind;
  /** Of DOUBLE and INTEGER, like `maximum`; both ends are allowed values. */
  minimum?: Float;
  maximum?: Float;
  /** Of CATEGORICAL. */
  categories?: string[];
  /** Of DISCRETE, strictly increasing. */
  numbers?: Float[];
  /** None means linear; a CATEGORICAL parameter has none. */
  scale?: Scale;
  condition?: Condition;
}

/** What values a parameter has. */
export type ParameterKind = 'DOUBLE' | 'INTEGER' | 'CATEGORICAL' | 'DISCRETE';

/** What a job takes of this machine; decided by the backend when the job is submitted. */
export interface Placement {
  /** How many processes of each role there are. */
  replicas: Record<string, number>;
  /** Of all replicas together, like `memory_bytes`. */
  cores: Float;
  memoryBytes: number;
  /** What is otherwise than one may expect, such as what the same job is in the cloud; one line for the user. */
  note?: string;
}

/** Why a request was refused, as one clear error. */
export interface Problem {
  message: string;
  problems?: string[];
  hint?: string;
  /** Of a filter, where it goes wrong, from 1. */
  column?: number;
  /** What it costs, where the user has not agreed to that: the same request with `yes` in its body is an agreement. */
  cost?: string;
}

/** How far training is, as its log tells. */
export interface Progress {
  /** The one that runs, from 1. */
  epoch: number;
  epochs: number;
  /** Of this epoch. */
  step?: number;
  steps?: number;
}

/** What became of the training job that follows a study. */
export interface Promoted {
  model: string;
  /** Its id. */
  job?: string;
  /** Why there is none; one line. */
  reason?: string;
}

/** The training job that follows a study: the best parameters once more, and a version of the model. */
export interface Promotion {
  /** In the place of the trials' own: more epochs, all data. */
  args?: string[];
  model: string;
  setDefault: boolean;
}

/** How far preprocessing is, as its log tells. */
export interface Reading {
  rows: number;
  bytesDone: number;
  bytesTotal: number;
  /** Since it began to read; None while that cannot be told. */
  bytesPerSecond?: Float;
}

/** A process of a running job, or of its last attempt. */
export interface Replica {
  role: ReplicaRole;
  index: number;
  /** Also the number of its process group. */
  pid: number;
  attempt: number;
  /** How many times it alone was started again within the attempt. */
  restarts: number;
  startTime: Time;
  endTime?: Time;
  exitCode?: number;
}

/** What a process of a job does, in the order of Vertex AI's worker pools. */
export type ReplicaRole = 'chief' | 'worker' | 'ps' | 'evaluator';

/** What became of the requests that were drawn, since the supervisor was started. */
export interface RequestLogStatus {
  /** Written to a journal: a process that is killed from then on loses none of them. */
  sampled: number;
  /** Not written, because they are too large, too many came at once, or the budget or the disk is full. */
  dropped: number;
  /** Why the newest ones were dropped; one line. */
  error?: string;
}

/** What an endpoint keeps of the requests that got a prediction: their bodies as they came, values and all. */
export interface RequestLogging {
  /** How many of them: each with this probability, above 0 and up to 1. */
  samplingRate: Float;
  /** All files of the log together take no more; the oldest go first. */
  budgetBytes: number;
  /** The input that names an instance: by it, what came true is joined later. */
  key?: string;
}

/** The worker pools of a job, by default those of ML Engine's tier BASIC. */
export interface Resources {
  scaleTier: string;
  /** An omitted pool before the last one has no replicas. */
  workerPools: WorkerPool[];
  /** The numbers of replicas were asked for one by one, and are not scaled down on this machine. */
  isExact: boolean;
  /** What one replica takes of this machine, where the user said so; like `memory_bytes`. */
  cores?: Float;
  memoryBytes?: number;
}

/** A new version takes over, step by step, as long as it behaves. */
export interface Rollout {
  version: number;
  stages: RolloutStage[];
  /** What a roll-back leads to. */
  before: DeployedVersion[];
  /** How long each step is served at least, the last one too. */
  holdSeconds: Float;
  /** Tells it from others of the same version. */
  createTime: Time;
}

/** What is deployed in one step of a roll-out. */
export interface RolloutStage {
  /** The new version's, in percent. */
  share: number;
  deployed: DeployedVersion[];
}

/** What became of a roll-out. */
export type RolloutState = 'RUNNING' | 'COMPLETED' | 'ROLLED_BACK' | 'ENDED';

/** How far a roll-out has come. */
export interface RolloutStatus {
  version: number;
  state: RolloutState;
  /** Percents of the requests, one step after the other. */
  shares: number[];
  /** Which of them is served, or was served last. */
  step: number;
  holdSeconds: Float;
  /** How long the step has been served. What a clock is set to, and when nothing is served, does not count. */
  heldSeconds: Float;
  /** That the new version got in this step. */
  requests: number;
  /** Without so many a step is not over. */
  leastRequests: number;
  /** Why it was rolled back, or ended; one line. */
  reason?: string;
  updateTime: Time;
}

/** How a number's range is stretched before it is searched; the logarithmic ones need positive bounds. */
export type Scale = 'UNIT_LINEAR_SCALE' | 'UNIT_LOG_SCALE' | 'UNIT_REVERSE_LOG_SCALE';

/** How many workers there are. */
export interface Scaling {
  /** 0: none are left after a while without requests. */
  minReplicas: number;
  maxReplicas: number;
  /** Without a request, after which workers beyond `min_replicas` end. */
  idleSeconds: Float;
}

/** A scalar of a job over its steps. The three tuples are equally long. */
export interface Series {
  /** The job's id. */
  job: string;
  /** By Keras's names: `loss`, `val_loss`. */
  name: string;
  steps?: number[];
  values?: Float[];
  /** Seconds since 1970. */
  times?: Float[];
}

/** How grave a line of a log is; NONE where the line does not say. */
export type Severity = 'error' | 'warning' | 'info' | 'none';

/** A version that gets a copy of the requests, and answers nobody. */
export interface Shadow {
  version: number;
  /** Of the requests, above 0. */
  share: Float;
  engine: EngineChoice;
  /** Tells it from others of the same version. */
  createTime: Time;
}

/** What a shadow was asked and answered. */
export interface ShadowCounts {
  /** Requests. */
  compared: number;
  /** Requests that the served version answered, and the shadow did not. */
  failed: number;
  /** Instances for which the shadow alone predicted what is no finite number. */
  unusable: number;
  outputs?: Record<string, ComparedAnswers>;
  /** Compared requests by the shadow's seconds: see `LATENCY_BOUNDS`. */
  latencies?: number[];
  /** The same requests by the seconds of the version that was served. */
  servedLatencies?: number[];
}

/** What the process of a shadow does. */
export type ShadowState = 'WAITING' | 'LOADING' | 'RUNNING' | 'FAILED';

/** What was seen of a shadow. */
export interface ShadowStatus {
  version: number;
  /** Of the requests that it gets a copy of. */
  share: Float;
  state: ShadowState;
  error?: string;
  engine?: string;
  counts: ShadowCounts;
  /** Copies that it did not come to, since it was slow, hung, or was not there. */
  dropped: number;
  /** `p50` and `p99` of the compared requests, rounded up to the next of `LATENCY_BOUNDS`. */
  latencyMs?: Record<string, Float>;
  servedLatencyMs?: Record<string, Float>;
  since: Time;
}

/** What a version takes and returns; the first dimension of every tensor counts instances. */
export interface Signature {
  name: string;
  inputs?: TensorSpec[];
  outputs?: TensorSpec[];
}

/** A job came to a state. */
export interface StateChange {
  state: JobState;
  time: Time;
  attempt: number;
}

/** How trials that are not worth going on with are told. */
export type StoppingRule = 'MEDIAN' | 'DECAY_CURVE';

/** A study as far as it has come. */
export interface Study {
  /** Of the tuning job. */
  id: string;
  spec: StudySpec;
  /** By number. Those of the study that it resumes come first, and are known by their jobs' ids. */
  trials?: Trial[];
}

/** All that is known about one study. */
export interface StudyReport {
  study: Study;
  /** Of the tuning job itself. */
  job: JobDescription;
  /** What the study can be called in a command: its name while it is the newest study of that name, else its id. */
  reference: string;
  /** Of the trials, by number. */
  runs?: TrialRun[];
  /** How much of the differences between trials each parameter explains, which sums to 1; empty while too few are. */
  importance?: Record<string, Float>;
  /** How long it will still take, where that can be told. */
  etaSeconds?: Float;
  /** Of a study that has ended: the newest job that trains with its parameters, or why there is none that was to. */
  promoted?: Promoted;
}

/** What a tuning job searches. Never changes after submission. */
export interface StudySpec {
  metric: string;
  goal: Goal;
  /** A parent stands before those that depend on it. */
  parameters: Parameter[];
  algorithm: Algorithm;
  earlyStopping?: EarlyStopping;
  selection: MeasurementSelection;
  /** How many it makes itself, failed ones too. */
  trials: number;
  parallel: number;
  /** This many failed trials end the study; 0 lets mlmagic decide. */
  maxFailed: number;
  seed: number;
  /** The id of the study that this one goes on with: its trials are copied, their numbers go on. */
  resumes?: string;
  /** Ids of earlier studies, whose trials are known to the search, and counted nowhere. */
  warmStart?: string[];
  promotion?: Promotion;
}

/** One input or output. `shape` has None where any size goes; `dtype` is TensorFlow's name, such as `float32`. */
export interface TensorSpec {
  name: string;
  dtype: string;
  shape: (number | null)[];
  /** Of an input: values may be missing. To the model, NaN, the smallest integer and the empty text are. */
  optional: boolean;
  /** Of an output with a number for each class: what they are called, where that is known. */
  labels?: string[];
  /** Of an input: a usual value, for requests to copy. */
  example?: string | boolean | number | Float;
}

/** A run with chosen parameters: a job with `parent` and `trial`. */
export interface Trial {
  /** From 1, as in CLOUD_ML_TRIAL_ID. */
  number: number;
  /** Those that apply, as the command line has them. */
  parameters: Record<string, string>;
  state: TrialState;
  /** The id of its job, which is the study's id and the number: `taxi-20260102-030405-ab12-7`. */
  job: string;
  /** The trials whose results were known when its parameters were chosen, as ranges: `1-37,39`. */
  seen: string;
  suggestTime: Time;
  endTime?: Time;
  /** The one that counts, of a trial that succeeded. */
  final?: Measurement;
  /** Why it is INFEASIBLE, or was stopped early; one line. */
  reason?: string;
  isStoppedEarly: boolean;
}

/** How the job of a trial is. */
export interface TrialRun {
  /** Of the trial. */
  number: number;
  /** None where the job is not made yet, or was deleted. */
  state?: JobState;
  /** Since its program began, or that it took; None before. */
  elapsedSeconds?: Float;
  /** While it runs. */
  progress?: Progress;
  /** What it reported of the metric, in its order; of many a part, with the first and the last. */
  curve?: Measurement[];
}

/** Vertex AI's. */
export type TrialState = 'REQUESTED' | 'ACTIVE' | 'STOPPING' | 'SUCCEEDED' | 'INFEASIBLE';

/** The samples of a job, by time. */
export interface Usage {
  samples?: UsageSample[];
}

/** What one replica, with all that it started, took during `seconds` up to `time`. */
export interface UsageSample {
  time: Time;
  /** `worker-0`. */
  replica: string;
  /** More than one after downsampling: `cores` is then the mean, and memory the peak. */
  seconds: Float;
  /** Processor seconds per second. */
  cores: Float;
  /** What it does not share: 50 replicas forked from one process hold that process's pages once. */
  memoryBytes: number;
  gpuPercent?: Float;
  gpuMemoryBytes?: number;
}

/** A version: where it came from, what it takes and returns, where it is used. */
export interface VersionPage {
  version: ModelVersion;
  aliases?: string[];
  /** The number of the model's default version. */
  default: number;
  /** Those that serve it. */
  endpoints?: string[];
  /** Whether ONNX Runtime can compute it, in words; None where that was not tried yet. */
  onnx?: string;
  isJobGone: boolean;
  isDatasetGone: boolean;
  /** Where its files lie. */
  path: string;
}

/** A version behind an endpoint. */
export interface VersionShare {
  number: number;
  /** Percent of the requests. */
  traffic: number;
}

/** What a deployed version did since its supervisor was started. */
export interface VersionStatus {
  number: number;
  /** `session` or `onnx`, once loaded. */
  engine?: string;
  /** TensorFlow serves it only until it is converted for ONNX Runtime, and workers have loaded that. */
  isConverting: boolean;
  requests: number;
  instances: number;
  /** Requests that were well-formed and yet got no prediction. */
  errors: number;
  /** `p50` and `p99` of the newest requests, from the whole body to the answer. */
  latencyMs?: Record<string, Float>;
  /** All answers by their latency: see `LATENCY_BOUNDS`. */
  latencyCounts?: number[];
  /** Of all answers together. */
  latencySeconds: Float;
}

/** What is not given is as the user's settings have it. */
export interface VertexOptions {
  /** On machines that may be taken away at any time, which cost less. */
  spot: boolean;
  /** As whom the program runs. */
  serviceAccount?: string;
  /** `projects/NUMBER/global/networks/NAME`, which machines are in. */
  network?: string;
  /** The container image that it runs in. */
  image?: string;
  /** The id of machines that are there already. */
  persistentResource?: string;
}

/** Replicas of one role on one machine type. Pool 0 is the chief, 1 workers, 2 parameter servers, 3 evaluators. */
export interface WorkerPool {
  machineType: string;
  replicaCount: number;
  acceleratorType?: string;
  acceleratorCount?: number;
  tpuTopology?: string;
}

/** A worker process. */
export interface WorkerStatus {
  pid: number;
  /** `loading`, `ready` or `draining`. */
  state: string;
  startTime: Time;
  memoryBytes: number;
  cpuPercent: Float;
  connections: number;
}
