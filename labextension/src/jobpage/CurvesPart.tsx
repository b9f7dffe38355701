import { useMemo, useRef, useState, type RefObject } from 'react';

import { ProblemBox } from '../panel/Notice';
import { number } from '../panel/formats';
import { isFinal } from '../panel/states';
import type { IPanels } from '../tokens';
import { Chart } from './Chart';
import { CurvesBar } from './CurvesBar';
import { Empty } from './Notices';
import { CurveData } from './curvedata';
import { chartsOf } from './curvelines';
import { keepLook, lastLook, type CurvesLook } from './curveslook';
import { useConnected, useOnScreen, usePolling, useRedraw } from './hooks';
import { labelsOf, useRows } from './rows';

export interface CurvesPartProps {
  panels: IPanels;
  /** The jobs that the page is about. */
  ids: readonly string[];
}

const PAUSE = 500;
const HEIGHT = 200;

/** All scalars of jobs as small charts, live. */
export function CurvesPart({ panels, ids }: CurvesPartProps) {
  const host = useRef<HTMLDivElement>(null);
  const [look, setLook] = useState(lastLook);
  const [added, setAdded] = useState<readonly string[]>([]);
  const [resets, setResets] = useState(0);
  const [isZoomed, setZoomed] = useState(false);
  const all = useMemo(() => [...ids, ...added.filter(id => !ids.includes(id))], [ids, added]);
  const rows = useRows(panels, all);
  const { jobs, version } = useCurves(panels, all, id => isFinal(rows.get(id)?.summary.state ?? 'RUNNING'), host);
  const labels = labelsOf(all, rows);
  const charts = useMemo(() => chartsOf(jobs, labels, look), [version, look, [...labels].join()]);
  const choose = (chosen: CurvesLook): void => {
    keepLook(chosen);
    setLook(chosen);
  };
  return (
    <div className="mlm-page-part" ref={host}>
      <CurvesBar
        panels={panels}
        look={look}
        onLook={choose}
        own={ids}
        added={added}
        labels={labels}
        onAdded={setAdded}
        isZoomed={isZoomed}
        onReset={() => {
          setResets(resets + 1);
          setZoomed(false);
        }}
      />
      {charts.length === 0 ? (
        <NoCurves jobs={jobs} isLive={all.some(id => !isFinal(rows.get(id)?.summary.state ?? 'RUNNING'))} />
      ) : (
        <div className="mlm-charts">
          {charts.map(chart => (
            <Chart
              key={chart.name}
              mark="curve"
              title={chart.name}
              lines={chart.lines}
              across={look.across}
              isLog={look.isLog}
              isFromZero={false}
              format={number}
              kind="number"
              group={`mlmagic-${all.join()}`}
              height={HEIGHT}
              resets={resets}
              onZoom={() => setZoomed(true)}
            />
          ))}
        </div>
      )}
    </div>
  );
}

/** The scalars of jobs; those of jobs that go on are read again and again while the charts are in sight. */
function useCurves(
  panels: IPanels,
  ids: readonly string[],
  hasEnded: (id: string) => boolean,
  host: RefObject<HTMLElement>
): { jobs: CurveData[]; version: number } {
  const known = useRef(new Map<string, CurveData>());
  const finished = useRef(new Set<string>());
  const version = useRef(0);
  const redraw = useRedraw();
  const jobs = ids.map(id => {
    const data = known.current.get(id) ?? new CurveData(panels.client, id);
    known.current.set(id, data);
    return data;
  });
  const look = async (): Promise<boolean> => {
    const before = version.current + finished.current.size;
    const due = jobs.filter(job => !finished.current.has(job.job));
    for (const job of due) {
      const isLast = hasEnded(job.job);
      const isNews = await job.look();
      version.current += Number(isNews);
      if (job.isGone || (isLast && job.isRead && !job.problem)) {
        finished.current.add(job.job);
      }
    }
    if (version.current + finished.current.size !== before) {
      redraw();
    }
    return !due.some(job => job.problem && !job.isGone);
  };
  const isDue = jobs.some(job => !finished.current.has(job.job));
  usePolling(look, PAUSE, useOnScreen(host) && isDue, useConnected(panels.stream));
  return { jobs, version: version.current };
}

function NoCurves({ jobs, isLive }: { jobs: readonly CurveData[]; isLive: boolean }) {
  const failed = jobs.find(job => job.problem);
  if (failed) {
    return <ProblemBox problem={failed.problem!} onRetry={() => void failed.look()} />;
  }
  return (
    <Empty isLoading={jobs.some(job => !job.isRead)}>
      <p>{isLive ? 'There are no scalars yet.' : 'The job wrote no scalars.'}</p>
      <p>
        A program that trains with Keras writes them by itself. Another one writes TensorBoard scalars below the folder
        that <code>AIP_TENSORBOARD_LOG_DIR</code> names, for instance with <code>tf.summary.scalar</code>.
      </p>
    </Empty>
  );
}
