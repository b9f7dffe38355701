import { memo } from 'react';

import type { JobRow, JobSummary } from '../types';
import { ago, bytes, duration, number, old, percent, plain, rough, roughly, secondsBetween, time } from './formats';
import { useNow } from './hooks';
import { Sparkline } from './Sparkline';
import { BackendMark, StateMark } from './StateMark';
import { isBad, isFinal, kindWord } from './states';

interface Props {
  row: JobRow;
  isChosen: boolean;
  /** Whether the trials of a study can be shown below it, and are. */
  fold: 'open' | 'closed' | 'none';
  /** It stands below its study, whose name need not be said again. */
  isBelow: boolean;
}

/** What is told of a job in the list. */
export const JobRowView = memo(function JobRowView({ row, isChosen, fold, isBelow }: Props) {
  const { summary } = row;
  const name = isBelow && summary.trial !== undefined ? `Trial ${summary.trial}` : plain(summary.displayName);
  return (
    <>
      <div role="gridcell" className="mlm-job">
        <div className="mlm-line">
          {fold !== 'none' && <Fold name={name} isOpen={fold === 'open'} />}
          <span className="mlm-job-name" title={`${plain(summary.displayName)}\n${summary.id}`}>
            {name}
          </span>
          <Elapsed summary={summary} />
        </div>
        <div className="mlm-line mlm-small">
          <StateMark state={summary.state} />
          {!isBelow && <BackendMark backend={summary.backend} />}
          <span className="mlm-faint mlm-described">
            {described(summary, isBelow).map(part => (
              <span key={part}>{part}</span>
            ))}
          </span>
          <Headline row={row} />
        </div>
        {below(row)}
      </div>
      <div role="gridcell" className="mlm-job-menu">
        <button
          type="button"
          tabIndex={-1}
          className="mlm-icon-button"
          data-mlm="job-menu"
          aria-label={`What can be done with ${name}`}
          aria-haspopup="menu"
        >
          ⋮
        </button>
        <input
          type="checkbox"
          tabIndex={-1}
          checked={isChosen}
          readOnly
          aria-label={`Choose ${name}`}
          data-mlm="choose"
        />
      </div>
    </>
  );
});

/** How high a row is likely to be, in pixels, before it is drawn. */
export function rowHeight(row: JobRow | undefined): number {
  return (
    48 + 18 * (row === undefined ? 0 : [hasProgress(row), row.note, sentence(row), row.trouble].filter(Boolean).length)
  );
}

function Fold({ name, isOpen }: { name: string; isOpen: boolean }) {
  const label = isOpen ? `Hide the trials of ${name}` : `Show the trials of ${name}`;
  return (
    <button type="button" tabIndex={-1} className="mlm-icon-button" data-mlm="fold" aria-label={label}>
      {isOpen ? '▾' : '▸'}
    </button>
  );
}

function Elapsed({ summary }: { summary: JobSummary }) {
  const { startTime, endTime, state } = summary;
  const now = useNow(!isFinal(state) || startTime === undefined);
  if (startTime === undefined) {
    return (
      <span className="mlm-elapsed mlm-faint" title={`Submitted ${time(summary.createTime)}`}>
        {isFinal(state) ? ago(summary.createTime, now) : duration(secondsBetween(summary.createTime, undefined, now))}
      </span>
    );
  }
  const title = `Started ${time(startTime)}${endTime === undefined ? '' : `\nEnded ${time(endTime)}`}`;
  return (
    <span className="mlm-elapsed" data-mlm="elapsed" title={title}>
      {duration(secondsBetween(startTime, endTime, now))}
    </span>
  );
}

function Headline({ row: { headline } }: { row: JobRow }) {
  return headline === undefined ? null : (
    <span className="mlm-headline" data-mlm="headline" title={plain(headline.name)}>
      {headline.points !== undefined && <Sparkline points={headline.points} />}
      <span className="mlm-faint mlm-headline-name">{plain(headline.name)}</span> {number(headline.value)}
    </span>
  );
}

function Progress({ row }: { row: JobRow }) {
  const { summary, fraction, etaSeconds, cores, memoryBytes } = row;
  const share = fraction === undefined ? undefined : Math.min(1, Math.max(0, Number(fraction)));
  const told = [
    share === undefined ? '' : percent(share),
    etaSeconds === undefined ? '' : `${roughly(etaSeconds)} left`
  ];
  const taken = [
    cores === undefined ? '' : `${rough(cores)} ${Number(cores) === 1 ? 'core' : 'cores'}`,
    memoryBytes === undefined ? '' : bytes(memoryBytes)
  ];
  return (
    <div className="mlm-line mlm-progress-line mlm-small">
      {share !== undefined && (
        <div
          className="mlm-progress"
          role="progressbar"
          aria-label={`Progress of ${plain(summary.displayName)}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.floor(100 * share)}
        >
          <div style={{ width: `${100 * share}%` }} />
        </div>
      )}
      <span data-mlm="progress">{joined(told)}</span>
      <span className="mlm-faint mlm-taken" data-mlm="usage">
        {joined(taken)}
      </span>
    </div>
  );
}

function below(row: JobRow) {
  const told = sentence(row);
  return (
    <>
      {hasProgress(row) && <Progress row={row} />}
      {row.note !== undefined && (
        <div className="mlm-cut mlm-small mlm-faint" title={plain(row.note)}>
          {plain(row.note)}
        </div>
      )}
      {told !== undefined && (
        <div className={`mlm-cut mlm-small ${isBad(row.summary.state) ? 'mlm-bad' : 'mlm-faint'}`} title={told}>
          {told}
        </div>
      )}
      {row.trouble !== undefined && (
        <div className="mlm-cut mlm-small mlm-old" data-mlm="trouble" title={old(row.trouble)}>
          {old(row.trouble)}
        </div>
      )}
    </>
  );
}

function hasProgress({ summary, fraction, cores, memoryBytes }: JobRow): boolean {
  const isLive = !isFinal(summary.state) && summary.startTime !== undefined;
  return isLive && (fraction !== undefined || cores !== undefined || memoryBytes !== undefined);
}

/** Why it failed, or why it does not run yet. */
function sentence({ summary, waitingFor }: JobRow): string | undefined {
  if (isFinal(summary.state)) {
    return summary.error && plain(summary.error.split('\n', 1)[0]!);
  }
  return waitingFor === undefined ? undefined : `Not running yet: ${plain(waitingFor)}`;
}

/** In the order of their worth: what has no room is left out. */
function described(summary: JobSummary, isBelow: boolean): string[] {
  const { displayName, kind, trial, attempt, priority, id, modelVersion, datasetVersion } = summary;
  const parts = [
    kind === 'training' ? '' : kindWord(kind),
    trial === undefined || isBelow ? '' : `trial ${trial}`,
    attempt > 1 ? `attempt ${attempt}` : '',
    made(displayName, modelVersion ?? datasetVersion),
    `…${id.slice(-4)}`,
    priority === 0 ? '' : `priority ${priority}`
  ];
  return parts.filter(part => part !== '');
}

/** The version that it made, without a name that stands above it already. */
function made(name: string, version: string | undefined): string {
  return version?.startsWith(`${name}@`) ? version.slice(name.length) : (version ?? '');
}

function joined(parts: readonly string[]): string {
  return parts.filter(part => part !== '').join(' · ');
}
