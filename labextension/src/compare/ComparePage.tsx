import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { asProblem } from '../client';
import { CurvesPart } from '../jobpage/CurvesPart';
import { HtmlView } from '../jobpage/HtmlView';
import { Empty } from '../jobpage/Notices';
import { useConnected, useOnScreen, useSignal } from '../jobpage/hooks';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { Comparison, Page, Problem } from '../types';

export interface ComparePageProps {
  panels: IPanels;
  /** Several jobs, or one study, which means its trials. */
  ids: readonly string[];
  onBoard: (ids: readonly string[]) => void;
}

/** While jobs go on, how often they are compared anew at most, in milliseconds. */
const PAUSE = 2_000;
/** Of more jobs nobody could tell the curves apart. */
const MOST_CURVES = 20;

/** Jobs side by side: the flags in which they differ, their metrics, their curves in the same charts. */
export function ComparePage({ panels, ids, onBoard }: ComparePageProps) {
  const host = useRef<HTMLDivElement>(null);
  const { page, problem, refresh } = useComparison(panels, ids, useOnScreen(host));
  const isConnected = useConnected(panels.stream);
  const compared = ((page?.bundle as unknown as Comparison | undefined)?.jobs ?? []).map(job => job.id).join();
  const drawn = useMemo(() => compared.split(',').filter(id => id !== ''), [compared]);
  return (
    <div className="mlm-root mlm-page" data-mlm="compare-page" ref={host}>
      <div className="mlm-page-header">
        <div className="mlm-page-line">
          <h1 className="mlm-page-title">Comparison</h1>
          <div className="mlm-page-actions">
            <button
              type="button"
              className="mlm-button"
              data-mlm="action-board"
              disabled={!isConnected || drawn.length === 0}
              onClick={() => onBoard(drawn)}
            >
              TensorBoard
            </button>
          </div>
        </div>
        {!isConnected && (
          <div className="mlm-page-notice" data-mlm="disconnected" role="status">
            ↻ Not connected to the Jupyter server: trying again. What is shown may be old.
          </div>
        )}
      </div>
      <div className="mlm-tab-panel">
        {problem && <ProblemBox problem={problem} onRetry={refresh} />}
        {page ? <HtmlView html={page.html} /> : !problem && <Empty isLoading>…</Empty>}
        {drawn.length > 0 && (
          <section aria-label="Curves">
            <h2 className="mlm-page-heading">Curves</h2>
            {drawn.length > MOST_CURVES && (
              <Empty>{`The first ${MOST_CURVES} of ${drawn.length} jobs are drawn.`}</Empty>
            )}
            <CurvesPart panels={panels} ids={drawn.slice(0, MOST_CURVES)} />
          </section>
        )}
      </div>
    </div>
  );
}

interface Compared {
  page: Page | null;
  problem: Problem | null;
  refresh: () => void;
}

/** The comparison as the server makes it, again when one of the jobs has changed. */
function useComparison(panels: IPanels, ids: readonly string[], isSeen: boolean): Compared {
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, ask] = useState(1);
  const key = ids.join();
  const done = useRef({ asked: 0, at: 0 });
  const refresh = useCallback(() => ask(count => count + 1), []);
  useSignal(panels.jobs.changed, ({ summary }) => {
    if (ids.includes(summary.id) || (summary.parent && ids.includes(summary.parent))) {
      refresh();
    }
  });
  useSignal(panels.jobs.removed, id => ids.includes(id) && refresh());
  useEffect(() => {
    const ends = ids.map(id => panels.jobs.watch(id));
    return () => ends.forEach(end => end());
  }, [panels, key]);
  useEffect(() => {
    if (!isSeen || done.current.asked === asked) {
      return undefined;
    }
    const timer = window.setTimeout(
      () => {
        done.current = { asked, at: Date.now() };
        panels.client.compareJobs(ids).then(
          found => {
            setPage(found);
            setProblem(null);
          },
          error => setProblem(asProblem(error))
        );
      },
      Math.max(0, done.current.at + PAUSE - Date.now())
    );
    return () => window.clearTimeout(timer);
  }, [panels, key, asked, isSeen]);
  return { page, problem, refresh };
}
