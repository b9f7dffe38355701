import { useEffect, useId, useState } from 'react';

import { attempt, confirm } from '../panel/actions';
import type { IPanels } from '../tokens';
import type { EndpointRow, VersionShare } from '../types';
import { WHOLE, withShare } from './shares';

export interface TrafficFormProps {
  panels: IPanels;
  endpoint: EndpointRow;
  onChanged: () => void;
}

/** How requests are split between versions: a slider and a number for each, which are 100 together. */
export function TrafficForm({ panels, endpoint, onChanged }: TrafficFormProps) {
  const versions = endpoint.shares ?? [];
  const saved = versions.map(version => version.traffic);
  const known = JSON.stringify(versions);
  const [shares, setShares] = useState(saved);
  const [isBusy, setBusy] = useState(false);
  // Somebody else may have set it meanwhile.
  useEffect(() => setShares(saved), [known]);
  const hasChanged = shares.some((share, at) => share !== saved[at]);
  const act = async (action: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    await attempt(action);
    setBusy(false);
    onChanged();
  };
  const apply = () =>
    act(() =>
      panels.client.setTraffic(
        endpoint.name,
        Object.fromEntries(versions.map(({ number }, at) => [number, shares[at] ?? 0]))
      )
    );
  const undeploy = async ({ number, traffic }: VersionShare): Promise<void> => {
    const body = traffic > 0 ? `Its ${traffic} % go to the other versions.` : 'It gets no requests now.';
    if (
      await confirm(
        `Take ${endpoint.model}@${number} from ${endpoint.name}?`,
        `${body} The version itself stays.`,
        'Undeploy'
      )
    ) {
      await act(() => panels.client.undeploy(endpoint.name, number));
    }
  };
  return (
    <section className="mlm-traffic" data-mlm="traffic" aria-label="Traffic">
      <h3>Traffic</h3>
      {versions.map((version, at) => (
        <Slider
          key={version.number}
          name={`${endpoint.model}@${version.number}`}
          share={shares[at] ?? 0}
          isFixed={versions.length === 1 || isBusy}
          onChange={share => setShares(present => withShare(present, saved, at, share))}
          onUndeploy={versions.length > 1 ? () => void undeploy(version) : undefined}
        />
      ))}
      {versions.length === 1 && <p className="mlm-faint">{aloneText(endpoint)}</p>}
      {versions.length > 1 && (
        <Buttons
          hasChanged={hasChanged}
          isBusy={isBusy}
          onApply={() => void apply()}
          onReset={() => setShares(saved)}
        />
      )}
    </section>
  );
}

interface ButtonsProps {
  hasChanged: boolean;
  isBusy: boolean;
  onApply: () => void;
  onReset: () => void;
}

function Buttons({ hasChanged, isBusy, onApply, onReset }: ButtonsProps) {
  const isOff = !hasChanged || isBusy;
  return (
    <div className="mlm-form-head">
      <button
        type="button"
        className="mlm-button mlm-primary"
        data-mlm="action-apply"
        disabled={isOff}
        onClick={onApply}
      >
        Apply
      </button>
      <button type="button" className="mlm-button" data-mlm="action-reset" disabled={isOff} onClick={onReset}>
        Reset
      </button>
      <span className="mlm-faint" role="status">
        {hasChanged ? 'Not applied yet.' : ''}
      </span>
    </div>
  );
}

interface SliderProps {
  name: string;
  share: number;
  isFixed: boolean;
  onChange: (share: number) => void;
  onUndeploy: (() => void) | undefined;
}

function Slider({ name, share, isFixed, onChange, onUndeploy }: SliderProps) {
  const id = useId();
  const shared = {
    min: 0,
    max: WHOLE,
    step: 1,
    value: share,
    disabled: isFixed,
    onChange: (event: { target: { value: string } }) => onChange(Number(event.target.value))
  };
  return (
    <div className="mlm-slider" data-mlm="share">
      <label htmlFor={id}>{name}</label>
      <input id={id} type="range" aria-valuetext={`${share} percent`} {...shared} />
      <span>
        <input type="number" aria-label={`Percent of ${name}`} {...shared} /> %
      </span>
      {onUndeploy && (
        <button
          type="button"
          className="mlm-button"
          data-mlm="action-undeploy"
          aria-label={`Undeploy ${name}`}
          disabled={isFixed}
          onClick={onUndeploy}
        >
          Undeploy
        </button>
      )}
    </div>
  );
}

function aloneText({ name, model, follows }: EndpointRow): string {
  const add = `Another one is put beside it with %deploy ${model}@VERSION --endpoint ${name} --traffic 10.`;
  return follows
    ? `It follows ${model}@${follows}, wherever that points. ${add}`
    : `One version gets all requests. ${add}`;
}
