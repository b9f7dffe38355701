import { useContext, useEffect, useState } from 'react';

import { asProblem } from '../client';
import type { NounChange, Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { Problem } from '../types';
import { Visible } from './hooks';

/** Changes that come together cost one look, in milliseconds. */
const PAUSE = 100;

/** A list that is read whole. */
export interface NounList<Row> {
  /** What was read last; undefined before. */
  rows: Row[] | undefined;
  problem: Problem | null;
  refresh: () => void;
}

/**
 * The rows of a list, read again when one of its nouns changes.
 *
 * @param every milliseconds after which it is read again in any case, for what moves without an event; 0 is never.
 */
export function useNouns<Row>(
  panels: IPanels,
  noun: NounChange['noun'],
  read: () => Promise<Row[]>,
  every = 0
): NounList<Row> {
  const isVisible = useContext(Visible);
  const [rows, setRows] = useState<Row[]>();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, setAsked] = useState(0);
  const refresh = () => setAsked(count => count + 1);
  useEffect(() => {
    if (!isVisible) {
      return undefined;
    }
    let isWanted = true;
    read().then(
      found => isWanted && (setRows(found), setProblem(null)),
      error => isWanted && setProblem(asProblem(error))
    );
    return () => {
      isWanted = false;
    };
  }, [isVisible, asked]);
  useEffect(() => {
    if (!isVisible) {
      return undefined;
    }
    return onChanges(panels.stream, noun, every, refresh);
  }, [isVisible, panels, noun, every]);
  return { rows, problem, refresh };
}

function onChanges(stream: Stream, noun: NounChange['noun'], every: number, refresh: () => void): () => void {
  let timer: number | undefined;
  const soon = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(refresh, PAUSE);
  };
  const onChange = (_: Stream, change: NounChange) => void (change.noun === noun && soon());
  stream.nounChanged.connect(onChange);
  stream.refreshed.connect(soon);
  const clock = every > 0 ? window.setInterval(() => stream.isConnected && refresh(), every) : undefined;
  return () => {
    window.clearTimeout(timer);
    window.clearInterval(clock);
    stream.nounChanged.disconnect(onChange);
    stream.refreshed.disconnect(soon);
  };
}
