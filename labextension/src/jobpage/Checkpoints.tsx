import { useState } from 'react';

import { Ago } from '../panel/Ago';
import { ProblemBox } from '../panel/Notice';
import { copy } from '../panel/actions';
import { bytes, count, plain, plural } from '../panel/formats';
import { asProblem } from '../client';
import type { IPanels } from '../tokens';
import type { Checkpoint, Checkpoints as Known, Problem } from '../types';
import { isGoneError } from './gone';
import { useConnected, useFollowing } from './hooks';

export interface CheckpointsProps {
  panels: IPanels;
  id: string;
  isLive: boolean;
  isSeen: boolean;
}

const PAUSE = 10_000;
/** So many are what a reader wants; more are shown when asked for. */
const FIRST = 5;

/** What a job can be gone on with, newest first; nothing where there is none. */
export function Checkpoints({ panels, id, isLive, isSeen }: CheckpointsProps) {
  const [known, setKnown] = useState<Known | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [areAllShown, showAll] = useState(false);
  const look = async (): Promise<boolean> => {
    try {
      setKnown(await panels.client.checkpoints(id));
      setProblem(null);
      return true;
    } catch (error) {
      setProblem(asProblem(error));
      return isGoneError(error);
    }
  };
  useFollowing(look, PAUSE, { isSeen, isLive, isConnected: useConnected(panels.stream) });
  if (!known?.total) {
    return problem ? <ProblemBox problem={problem} onRetry={() => void look()} /> : null;
  }
  const { checkpoints, total, sizeBytes } = known;
  const shown = areAllShown ? checkpoints : checkpoints.slice(0, FIRST);
  return (
    <section aria-label="Checkpoints" data-mlm="checkpoints">
      <h2 className="mlm-page-heading">
        Checkpoints <span className="mlm-faint">{`${count(total)}, ${bytes(sizeBytes)} together`}</span>
      </h2>
      <CheckpointTable checkpoints={shown} />
      {shown.length < checkpoints.length && (
        <button
          type="button"
          className="mlm-button mlm-page-more"
          data-mlm="checkpoints-all"
          onClick={() => showAll(true)}
        >
          {`Show ${plural(checkpoints.length - shown.length, 'older one')}`}
        </button>
      )}
      {areAllShown && checkpoints.length < total && (
        <p className="mlm-faint">{`The newest ${count(checkpoints.length)} are listed. All are in ${known.folder}.`}</p>
      )}
    </section>
  );
}

function CheckpointTable({ checkpoints }: { checkpoints: readonly Checkpoint[] }) {
  const hasEpochs = checkpoints.some(({ epoch }) => epoch !== undefined);
  const hasSteps = checkpoints.some(({ step }) => step !== undefined);
  return (
    <div className="mlm-table-frame">
      <table className="mlm-page-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            {hasEpochs && <Heading>Epoch</Heading>}
            {hasSteps && <Heading>Step</Heading>}
            <Heading>Size</Heading>
            <th scope="col">Written</th>
            <th scope="col">Path</th>
          </tr>
        </thead>
        <tbody>
          {checkpoints.map(({ name, path, epoch, step, sizeBytes, time, isFolder }) => (
            <tr key={name} data-mlm="checkpoint">
              <th scope="row" title={path}>
                <code>{plain(isFolder ? `${name}/` : name)}</code>
              </th>
              {hasEpochs && <td data-number>{epoch === undefined ? '' : count(epoch)}</td>}
              {hasSteps && <td data-number>{step === undefined ? '' : count(step)}</td>}
              <td data-number>{bytes(sizeBytes)}</td>
              <td>
                <Ago value={time} />
              </td>
              <td>
                <button
                  type="button"
                  className="mlm-button"
                  data-mlm="checkpoint-copy"
                  aria-label={`Copy the path of ${plain(name)}`}
                  title={path}
                  onClick={() => copy(path)}
                >
                  Copy
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Heading({ children }: { children: string }) {
  return (
    <th scope="col" data-number>
      {children}
    </th>
  );
}
