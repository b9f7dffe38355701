import type { Time } from '../types';
import { ago, time } from './formats';
import { useNow } from './hooks';

/** How long ago something was, as time goes on. */
export function Ago({ value }: { value: Time }) {
  const now = useNow(true);
  return (
    <span className="mlm-elapsed mlm-faint" title={time(value)}>
      {ago(value, now)}
    </span>
  );
}
