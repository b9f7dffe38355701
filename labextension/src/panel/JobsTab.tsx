import type { CommandRegistry } from '@lumino/commands';

import type { ListQuery } from '../joblist';
import { CommandIDs } from './commands';
import { FilterBox, isAboutFilter } from './FilterBox';
import { plural } from './formats';
import { useSignal } from './hooks';
import { JobsGrid } from './JobsGrid';
import { JobsToolbar } from './JobsToolbar';
import type { PanelModel } from './model';
import { Empty, FirstSteps, ProblemBox } from './Notice';

interface Props {
  model: PanelModel;
  commands: CommandRegistry;
}

export function JobsTab({ model, commands }: Props) {
  const { jobs } = model.jobs;
  useSignal(model.jobs.changed);
  const { query, problem } = jobs;
  const isFilterWrong = problem !== null && isAboutFilter(problem, query.filter);
  const ask = (changed: ListQuery) => {
    model.jobs.ask(changed);
    model.clear();
  };
  return (
    <>
      <FilterBox
        filter={query.filter}
        problem={isFilterWrong ? problem : null}
        onFilter={filter => ask({ ...query, filter })}
      />
      <JobsToolbar query={query} onQuery={ask} />
      {problem !== null && !isFilterWrong && <ProblemBox problem={problem} onRetry={() => model.jobs.refresh()} />}
      <Chosen model={model} commands={commands} />
      {jobs.total > 0 && <JobsGrid model={model} commands={commands} />}
      {jobs.total === 0 && problem === null && (
        <Nothing isRead={jobs.isRead} query={query} onAll={() => ask({ ...query, filter: '' })} />
      )}
      {jobs.total > 0 && (
        <div className="mlm-foot mlm-faint mlm-small" role="status" data-mlm="job-count">
          {plural(jobs.total, 'job')}
        </div>
      )}
    </>
  );
}

function Nothing({ isRead, query, onAll }: { isRead: boolean; query: ListQuery; onAll: () => void }) {
  if (!isRead) {
    return <div className="mlm-empty mlm-faint">Reading the jobs…</div>;
  }
  if (query.filter !== '') {
    return (
      <Empty title="No job passes the filter.">
        <button type="button" className="mlm-button" onClick={onAll}>
          Show all jobs
        </button>
      </Empty>
    );
  }
  return (
    <Empty title="No jobs yet.">
      <FirstSteps does="A cell of a notebook becomes one with this as its first line:" command="%%train NAME" />
    </Empty>
  );
}

/** What can be done with the jobs that are chosen. */
function Chosen({ model, commands }: Props) {
  useSignal(model.changed);
  const { size } = model.chosen;
  if (size === 0) {
    return null;
  }
  const ids = [...model.chosen];
  const buttons: [string, string, string][] = [
    [CommandIDs.compareJobs, 'Compare', 'action-compare'],
    [CommandIDs.openBoard, 'TensorBoard', 'action-board'],
    [CommandIDs.cancelJobs, 'Cancel', 'action-cancel'],
    [CommandIDs.deleteJobs, 'Delete', 'action-delete']
  ];
  return (
    <div className="mlm-chosen" role="group" aria-label="Chosen jobs" data-mlm="chosen">
      <span role="status">{size} chosen</span>
      {buttons.map(([command, label, mark]) => (
        <button
          key={command}
          type="button"
          className="mlm-button"
          data-mlm={mark}
          disabled={!commands.isEnabled(command, { ids })}
          onClick={() => void commands.execute(command, { ids })}
        >
          {label}
        </button>
      ))}
      <button type="button" className="mlm-icon-button" aria-label="Choose none" onClick={() => model.clear()}>
        ✕
      </button>
    </div>
  );
}
