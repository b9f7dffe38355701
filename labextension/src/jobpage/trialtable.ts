import { duration, number } from '../panel/formats';
import type { JobState, Measurement, StudyReport, Trial, TrialRun } from '../types';
import { bestOf, resultsOf } from './triallines';

/** A trial as a row of the table. */
export interface TrialRow {
  number: number;
  job: string;
  /** Of its job; undefined where that is not made yet, or was deleted. */
  state: JobState | undefined;
  isBest: boolean;
  cells: readonly TrialCell[];
  /** The same text means the same row: the page is made anew every few seconds. */
  told: string;
}

export interface TrialCell {
  text: string;
  /** What it is sorted by; numbers before texts, nothing last. */
  key: number | string | undefined;
}

export interface TrialTable {
  columns: readonly { title: string; isNumber: boolean }[];
  rows: readonly TrialRow[];
}

/** The trials of a study with what they tried and what came of it. */
export function trialTable(report: StudyReport): TrialTable {
  const { spec, trials = [] } = report.study;
  const runs = new Map((report.runs ?? []).map(run => [run.number, run]));
  const parameters = spec.parameters.map(parameter => parameter.name);
  const results = resultsOf(report);
  const best = bestOf(trials, spec.goal);
  const rows = trials.map(trial => rowOf(trial, runs.get(trial.number), results.get(trial.number), parameters));
  const titles = ['Trial', 'State', spec.metric, ...parameters, 'Step', 'Took'];
  return {
    columns: titles.map((title, at) => ({
      title,
      isNumber: at !== 1 && rows.every(row => typeof row.cells[at]?.key !== 'string')
    })),
    rows: rows.map(row => withText({ ...row, isBest: row.number === best }))
  };
}

/** Rows by a column; those that have nothing there stay last, whichever way. */
export function sortedRows(table: TrialTable, column: number, isDown: boolean): TrialRow[] {
  return [...table.rows].sort((one, other) => {
    const [mine, theirs] = [one.cells[column]?.key, other.cells[column]?.key];
    if (mine === undefined || theirs === undefined) {
      return Number(mine === undefined) - Number(theirs === undefined);
    }
    const order = typeof mine === 'number' && typeof theirs === 'number' ? mine - theirs : compareTexts(mine, theirs);
    return (isDown ? -order : order) || one.number - other.number;
  });
}

function compareTexts(one: number | string, other: number | string): number {
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

function withText(row: Omit<TrialRow, 'told'>): TrialRow {
  return { ...row, told: JSON.stringify([row.job, row.state, row.isBest, row.cells.map(cell => cell.text)]) };
}

function rowOf(
  trial: Trial,
  run: TrialRun | undefined,
  last: Measurement | undefined,
  parameters: readonly string[]
): Omit<TrialRow, 'isBest' | 'told'> {
  return {
    number: trial.number,
    job: trial.job,
    state: run?.state,
    cells: [
      { text: `#${trial.number}`, key: trial.number },
      { text: stateText(trial, run), key: stateText(trial, run) },
      last ? { text: number(last.value), key: finite(Number(last.value)) } : nothing,
      ...parameters.map(name => parameterCell(trial.parameters[name])),
      last ? { text: last.step.toLocaleString(), key: last.step } : nothing,
      run?.elapsedSeconds === undefined
        ? nothing
        : { text: duration(run.elapsedSeconds), key: Number(run.elapsedSeconds) }
    ]
  };
}

const nothing: TrialCell = { text: '', key: undefined };

function parameterCell(text: string | undefined): TrialCell {
  if (text === undefined) {
    return nothing;
  }
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? { text, key: text } : { text: number(value), key: value };
}

function stateText(trial: Trial, run: TrialRun | undefined): string {
  if (trial.isStoppedEarly) {
    return 'stopped early';
  }
  return (run?.state ?? trial.state).toLowerCase().replaceAll('_', ' ');
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
