import { bytes, duration, rough } from '../panel/formats';
import type { JobRecord, JobSpec } from '../types';

export interface Invocation {
  /** What can be typed, by what it is. */
  commands: { title: string; text: string }[];
  tables: { title: string; rows: [string, string][] }[];
}

type Known = readonly (readonly [string, string | undefined])[];

/** How a job was started. */
export function invocationOf(record: JobRecord, bundle: Readonly<Record<string, unknown>> = {}): Invocation {
  const { spec } = record;
  const commands: Known = [
    ['As it was typed', spec.invocation],
    ['As a command', textOf(bundle.localCommand) ?? programOf(spec)],
    ['The same on Google Cloud', textOf(bundle.gcloud)]
  ];
  const tables: readonly (readonly [string, Known])[] = [
    ['Flags', Object.entries(spec.flags ?? {})],
    ['Versions', Object.entries(spec.versions ?? {})],
    ['Resources', resourcesOf(spec)],
    ['Source', sourceOf(record)],
    ['Labels', Object.entries(spec.labels ?? {})]
  ];
  return {
    commands: present(commands).map(([title, text]) => ({ title, text })),
    tables: tables.map(([title, rows]) => ({ title, rows: present(rows) })).filter(({ rows }) => rows.length > 0)
  };
}

function present(pairs: Known): [string, string][] {
  return pairs.flatMap(([name, value]) => (value ? [[name, value] as [string, string]] : []));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function programOf(spec: JobSpec): string {
  return ['python', '-m', spec.package.module, ...(spec.args ?? [])].map(quoted).join(' ');
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

function resourcesOf({ resources, placement, timeoutSeconds, maxRetries }: JobSpec): Known {
  const pools = resources.workerPools.filter(pool => pool.replicaCount > 0);
  return [
    ['Scale tier', resources.scaleTier],
    ['Machines', pools.map(pool => `${pool.replicaCount} × ${pool.machineType}`).join(', ')],
    [
      'Replicas here',
      Object.entries(placement?.replicas ?? {})
        .map(([role, count]) => `${count} ${role}`)
        .join(', ')
    ],
    ['Cores here', placement && rough(placement.cores)],
    ['Memory here', placement && placement.memoryBytes > 0 ? bytes(placement.memoryBytes) : undefined],
    ['Timeout', timeoutSeconds === undefined ? undefined : duration(timeoutSeconds)],
    ['Retries', maxRetries ? `${maxRetries} at most` : undefined]
  ];
}

function sourceOf({ spec }: JobRecord): Known {
  const { origin } = spec;
  return [
    ['Notebook', origin.notebook],
    ['Cell', origin.cellNumber === undefined ? undefined : `Cell [${origin.cellNumber}]`],
    ['Dataset', spec.dataset],
    ['Model', spec.model],
    ['Rerun of', spec.rerunOf],
    ['Trial', spec.parent && `${spec.trial} of ${spec.parent}`],
    ['Best of study', spec.fromStudy],
    ['Git commit', spec.gitCommit?.slice(0, 12)],
    ['Package', spec.package.digest.slice(0, 12)],
    ['Requirements', spec.package.requirements?.join(', ')],
    ['Python', spec.python]
  ];
}
