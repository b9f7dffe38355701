import { bytes, rough } from '../panel/formats';
import type { UsageSample } from '../types';
import { colourOf, extent, type Line } from './curvelines';

/** What a machine has. */
export interface Machine {
  cores: number;
  memoryBytes: number;
}

export type Machines = Readonly<Record<string, Machine | undefined>>;

export interface UsageChart {
  title: string;
  kind: 'cores' | 'memory' | 'percent';
  lines: Line[];
}

interface Measure {
  title: string;
  kind: UsageChart['kind'];
  value: (sample: UsageSample) => number | undefined;
  limit: (machine: Machine) => number | undefined;
}

const ROLES = ['chief', 'worker', 'ps', 'evaluator'];
const MEASURES: readonly Measure[] = [
  { title: 'Cores', kind: 'cores', value: sample => Number(sample.cores), limit: machine => machine.cores },
  { title: 'Memory', kind: 'memory', value: sample => sample.memoryBytes, limit: machine => machine.memoryBytes },
  { title: 'GPU, percent', kind: 'percent', value: sample => numberOf(sample.gpuPercent), limit: () => undefined },
  { title: 'GPU memory', kind: 'memory', value: sample => sample.gpuMemoryBytes, limit: () => undefined }
];

/** What each replica took, as charts; chief first. */
export function usageCharts(
  samples: readonly UsageSample[],
  machines: Machines,
  isLive: boolean
): { replica: string; charts: UsageChart[] }[] {
  const begin = extent(samples.map(startOf)).low;
  const replicas = new Map<string, UsageSample[]>();
  for (const sample of samples) {
    const known = replicas.get(sample.replica);
    if (known) {
      known.push(sample);
    } else {
      replicas.set(sample.replica, [sample]);
    }
  }
  return [...replicas]
    .sort(([one], [other]) => byReplica(one, other))
    .map(([replica, own]) => ({ replica, charts: chartsOf(own, begin, machines[replica.split('-')[0]!], isLive) }));
}

function chartsOf(
  samples: readonly UsageSample[],
  begin: number,
  machine: Machine | undefined,
  isLive: boolean
): UsageChart[] {
  return MEASURES.filter(({ value }) => samples.some(sample => value(sample) !== undefined)).map(measure => ({
    title: measure.title,
    kind: measure.kind,
    lines: [lineOf(samples, begin, measure, isLive), ...limitsOf(samples, begin, measure, machine)]
  }));
}

function lineOf(samples: readonly UsageSample[], begin: number, measure: Measure, isLive: boolean): Line {
  const { kind, value } = measure;
  return {
    label: 'used',
    colour: colourOf(kind === 'memory' ? 1 : 0),
    isDashed: false,
    isBehind: false,
    xs: samples.map(sample => endOf(sample) - begin),
    ys: samples.map(sample => value(sample) ?? NaN),
    summary: summaryOf(samples, measure, isLive)
  };
}

/** What a replica takes now and took at most; of one that has ended, what it took on average and at most. */
function summaryOf(samples: readonly UsageSample[], { kind, value }: Measure, isLive: boolean): string {
  const text = kind === 'memory' ? bytes : rough;
  const known = samples.filter(sample => value(sample) !== undefined);
  const most = text(extent(known.map(sample => value(sample)!)).high);
  if (isLive) {
    return `${text(value(known.at(-1)!)!)} now, ${most} at most`;
  }
  const seconds = known.reduce((sum, sample) => sum + Number(sample.seconds), 0);
  const mean = known.reduce((sum, sample) => sum + value(sample)! * Number(sample.seconds), 0) / (seconds || 1);
  return kind === 'memory' ? `${most} at most` : `${text(mean)} on average, ${most} at most`;
}

function limitsOf(
  samples: readonly UsageSample[],
  begin: number,
  { limit }: Measure,
  machine: Machine | undefined
): Line[] {
  const most = machine && limit(machine);
  if (most === undefined) {
    return [];
  }
  const xs = [...new Set([endOf(samples[0]!), endOf(samples.at(-1)!)])].map(time => time - begin);
  return [
    { label: 'the tier gives', colour: '--mlm-limit', isDashed: true, isBehind: false, xs, ys: xs.map(() => most) }
  ];
}

function numberOf(value: UsageSample['gpuPercent']): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function endOf(sample: UsageSample): number {
  return Date.parse(sample.time) / 1000;
}

function startOf(sample: UsageSample): number {
  return endOf(sample) - Number(sample.seconds);
}

function byReplica(one: string, other: string): number {
  const [role, index] = one.split('-');
  const [otherRole, otherIndex] = other.split('-');
  return ROLES.indexOf(role!) - ROLES.indexOf(otherRole!) || Number(index) - Number(otherIndex);
}
