import { useContext, useEffect, useRef, useState } from 'react';

import { asProblem } from '../client';
import type { NounChange, Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { Problem } from '../types';
import { Pace } from '../views/pace';
import { Visible } from './hooks';

/** Between two looks, in milliseconds. */
const PAUSE = 250;

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
  const newest = useRef(read);
  newest.current = read;
  const pace = useRef<Pace>();
  useEffect(() => {
    if (!isVisible) {
      return undefined;
    }
    const look = async () => {
      try {
        const found = await newest.current();
        setRows(found);
        setProblem(null);
      } catch (error) {
        setProblem(asProblem(error));
      }
    };
    // One after the other: what changes faster than it is read is read all the same.
    const looks = (pace.current = new Pace(look, PAUSE));
    const forget = onChanges(panels.stream, noun, every, () => looks.ask());
    looks.ask();
    return () => {
      looks.dispose();
      forget();
    };
  }, [isVisible, panels, noun, every]);
  return { rows, problem, refresh: () => pace.current?.ask() };
}

function onChanges(stream: Stream, noun: NounChange['noun'], every: number, refresh: () => void): () => void {
  const onChange = (_: Stream, change: NounChange) => void (change.noun === noun && refresh());
  stream.nounChanged.connect(onChange);
  stream.refreshed.connect(refresh);
  const clock = every > 0 ? window.setInterval(() => stream.isConnected && refresh(), every) : undefined;
  return () => {
    window.clearInterval(clock);
    stream.nounChanged.disconnect(onChange);
    stream.refreshed.disconnect(refresh);
  };
}
