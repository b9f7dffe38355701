import { useRef, useState } from 'react';

import { asProblem } from '../client';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { LogSource, Problem } from '../types';
import { Empty } from './Notices';
import { ReplicaLog } from './ReplicaLog';
import { useConnected, useOnScreen, usePolling } from './hooks';
import type { Places } from './places';

export interface LogPartProps {
  panels: IPanels;
  id: string;
  /** Lines may still come. */
  isLive: boolean;
  places: Places;
}

const PAUSE = 1_000;

/** The logs of a job: one for each replica. */
export function LogPart(props: LogPartProps) {
  const { panels, id, isLive } = props;
  const host = useRef<HTMLDivElement>(null);
  const isSeen = useOnScreen(host);
  const [sources, setSources] = useState<LogSource[] | null>(null);
  const [chosen, setChosen] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const isConnected = useConnected(panels.stream);
  const look = async (): Promise<boolean> => {
    try {
      setSources(await panels.client.logs(id));
      setProblem(null);
      return true;
    } catch (error) {
      setProblem(asProblem(error));
      return false;
    }
  };
  const isWaiting = (sources?.length ?? 0) === 0;
  // Replicas are known as soon as the first has printed, but for those of another attempt.
  usePolling(look, isWaiting ? PAUSE : 10 * PAUSE, isSeen && (isLive || isWaiting), isConnected);
  const replica = sources?.some(source => source.replica === chosen) ? chosen : (sources?.[0]?.replica ?? '');
  return (
    <div className="mlm-page-part mlm-log" ref={host}>
      {replica ? (
        <ReplicaLog
          {...props}
          key={replica}
          sources={sources!}
          replica={replica}
          onReplica={setChosen}
          isSeen={isSeen}
        />
      ) : problem ? (
        <ProblemBox problem={problem} onRetry={() => void look()} />
      ) : (
        <Empty isLoading={sources === null}>
          {isLive
            ? 'The job has not printed anything yet. Lines appear here as they come.'
            : 'The job printed nothing.'}
        </Empty>
      )}
    </div>
  );
}
