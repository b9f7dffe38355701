import type { IPanels } from '../tokens';
import type { EndpointRow } from '../types';
import { attempt, confirm, copy } from './actions';
import { percent, plain, plural, rough } from './formats';
import { NounGrid, type NounRow } from './NounGrid';
import { useNouns } from './nounlist';
import { Empty, FirstSteps, ProblemBox } from './Notice';
import { AlertsMark } from '../nounpages/MonitoringPart';
import { openRowMenu } from './rowmenu';
import { BackendMark, StateMark } from './StateMark';

/** Requests move without an event. */
const EVERY = 5_000;

export function EndpointsTab({ panels }: { panels: IPanels }) {
  const { rows, problem, refresh } = useNouns(panels, 'endpoint', () => panels.client.endpoints(), EVERY);
  return (
    <>
      {problem !== null && <ProblemBox problem={problem} onRetry={refresh} />}
      {rows?.length === 0 && (
        <Empty title="No endpoints yet.">
          <FirstSteps does="A model is served with:" command="%deploy MODEL" />
        </Empty>
      )}
      {rows !== undefined && rows.length > 0 && (
        <NounGrid
          label="Endpoints"
          mark="endpoint-row"
          rows={rows.map(row => asRow(panels, row, refresh))}
          onMenu={openRowMenu}
        />
      )}
    </>
  );
}

function asRow(panels: IPanels, row: EndpointRow, refresh: () => void): NounRow {
  const { client } = panels;
  const open = () => panels.open({ noun: 'endpoint', key: row.name });
  const then = (action: () => Promise<unknown>) => () => void attempt(action).then(refresh);
  const start = then(() => client.startEndpoint(row.name));
  const stop = then(() => client.stopEndpoint(row.name));
  return {
    key: row.name,
    name: row.name,
    open,
    content: <Endpoint row={row} onStart={start} onStop={stop} />,
    actions: [
      { label: 'Open', mark: 'action-open', isEnabled: true, execute: open },
      { label: 'Start', mark: 'action-start', isEnabled: canStart(row), execute: start },
      { label: 'Stop', mark: 'action-stop', isEnabled: canStop(row), execute: stop },
      { label: 'Copy Name', mark: 'action-copy', isEnabled: true, execute: () => copy(row.name) },
      {
        label: 'Delete Endpoint…',
        mark: 'action-delete',
        isEnabled: true,
        execute: () => void remove(panels, row).then(refresh)
      }
    ]
  };
}

async function remove(panels: IPanels, { name }: EndpointRow): Promise<void> {
  const body = 'It stops answering requests. The versions that it serves stay.';
  if (await confirm(`Delete the endpoint ${name}?`, body, 'Delete')) {
    await attempt(() => panels.client.deleteEndpoint(name));
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function canStart({ state }: EndpointRow): boolean {
  return state === 'DOWN' || state === 'FAILED';
}

function canStop({ state }: EndpointRow): boolean {
  return state !== 'DOWN' && state !== 'STOPPING';
}

interface Props {
  row: EndpointRow;
  onStart: () => void;
  onStop: () => void;
}

function Endpoint({ row, onStart, onStop }: Props) {
  const does = canStart(row) ? 'Start' : 'Stop';
  return (
    <>
      <div className="mlm-line">
        <span className="mlm-job-name" title={row.name}>
          {row.name}
        </span>
        <button
          type="button"
          className="mlm-button mlm-small"
          data-mlm={`endpoint-${does.toLowerCase()}`}
          aria-label={`${does} ${row.name}`}
          disabled={!canStart(row) && !canStop(row)}
          onClick={canStart(row) ? onStart : onStop}
        >
          {does}
        </button>
      </div>
      <div className="mlm-wrap mlm-small">
        <StateMark state={row.state} />
        {row.alerts > 0 && <AlertsMark count={row.alerts} />}
        {row.backend === 'local' ? (
          <>
            <span>{rough(row.requestsPerSecond)} requests/s</span>
            <span className="mlm-faint">{plural(row.workers, 'worker')}</span>
          </>
        ) : (
          <BackendMark backend={row.backend} />
        )}
      </div>
      <div className="mlm-wrap mlm-small">
        {row.shares?.map(({ number, traffic }) => (
          <span key={number}>
            {row.model}@{number} <span className="mlm-faint">{percent(traffic / 100)}</span>
          </span>
        ))}
        {row.shadow !== undefined && (
          <span className="mlm-faint">
            shadow {row.model}@{row.shadow}
          </span>
        )}
        {row.follows !== undefined && <span className="mlm-faint">follows {row.follows}</span>}
      </div>
      {row.note !== undefined && (
        <div className="mlm-wrap mlm-small mlm-faint" data-mlm="endpoint-note">
          {plain(row.note)}
        </div>
      )}
      {row.idle !== undefined && (
        <div className="mlm-wrap mlm-small mlm-old" data-mlm="endpoint-idle">
          {capital(plain(row.idle))}
        </div>
      )}
      {row.error !== undefined && (
        <div className="mlm-cut mlm-small mlm-bad" title={plain(row.error)}>
          {plain(row.error)}
        </div>
      )}
    </>
  );
}
