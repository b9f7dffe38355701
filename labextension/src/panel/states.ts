import type { EndpointState, JobKind, JobState } from '../types';

/** The sign of each state, the same as in cell outputs: a state is never told by its colour alone. */
const JOB_SIGNS: Record<JobState, string> = {
  QUEUED: '○',
  PENDING: '◔',
  RUNNING: '●',
  SUCCEEDED: '✓',
  FAILED: '✗',
  CANCELLING: '◌',
  CANCELLED: '■',
  PAUSED: '‖',
  EXPIRED: '⊘',
  UPDATING: '↻',
  PARTIALLY_SUCCEEDED: '◐',
  LOST: '?'
};

const ENDPOINT_SIGNS: Record<EndpointState, string> = {
  STARTING: '◔',
  READY: '✓',
  UPDATING: '↻',
  IDLE: '☾',
  FAILED: '✗',
  STOPPING: '◌',
  DOWN: '■'
};

const KINDS: Record<JobKind, string> = {
  training: 'training',
  tuning: 'tuning',
  preprocessing: 'preprocessing',
  batchPrediction: 'batch prediction',
  monitoring: 'monitoring'
};

const FINAL: ReadonlySet<JobState> = new Set<JobState>([
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'EXPIRED',
  'PARTIALLY_SUCCEEDED',
  'LOST'
]);

/** Those in which `error` is what a user wants to read. */
const BAD: ReadonlySet<JobState> = new Set<JobState>(['FAILED', 'EXPIRED', 'LOST']);

/** A state of a job or an endpoint. */
export type AnyState = JobState | EndpointState;

export function sign(state: AnyState): string {
  return { ...JOB_SIGNS, ...ENDPOINT_SIGNS }[state] ?? '?';
}

/** `PARTIALLY SUCCEEDED`. */
export function word(state: AnyState): string {
  return state.replaceAll('_', ' ');
}

export function kindWord(kind: JobKind): string {
  return KINDS[kind] ?? kind;
}

/** Nothing changes any more. */
export function isFinal(state: JobState): boolean {
  return FINAL.has(state);
}

export function isBad(state: JobState): boolean {
  return BAD.has(state);
}
