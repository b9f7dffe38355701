import { ago, number, time } from '../panel/formats';
import type { IPanels } from '../tokens';
import type { ModelPage, ModelVersion } from '../types';

const MOST_METRICS = 4;

export interface VersionsTableProps {
  panels: IPanels;
  page: ModelPage;
  chosen: number | null;
  /** Something is being done, and nothing else can be. */
  isBusy: boolean;
  onChoose: (version: number) => void;
  onSetDefault: (version: number) => void;
  onDelete: (version: number) => void;
}

/** The versions of a model, newest first; one of them is chosen. */
export function VersionsTable(props: VersionsTableProps) {
  const { page } = props;
  const versions = [...page.versions].reverse();
  const metrics = metricsOf(versions);
  const more = page.count - versions.length;
  return (
    <div className="mlm-table-frame">
      <table className="mlm-table" data-mlm="versions">
        <thead>
          <tr>
            {['Version', 'Aliases', ...metrics, 'Made', 'Served by', 'By job'].map((name, at) => (
              <th scope="col" key={at}>
                {name}
              </th>
            ))}
            <th scope="col">
              <span className="mlm-spoken">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {versions.map(version => (
            <VersionRow key={version.number} {...props} version={version} metrics={metrics} />
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <p className="mlm-faint">
          and {more} older ones: %models list {page.model.name}
        </p>
      )}
    </div>
  );
}

interface VersionRowProps extends VersionsTableProps {
  version: ModelVersion;
  metrics: readonly string[];
}

function VersionRow(props: VersionRowProps) {
  const { panels, page, chosen, isBusy, version, metrics, onChoose, onSetDefault, onDelete } = props;
  const { number: at, createTime, origin } = version;
  const name = `${page.model.name}@${at}`;
  return (
    <tr data-mlm="version" data-version={at} aria-current={at === chosen ? 'true' : undefined}>
      <td>
        <Link text={`@${at}`} title={`Show ${name} below`} onClick={() => onChoose(at)} />
      </td>
      <td>{aliasesOf(page, at).join(', ')}</td>
      {metrics.map(metric => (
        <td key={metric} className="mlm-number">
          {valueText(version, metric)}
        </td>
      ))}
      <td title={time(createTime)}>{ago(createTime)}</td>
      <td>
        {(page.deployed?.[name] ?? []).map(key => (
          <Link key={key} text={key} title="Open the endpoint" onClick={() => panels.open({ noun: 'endpoint', key })} />
        ))}
      </td>
      <td>
        <JobLink panels={panels} job={origin.jobId} />
      </td>
      <td>
        <div className="mlm-actions">
          {page.model.aliases?.default !== at && (
            <Action
              mark="default"
              text="Set default"
              name={`Make ${name} the default`}
              isOff={isBusy}
              onClick={() => onSetDefault(at)}
            />
          )}
          <Action mark="delete" text="Delete" name={`Delete ${name}`} isOff={isBusy} onClick={() => onDelete(at)} />
        </div>
      </td>
    </tr>
  );
}

interface ActionProps {
  mark: string;
  text: string;
  name: string;
  isOff: boolean;
  onClick: () => void;
}

function Action({ mark, text, name, isOff, onClick }: ActionProps) {
  return (
    <button
      type="button"
      className="mlm-button"
      data-mlm={`action-${mark}`}
      aria-label={name}
      disabled={isOff}
      onClick={onClick}
    >
      {text}
    </button>
  );
}

function JobLink({ panels, job }: { panels: IPanels; job: string | undefined }) {
  return job ? (
    <Link text={job} title="Open the job that made it" onClick={() => panels.open({ noun: 'job', key: job })} />
  ) : (
    <>—</>
  );
}

export function Link({ text, title, onClick }: { text: string; title: string; onClick: () => void }) {
  return (
    <button type="button" className="mlm-link" title={title} onClick={onClick}>
      {text}
    </button>
  );
}

function aliasesOf(page: ModelPage, version: number): string[] {
  const names = Object.entries(page.model.aliases ?? {}).filter(([, target]) => target === version);
  return names
    .map(([name]) => name)
    .sort((a, b) => Number(b === 'default') - Number(a === 'default') || a.localeCompare(b));
}

/** The metrics that most versions have, those of validation before those of training. */
function metricsOf(versions: readonly ModelVersion[]): string[] {
  const counts = new Map<string, number>();
  for (const name of versions.flatMap(version => Object.keys(version.origin.metrics ?? {}))) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const rank = (name: string) => (counts.get(name) ?? 0) + (name.startsWith('val_') ? 0.5 : 0);
  return [...counts.keys()].sort((a, b) => rank(b) - rank(a)).slice(0, MOST_METRICS);
}

function valueText(version: ModelVersion, metric: string): string {
  const value = version.origin.metrics?.[metric];
  return value === undefined ? '—' : number(value);
}
