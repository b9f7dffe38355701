import { useEffect } from 'react';

import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { useRedraw, useSignal } from './hooks';

/** The rows of jobs as far as they are known, kept up to date. */
export function useRows(panels: IPanels, ids: readonly string[]): ReadonlyMap<string, JobRow> {
  const redraw = useRedraw();
  const key = ids.join();
  useSignal(panels.jobs.changed, row => ids.includes(row.summary.id) && redraw());
  useEffect(() => {
    const ends = ids.map(id => panels.jobs.watch(id));
    return () => ends.forEach(end => end());
  }, [panels, key]);
  const known = ids.map(id => panels.jobs.get(id)).filter(row => row !== undefined);
  return new Map(known.map(row => [row.summary.id, row]));
}

/** What jobs are called in a legend: by their names where these tell them apart, else with the end of their ids. */
export function labelsOf(ids: readonly string[], rows: ReadonlyMap<string, JobRow>): ReadonlyMap<string, string> {
  const names = ids.map(id => nameOf(id, rows.get(id)));
  return new Map(
    ids.map((id, index) => {
      const name = names[index]!;
      const isAlone = names.filter(other => other === name).length === 1;
      return [id, isAlone ? name : `${name} …${id.slice(-4)}`];
    })
  );
}

/** A job's name, of a trial with its number. */
export function nameOf(id: string, row: JobRow | undefined): string {
  if (row === undefined) {
    return id;
  }
  const { displayName, trial } = row.summary;
  return trial === undefined ? displayName : `${displayName} #${trial}`;
}
