import { useId, useState } from 'react';

import { word } from '../panel/states';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import type { Across } from './curvelines';
import type { CurvesLook } from './curveslook';
import { nameOf } from './rows';

export interface CurvesBarProps {
  panels: IPanels;
  look: CurvesLook;
  onLook: (look: CurvesLook) => void;
  /** Jobs that the page is about, and those that were put over them. */
  own: readonly string[];
  added: readonly string[];
  labels: ReadonlyMap<string, string>;
  onAdded: (ids: readonly string[]) => void;
  isZoomed: boolean;
  onReset: () => void;
}

const ACROSS: readonly (readonly [Across, string])[] = [
  ['step', 'Step'],
  ['relative', 'Time since start'],
  ['wall', 'Time of day']
];

/** How curves are drawn, and which other jobs are drawn with them. */
export function CurvesBar(props: CurvesBarProps) {
  const { look, onLook } = props;
  const slider = useId();
  return (
    <div className="mlm-bar" role="group" aria-label="Curves">
      <select
        className="mlm-input"
        aria-label="Across"
        data-mlm="curves-across"
        value={look.across}
        onChange={event => onLook({ ...look, across: event.target.value as Across })}
      >
        {ACROSS.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <label className="mlm-page-check">
        <input
          type="checkbox"
          data-mlm="curves-log"
          checked={look.isLog}
          onChange={event => onLook({ ...look, isLog: event.target.checked })}
        />
        Log axis
      </label>
      <label className="mlm-page-check" htmlFor={slider}>
        Smoothing
      </label>
      <input
        id={slider}
        type="range"
        className="mlm-range"
        data-mlm="curves-smoothing"
        min={0}
        max={0.99}
        step={0.01}
        value={look.smoothing}
        onChange={event => onLook({ ...look, smoothing: Number(event.target.value) })}
      />
      <output className="mlm-faint" htmlFor={slider}>
        {look.smoothing.toLocaleString(undefined, { minimumFractionDigits: 2 })}
      </output>
      <button
        type="button"
        className="mlm-button"
        data-mlm="curves-reset"
        disabled={!props.isZoomed}
        onClick={props.onReset}
      >
        Reset zoom
      </button>
      <Overlays {...props} />
    </div>
  );
}

function Overlays({ panels, own, added, labels, onAdded }: CurvesBarProps) {
  const [rows, setRows] = useState<readonly JobRow[]>([]);
  const read = (): void => {
    // What cannot be read leaves the list as it is; the page itself says that the server is away.
    panels.client.jobs({ limit: 100 }).then(
      found => setRows(found.jobs),
      () => undefined
    );
  };
  const others = rows.filter(({ summary: { id } }) => !own.includes(id) && !added.includes(id));
  return (
    <>
      <select
        className="mlm-input"
        aria-label="Add another job's curves"
        data-mlm="curves-add"
        value=""
        onFocus={read}
        // Before it is opened: what comes later, an open list may not show.
        onPointerEnter={read}
        onChange={event => event.target.value && onAdded([...added, event.target.value])}
      >
        <option value="">+ Add a job…</option>
        {others.map(row => (
          <option key={row.summary.id} value={row.summary.id}>
            {`${nameOf(row.summary.id, row)} …${row.summary.id.slice(-4)} · ${word(row.summary.state)}`}
          </option>
        ))}
      </select>
      {added.map(id => (
        <button
          key={id}
          type="button"
          className="mlm-button"
          aria-label={`Remove ${labels.get(id) ?? id}`}
          title={id}
          onClick={() => onAdded(added.filter(other => other !== id))}
        >
          {labels.get(id) ?? id} ✕
        </button>
      ))}
    </>
  );
}
