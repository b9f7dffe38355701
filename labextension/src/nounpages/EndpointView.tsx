import { useCallback, useRef, useState } from 'react';

import { HtmlView } from '../jobpage/HtmlView';
import { useConnected, usePolling } from '../jobpage/hooks';
import { attempt, confirm } from '../panel/actions';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { EndpointPage, EndpointRow, EndpointState } from '../types';
import { useChanges, useLoaded } from './loaded';
import { MonitoringPart } from './MonitoringPart';
import { PredictionForm } from './PredictionForm';
import { TrafficForm } from './TrafficForm';
import { Link } from './VersionsTable';

/** An endpoint's numbers move without any event: how long it is left alone while it is looked at, in milliseconds. */
const PAUSE = 2_000;

const STOPPED: ReadonlySet<EndpointState> = new Set<EndpointState>(['DOWN', 'FAILED']);

export interface EndpointViewProps {
  panels: IPanels;
  name: string;
  onGone: () => void;
}

/** An endpoint: how it is, how its requests are split, and a form to ask it. */
export function EndpointView({ panels, name, onGone }: EndpointViewProps) {
  const root = useRef<HTMLDivElement>(null);
  const load = useCallback(() => panels.client.endpoint(name), [panels, name]);
  const { value, problem, reload } = useLoaded(load);
  const isSeen = useChanges(panels, ['endpoint', 'model'], root, reload);
  const endpoint = value?.endpoint;
  const moves = endpoint !== undefined && !STOPPED.has(endpoint.state);
  usePolling(reload, PAUSE, isSeen && moves, useConnected(panels.stream));
  const signature = (value?.page.bundle as EndpointPage | undefined)?.signature;
  return (
    <div ref={root} className="mlm-noun" data-mlm="endpoint-page" data-name={name}>
      <div className="mlm-noun-head">
        <h2>
          <span className="mlm-faint">Endpoint</span> {name}
        </h2>
        {endpoint && <Actions panels={panels} endpoint={endpoint} onChanged={() => void reload()} onGone={onGone} />}
      </div>
      {problem && <ProblemBox problem={problem} onRetry={() => void reload()} />}
      {value && <HtmlView html={value.page.html} />}
      {endpoint && <TrafficForm panels={panels} endpoint={endpoint} onChanged={() => void reload()} />}
      {endpoint?.backend === 'local' && <MonitoringPart panels={panels} endpoint={endpoint} />}
      {endpoint && (
        <section aria-label={`Ask ${name}`}>
          <h3>Ask {name}</h3>
          {STOPPED.has(endpoint.state) ? (
            <p className="mlm-empty" data-mlm="empty">
              It does not serve now. Start it to ask it.
            </p>
          ) : (
            <PredictionForm target={name} signature={signature} ask={each => panels.client.askEndpoint(name, each)} />
          )}
        </section>
      )}
    </div>
  );
}

interface ActionsProps {
  panels: IPanels;
  endpoint: EndpointRow;
  onChanged: () => void;
  onGone: () => void;
}

function Actions({ panels, endpoint, onChanged, onGone }: ActionsProps) {
  const { name, model, state } = endpoint;
  const [isBusy, setBusy] = useState(false);
  const act = async (action: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    const isDone = await attempt(() => action().then(() => true));
    setBusy(false);
    onChanged();
    return isDone === true;
  };
  const stop = async (): Promise<void> => {
    const body = 'Requests are refused until it is started again. Its name, port and versions stay.';
    if (await confirm(`Stop ${name}?`, body, 'Stop')) {
      await act(() => panels.client.stopEndpoint(name));
    }
  };
  const remove = async (): Promise<void> => {
    const body = `It is stopped and forgotten, and requests to it fail. The versions of ${model} stay.`;
    if (
      (await confirm(`Delete the endpoint ${name}?`, body, 'Delete')) &&
      (await act(() => panels.client.deleteEndpoint(name)))
    ) {
      onGone();
    }
  };
  return (
    <>
      <span className="mlm-faint">
        serves{' '}
        <Link
          text={model}
          title={`Open the model ${model}`}
          onClick={() => panels.open({ noun: 'model', key: model })}
        />
      </span>
      {STOPPED.has(state) ? (
        <Action
          mark="start"
          name="Start"
          isOff={isBusy}
          onClick={() => void act(() => panels.client.startEndpoint(name))}
        />
      ) : (
        <Action mark="stop" name="Stop" isOff={isBusy || state === 'STOPPING'} onClick={() => void stop()} />
      )}
      <Action mark="delete" name="Delete" isOff={isBusy} onClick={() => void remove()} />
    </>
  );
}

interface ActionProps {
  mark: string;
  name: string;
  isOff: boolean;
  onClick: () => void;
}

function Action({ mark, name, isOff, onClick }: ActionProps) {
  return (
    <button type="button" className="mlm-button" data-mlm={`action-${mark}`} disabled={isOff} onClick={onClick}>
      {name}
    </button>
  );
}
