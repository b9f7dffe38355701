import type { IPanels } from '../tokens';
import type { DatasetRow } from '../types';
import { copy } from './actions';
import { Ago } from './Ago';
import { deleteDataset } from './datasetdeletion';
import { bytes, count, plural } from './formats';
import { NounGrid, type NounRow } from './NounGrid';
import { useNouns } from './nounlist';
import { Empty, FirstSteps, ProblemBox } from './Notice';
import { openRowMenu } from './rowmenu';

const SPLITS = ['train', 'eval', 'test'];

export function DataTab({ panels }: { panels: IPanels }) {
  const { rows, problem, refresh } = useNouns(panels, 'dataset', () => panels.client.datasets());
  return (
    <>
      {problem !== null && <ProblemBox problem={problem} onRetry={refresh} />}
      {rows?.length === 0 && (
        <Empty title="No datasets yet.">
          <FirstSteps does="Raw files become one with:" command="%%preprocess NAME --input 'FILES'" />
        </Empty>
      )}
      {rows !== undefined && rows.length > 0 && (
        <NounGrid
          label="Datasets"
          mark="dataset-row"
          rows={rows.map(row => asRow(panels, row, refresh))}
          onMenu={openRowMenu}
        />
      )}
    </>
  );
}

function asRow(panels: IPanels, row: DatasetRow, refresh: () => void): NounRow {
  const name = `${row.name}@${row.number}`;
  const open = () => panels.open({ noun: 'dataset', key: name });
  return {
    key: row.name,
    name: row.name,
    open,
    content: <Dataset row={row} />,
    actions: [
      { label: 'Open', mark: 'action-open', isEnabled: true, execute: open },
      { label: 'Copy Name', mark: 'action-copy', isEnabled: true, execute: () => copy(name) },
      {
        label: `Delete ${name}…`,
        mark: 'action-delete',
        isEnabled: true,
        execute: () => void deleteDataset(panels, row.name, row.number, row.location).then(refresh)
      }
    ]
  };
}

function Dataset({ row }: { row: DatasetRow }) {
  return (
    <>
      <div className="mlm-line">
        <span className="mlm-job-name" title={row.name}>
          {row.name}@{row.number}
        </span>
        <Ago value={row.createTime} />
      </div>
      <div className="mlm-wrap mlm-small">
        {splits(row.rows ?? {}).map(([split, rows]) => (
          <span key={split}>
            <span className="mlm-faint">{split}</span> {count(rows)}
          </span>
        ))}
      </div>
      <div className="mlm-wrap mlm-small mlm-faint">
        <span>{plural(row.columns, 'column')}</span>
        <span>{bytes(row.totalBytes)}</span>
        {row.versions > 1 && <span>{plural(row.versions, 'version')}</span>}
      </div>
    </>
  );
}

/** In the order of their use. */
function splits(rows: Record<string, number>): [string, number][] {
  const rank = (split: string) => (SPLITS.indexOf(split) + SPLITS.length + 1) % (SPLITS.length + 1);
  return Object.entries(rows).sort(([one], [other]) => rank(one) - rank(other));
}
