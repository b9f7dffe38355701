import { useCallback, useDeferredValue, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react';

import { ProblemBox } from '../panel/Notice';
import { plural } from '../panel/formats';
import type { IPanels } from '../tokens';
import type { StudyReport } from '../types';
import { Empty } from './Notices';
import type { Range } from './TrialAxis';
import { TrialGrid } from './TrialGrid';
import { TrialsPlot } from './TrialsPlot';
import type { PageData } from './pagedata';
import type { ResultAxis } from './trialaxes';
import { passes, resultAxisOf, trialLines, type Brushes, type TrialLines } from './triallines';
import { trialTable, type TrialTable } from './trialtable';

/** The most that are compared at once: more lines nobody can tell apart. */
const MOST_COMPARED = 20;
const NO_BRUSHES: Brushes = new Map();

/** The trials of a study: across their parameters, and in a table of which each row leads to the page of its job. */
export function TrialsPart({ panels, data }: { panels: IPanels; data: PageData }) {
  const report = data.page?.bundle as unknown as StudyReport | undefined;
  if (!report?.study) {
    return data.problem ? <ProblemBox problem={data.problem} onRetry={data.refresh} /> : <Empty isLoading>…</Empty>;
  }
  if (!report.study.trials?.length) {
    return <Empty>There are no trials yet. The first appear as soon as the study runs.</Empty>;
  }
  return <Trials panels={panels} report={report} />;
}

function Trials({ panels, report }: { panels: IPanels; report: StudyReport }) {
  const host = useRef<HTMLDivElement>(null);
  const [pointed, point] = useState<number | null>(null);
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const table = useMemo(() => trialTable(report), [report]);
  const { lines, brushes, brush, free } = useBrushes(report);
  const passing = usePassing(lines, brushes);
  const toggle = useCallback((job: string) => choose(known => toggled(known, job)), []);
  const open = useCallback((job: string) => panels.open({ noun: 'job', key: job }), [panels]);
  usePointedRow(host, pointed);
  const pick = (trial: number): void => {
    const row = host.current?.querySelector(`tr[data-trial='${trial}']`);
    row?.scrollIntoView({ block: 'nearest' });
    row?.querySelector<HTMLElement>('button')?.focus({ preventScroll: true });
  };
  return (
    <div className="mlm-page-part mlm-trials" ref={host}>
      <TrialsPlot
        data={lines}
        brushes={brushes}
        onBrush={brush}
        passing={passing}
        pointed={pointed}
        onPoint={point}
        onPick={pick}
      />
      <p className="mlm-trials-told mlm-faint" data-mlm="trials-told">
        {pointed === null ? HINT : toldOf(table, pointed)}
      </p>
      <TrialsBar
        count={chosen.size}
        onCompare={() => panels.open({ noun: 'compare', key: [...chosen].join() })}
        shown={brushes.size > 0 ? `${passing.size} of ${plural(lines.lines.length, 'trial')}` : ''}
        onFree={free}
      />
      <TrialGrid
        table={table}
        passing={useDeferredValue(passing)}
        onPoint={point}
        chosen={chosen}
        onToggle={toggle}
        onOpen={open}
      />
    </div>
  );
}

const HINT = 'Point at a line to see its trial; draw along an axis to choose trials.';

/** Mark the row of a trial; of a thousand rows none is drawn again for that. */
function usePointedRow(host: RefObject<HTMLElement>, trial: number | null): void {
  useLayoutEffect(() => {
    const row = host.current?.querySelector(`tr[data-trial='${trial}']`);
    row?.setAttribute('data-pointed', 'true');
    return () => row?.removeAttribute('data-pointed');
  }, [host, trial]);
}

/** The trials across their axes, and what was chosen on these. */
function useBrushes(report: StudyReport) {
  const [brushes, setBrushes] = useState(NO_BRUSHES);
  const brush = useCallback(
    (at: number, range: Range | null) =>
      setBrushes(known => {
        const next = new Map(known);
        next.delete(at);
        return range ? next.set(at, range) : next;
      }),
    []
  );
  const free = useCallback(() => setBrushes(NO_BRUSHES), []);
  // While a part of it is chosen, an axis does not move below that: a study may go on.
  const kept = useRef<ResultAxis | null>(null);
  const isHeld = brushes.has(report.study.spec.parameters.length);
  const lines = useMemo(() => {
    kept.current = isHeld && kept.current ? kept.current : resultAxisOf(report);
    return trialLines(report, kept.current);
  }, [report, isHeld]);
  return { lines, brushes, brush, free };
}

function usePassing({ lines }: TrialLines, brushes: Brushes): ReadonlySet<number> {
  return useMemo(() => new Set(lines.filter(line => passes(line, brushes)).map(line => line.number)), [lines, brushes]);
}

function toggled(known: ReadonlySet<string>, job: string): ReadonlySet<string> {
  const next = new Set(known);
  return next.delete(job) ? next : next.add(job);
}

/** A trial in words: its parameters, and what came of it. */
function toldOf({ columns, rows }: TrialTable, trial: number): string {
  const cells = rows.find(row => row.number === trial)?.cells ?? [];
  const named = cells.map(({ text }, at) => (at < 2 ? text : text && `${columns[at]!.title} ${text}`));
  return named.filter(text => text !== '').join(' · ');
}

interface TrialsBarProps {
  count: number;
  onCompare: () => void;
  /** How many trials are shown; nothing while all are. */
  shown: string;
  onFree: () => void;
}

function TrialsBar({ count, onCompare, shown, onFree }: TrialsBarProps) {
  return (
    <div className="mlm-bar" role="group" aria-label="Trials">
      <button
        type="button"
        className="mlm-button"
        data-mlm="trials-compare"
        disabled={count < 2 || count > MOST_COMPARED}
        onClick={onCompare}
      >
        {count > 1 ? `Compare ${count}` : 'Compare'}
      </button>
      <span className="mlm-faint">
        {count > MOST_COMPARED ? `At most ${MOST_COMPARED} at once.` : 'Tick trials to compare them.'}
      </span>
      <span className="mlm-trials-shown" data-mlm="trials-shown" role="status">
        {shown}
      </span>
      {shown && (
        <button type="button" className="mlm-button" data-mlm="trials-free" onClick={onFree}>
          Show all
        </button>
      )}
    </div>
  );
}
