import type { IPanels } from '../tokens';
import type { ModelRow } from '../types';
import { attempt, confirm, copy } from './actions';
import { Ago } from './Ago';
import { number, plain, plural } from './formats';
import { NounGrid, type NounRow } from './NounGrid';
import { useNouns } from './nounlist';
import { Empty, FirstSteps, ProblemBox } from './Notice';
import { openRowMenu } from './rowmenu';

/** So many metrics have room in a row. */
const MOST_METRICS = 3;

export function ModelsTab({ panels }: { panels: IPanels }) {
  const { rows, problem, refresh } = useNouns(panels, 'model', () => panels.client.models());
  return (
    <>
      {problem !== null && <ProblemBox problem={problem} onRetry={refresh} />}
      {rows?.length === 0 && (
        <Empty title="No models yet.">
          <FirstSteps does="A training job that writes a model makes its first version:" command="%%train NAME" />
        </Empty>
      )}
      {rows !== undefined && rows.length > 0 && (
        <NounGrid
          label="Models"
          mark="model-row"
          rows={rows.map(row => asRow(panels, row, refresh))}
          onMenu={openRowMenu}
        />
      )}
    </>
  );
}

function asRow(panels: IPanels, row: ModelRow, refresh: () => void): NounRow {
  const open = () => panels.open({ noun: 'model', key: row.name });
  return {
    key: row.name,
    name: row.name,
    open,
    content: <Model row={row} />,
    actions: [
      { label: 'Open', mark: 'action-open', isEnabled: true, execute: open },
      { label: 'Copy Name', mark: 'action-copy', isEnabled: true, execute: () => copy(row.name) },
      {
        label: 'Delete Model…',
        mark: 'action-delete',
        isEnabled: (row.endpoints ?? []).length === 0,
        execute: () => void remove(panels, row).then(refresh)
      }
    ]
  };
}

async function remove(panels: IPanels, { name, versions }: ModelRow): Promise<void> {
  const body = `${plural(versions, 'version')} with all files would be removed for good.`;
  if (await confirm(`Delete the model ${name}?`, body, 'Delete')) {
    await attempt(() => panels.client.deleteModel(name));
  }
}

function Model({ row }: { row: ModelRow }) {
  const metrics = mainMetrics(row.metrics ?? {});
  return (
    <>
      <div className="mlm-line">
        <span className="mlm-job-name" title={row.name}>
          {row.name}
        </span>
        {row.updateTime !== undefined && <Ago value={row.updateTime} />}
      </div>
      <div className="mlm-wrap mlm-small">
        <span>{row.default === undefined ? 'no version yet' : `default ${row.name}@${row.default}`}</span>
        <span className="mlm-faint">{plural(row.versions, 'version')}</span>
      </div>
      {metrics.length > 0 && (
        <div className="mlm-wrap mlm-small">
          {metrics.map(([name, value]) => (
            <span key={name}>
              <span className="mlm-faint">{plain(name)}</span> {number(value)}
            </span>
          ))}
        </div>
      )}
      {row.endpoints !== undefined && row.endpoints.length > 0 && (
        <div className="mlm-cut mlm-small mlm-faint">served by {row.endpoints.join(', ')}</div>
      )}
    </>
  );
}

/** Those of the data that was held back tell most. */
function mainMetrics(metrics: NonNullable<ModelRow['metrics']>): [string, (typeof metrics)[string]][] {
  const rank = ([name]: [string, unknown]) => (/^(val|eval|test)_/.test(name) ? 0 : 1);
  return Object.entries(metrics)
    .sort((one, other) => rank(one) - rank(other))
    .slice(0, MOST_METRICS);
}
