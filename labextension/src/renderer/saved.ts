import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import type { JobState } from '../types';

const PREFIX = 'application/vnd.mlmagic.';

/** The types of what is shown, as mlmagic's panels have them. */
const NAMES = [
  'board',
  'board-curves',
  'boards',
  'checkup',
  'comparison',
  'config',
  'dataset',
  'datasetdiff',
  'datasetplot',
  'datasets',
  'deployment',
  'drift',
  'endpoint',
  'endpoints',
  'evaluation',
  'explanation',
  'job',
  'jobdiff',
  'jobs',
  'model',
  'modeldiff',
  'models',
  'modelversion',
  'plan',
  'status',
  'study',
  'trials'
] as const;

export const BOARD_TYPE = `${PREFIX}board+json`;
export const JOB_TYPES: readonly string[] = [`${PREFIX}job+json`, `${PREFIX}study+json`];
export const TYPES: readonly string[] = NAMES.map(name => `${PREFIX}${name}+json`);

/** What a job's output was when it was saved. */
export interface SavedJob {
  id: string;
  state: JobState | undefined;
  /** What it made: `taxi@2`. */
  made: string | undefined;
}

/** The job that an output is about; null where its payload tells of none. */
export function savedJob(payload: unknown): SavedJob | null {
  // A study's payload has the tuning job in `job`.
  const record = asObject(asObject(payload)?.job)?.record ?? asObject(payload)?.record;
  const { id, state, modelVersion, datasetVersion } = asObject(record) ?? {};
  if (typeof id !== 'string' || id === '') {
    return null;
  }
  return { id, state: asText(state) as JobState | undefined, made: asText(modelVersion) ?? asText(datasetVersion) };
}

/** A type's content beside the others in the same output. */
export function contentOf(model: IRenderMime.IMimeModel, type: string): string {
  const content = model.data[type];
  return Array.isArray(content) ? content.join('') : (asText(content) ?? '');
}

/** What a JSON value is as an object. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
