import { useCallback, useId, useRef, useState } from 'react';

import { ProblemError } from '../client';
import { HtmlView } from '../jobpage/HtmlView';
import { deleteDataset } from '../panel/datasetdeletion';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import { useChanges, useLoaded } from './loaded';

export interface DatasetViewProps {
  panels: IPanels;
  name: string;
  /** The version that was asked for; null shows the newest. */
  version: number | null;
}

/** A dataset: one of its versions, as the server describes it. */
export function DatasetView({ panels, name, version }: DatasetViewProps) {
  const root = useRef<HTMLDivElement>(null);
  const id = useId();
  const [picked, setPicked] = useState<{ asked: number | null; number: number | null } | null>(null);
  const wanted = picked?.asked === version ? picked.number : version;
  const load = useCallback(() => read(panels, name, wanted), [panels, name, wanted]);
  const { value, problem, reload } = useLoaded(load);
  useChanges(panels, ['dataset'], root, reload);
  const shown = wanted ?? value?.newest ?? null;
  const remove = async (): Promise<void> => {
    if (shown !== null && (await deleteDataset(panels, name, shown, value?.location))) {
      setPicked({ asked: version, number: null });
    }
    await reload();
  };
  return (
    <div ref={root} className="mlm-noun" data-mlm="dataset-page" data-name={name}>
      <div className="mlm-noun-head">
        <h2>
          <span className="mlm-faint">Dataset</span> {name}
        </h2>
        {value !== null && shown !== null && (
          <>
            <label htmlFor={id}>Version</label>
            <select
              id={id}
              data-mlm="version-choice"
              value={shown}
              onChange={event => setPicked({ asked: version, number: Number(event.target.value) })}
            >
              {choices(value.newest, shown).map(number => (
                <option key={number} value={number}>
                  {number === value.newest ? `@${number}, the newest` : `@${number}`}
                </option>
              ))}
            </select>
            <button type="button" className="mlm-button" data-mlm="action-delete" onClick={() => void remove()}>
              Delete version
            </button>
          </>
        )}
      </div>
      {problem && <ProblemBox problem={problem} onRetry={() => void reload()} />}
      {value && !problem && <HtmlView html={value.html} />}
    </div>
  );
}

interface Shown {
  newest: number;
  html: string;
  /** Where in a bucket the same files lie. */
  location: string | undefined;
}

/** Read a version; null means the newest. */
async function read(panels: IPanels, name: string, version: number | null): Promise<Shown> {
  const row = (await panels.client.datasets()).find(each => each.name === name);
  if (row === undefined) {
    throw new ProblemError(
      { message: `There is no dataset ${name} any more.`, hint: 'See those that there are: %datasets' },
      404
    );
  }
  const { page } = await panels.client.dataset(name, version ?? row.number);
  return { newest: row.number, html: page.html, location: page.bundle?.['location'] as string | undefined };
}

/** Numbers are given one after the other. Of one that was deleted, the server says so. */
function choices(newest: number, shown: number): number[] {
  return Array.from({ length: Math.max(newest, shown) }, (_, at) => Math.max(newest, shown) - at);
}
