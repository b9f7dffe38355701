import { useRef, useState } from 'react';

import { asProblem } from '../client';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { LogSource, Problem } from '../types';
import { Empty } from './Notices';
import { ReplicaLog } from './ReplicaLog';
import { isGoneError } from './gone';
import { useConnected, useFollowing, useOnScreen } from './hooks';
import type { Places } from './places';

export interface LogPartProps {
  panels: IPanels;
  id: string;
  /** Lines may still come. */
  isLive: boolean;
  places: Places;
}

const PAUSE = 1_000;
/** Every job has this one: its log is asked for while it is not known yet which others there are. */
const FIRST_REPLICA = 'chief-0';

const UNKNOWN: readonly LogSource[] = [{ replica: FIRST_REPLICA, sizeBytes: 0 }];

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
      return isGoneError(error);
    }
  };
  // Others than the first that has printed are not waited for.
  const pause = sources?.length ? 10 * PAUSE : PAUSE;
  useFollowing(look, pause, { isSeen, isLive, isConnected });
  const replica = replicaOf(sources ?? (problem ? [] : UNKNOWN), chosen);
  return (
    <div className="mlm-page-part mlm-log" ref={host}>
      {replica ? (
        <ReplicaLog
          {...props}
          key={replica}
          sources={sources ?? UNKNOWN}
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

function replicaOf(sources: readonly LogSource[], chosen: string): string {
  return sources.some(source => source.replica === chosen) ? chosen : (sources[0]?.replica ?? '');
}
