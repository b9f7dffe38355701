import { useMemo, useRef, useState, type RefObject } from 'react';

import { ProblemBox } from '../panel/Notice';
import { bytes, plural, rough } from '../panel/formats';
import type { IPanels } from '../tokens';
import { Chart } from './Chart';
import { Empty } from './Notices';
import { useConnected, useFollowing, useOnScreen, useRedraw } from './hooks';
import { UsageData } from './usagedata';
import { usageCharts, type Machines } from './usagelines';

export interface UsagePartProps {
  panels: IPanels;
  id: string;
  isLive: boolean;
  /** What the tier gives a replica, by role, as far as that is known. */
  machines: Machines;
}

const PAUSE = 1_000;
const HEIGHT = 150;
/** More replicas than these are drawn when they are asked for. */
const MOST_REPLICAS = 8;

/** Cores and memory of each replica over time, against what its machine has. */
export function UsagePart({ panels, id, isLive, machines }: UsagePartProps) {
  const host = useRef<HTMLDivElement>(null);
  const { samples, problem, look } = useUsage(panels, id, isLive, host);
  const [areAllShown, showAll] = useState(false);
  const replicas = useMemo(() => usageCharts(samples ?? [], machines, isLive), [samples, machines, isLive]);
  const shown = areAllShown ? replicas : replicas.slice(0, MOST_REPLICAS);
  return (
    <div className="mlm-page-part" ref={host}>
      {replicas.length === 0 && problem && <ProblemBox problem={problem} onRetry={() => void look()} />}
      {replicas.length === 0 && !problem && (
        <Empty isLoading={samples === null}>
          {isLive
            ? 'Nothing was measured yet. The first samples come a second or two after the program has begun.'
            : 'Nothing was measured: the program ended within a second, or never began.'}
        </Empty>
      )}
      {shown.map(({ replica, charts }) => (
        <section key={replica} aria-label={replica}>
          <h2 className="mlm-page-heading">{replica}</h2>
          <div className="mlm-charts">
            {charts.map(({ title, lines, kind }) => (
              <Chart
                key={title}
                mark="usage"
                title={title}
                lines={lines}
                across="relative"
                isLog={false}
                isFromZero
                format={kind === 'memory' ? bytes : rough}
                kind={kind === 'memory' ? 'bytes' : 'number'}
                group={`mlmagic-usage-${id}`}
                height={HEIGHT}
                resets={0}
              />
            ))}
          </div>
        </section>
      ))}
      {shown.length < replicas.length && (
        <button type="button" className="mlm-button" onClick={() => showAll(true)}>
          {`Show ${plural(replicas.length - shown.length, 'more replica')}`}
        </button>
      )}
    </div>
  );
}

function useUsage(panels: IPanels, id: string, isLive: boolean, host: RefObject<HTMLElement>) {
  const [data] = useState(() => new UsageData(panels.client, id));
  const redraw = useRedraw();
  const look = async (): Promise<boolean> => {
    const { samples, problem } = data;
    const wasAnswered = await data.look();
    if (data.samples !== samples || data.problem !== problem) {
      redraw();
    }
    return wasAnswered;
  };
  useFollowing(look, PAUSE, { isSeen: useOnScreen(host), isLive, isConnected: useConnected(panels.stream) });
  return { samples: data.samples, problem: data.problem, look };
}
