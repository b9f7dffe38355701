import { useEffect, useState } from 'react';

import { asProblem } from '../client';
import { ProblemBox } from '../panel/Notice';
import { bytes } from '../panel/formats';
import type { IPanels } from '../tokens';
import type { PackageFile, Problem } from '../types';
import { Copyable } from './Copyable';
import { Empty } from './Notices';
import { SourceView } from './SourceView';
import { invocationOf, type Invocation } from './invocation';
import type { Places } from './places';

export interface CodePartProps {
  panels: IPanels;
  id: string;
  places: Places;
  /** The payload of the page, for the commands that the server knows. */
  bundle: Readonly<Record<string, unknown>> | undefined;
}

/** How a job was started, with which versions, and the program that it ran. */
export function CodePart({ panels, id, places, bundle }: CodePartProps) {
  const [known, problem, retry] = useAnswer(
    async () => Promise.all([panels.client.job(id), panels.client.packageFiles(id)]),
    `${id}`
  );
  if (!known) {
    return problem ? <ProblemBox problem={problem} onRetry={retry} /> : <Empty isLoading>…</Empty>;
  }
  const [description, files] = known;
  const { commands, tables } = invocationOf(description.record, bundle);
  return (
    <div className="mlm-page-part">
      {commands.map(({ title, text }) => (
        <Copyable key={title} title={title} text={text} />
      ))}
      <Package panels={panels} id={id} files={files} module={description.record.spec.package.module} places={places} />
      <Facts tables={tables} />
    </div>
  );
}

function Facts({ tables }: { tables: Invocation['tables'] }) {
  return (
    <div className="mlm-facts">
      {tables.map(({ title, rows }) => (
        <section key={title} aria-label={title}>
          <h2 className="mlm-page-heading">{title}</h2>
          <table className="mlm-page-table">
            <tbody>
              {rows.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </div>
  );
}

interface PackageProps {
  panels: IPanels;
  id: string;
  files: readonly PackageFile[];
  module: string;
  places: Places;
}

function Package({ panels, id, files, module, places }: PackageProps) {
  const [chosen, choose] = useState(() => firstOf(files, module));
  const [text, problem, retry] = useAnswer(async () => (chosen ? panels.client.packageFile(id, chosen) : ''), chosen);
  if (files.length === 0) {
    return <Empty>The package of this job is not kept any more.</Empty>;
  }
  return (
    <section aria-label="Package">
      <h2 className="mlm-page-heading">Package</h2>
      <div className="mlm-package">
        <FileTree files={files} chosen={chosen} onChoose={choose} />
        {text !== null ? (
          <SourceView path={chosen} text={text} places={places} onShowCell={place => panels.showCell(place)} />
        ) : problem ? (
          <ProblemBox problem={problem} onRetry={retry} />
        ) : (
          <Empty isLoading>…</Empty>
        )}
      </div>
    </section>
  );
}

interface FileTreeProps {
  files: readonly PackageFile[];
  chosen: string;
  onChoose: (path: string) => void;
}

function FileTree({ files, chosen, onChoose }: FileTreeProps) {
  const folders = [...new Set(files.map(file => folderOf(file.path)))].sort();
  return (
    <nav className="mlm-files" aria-label="Files">
      {folders.map(folder => (
        <div key={folder}>
          {folder && <div className="mlm-faint">{folder}/</div>}
          {files
            .filter(file => folderOf(file.path) === folder)
            .map(file => (
              <button
                key={file.path}
                type="button"
                className="mlm-file"
                data-mlm="package-file"
                data-nested={folder !== '' || undefined}
                aria-current={file.path === chosen || undefined}
                title={`${file.path}, ${bytes(file.sizeBytes)}`}
                onClick={() => onChoose(file.path)}
              >
                {file.path.slice(folder ? folder.length + 1 : 0)}
              </button>
            ))}
        </div>
      ))}
    </nav>
  );
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** What was written in the cell is what a reader wants to see first. */
function firstOf(files: readonly PackageFile[], module: string): string {
  const task = `${module.replaceAll('.', '/')}.py`;
  const model = task.replace(/[^/]+$/, 'model.py');
  const known = new Set(files.map(file => file.path));
  return [model, task].find(path => known.has(path)) ?? files[0]?.path ?? '';
}

/** Ask once for each key; asked again by the function at the end. */
function useAnswer<T>(ask: () => Promise<T>, key: string): [T | null, Problem | null, () => void] {
  const [answer, setAnswer] = useState<{ key: string; value: T } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [turn, again] = useState(0);
  useEffect(() => {
    let isOver = false;
    setProblem(null);
    ask().then(
      value => isOver || setAnswer({ key, value }),
      error => isOver || setProblem(asProblem(error))
    );
    return () => {
      isOver = true;
    };
  }, [key, turn]);
  return [answer?.key === key ? answer.value : null, problem, () => again(turn + 1)];
}
