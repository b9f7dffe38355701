import { sign, word, type AnyState } from './states';

/** A state by its sign and its word. */
export function StateMark({ state }: { state: AnyState }) {
  return (
    <span className="mlm-state" data-mlm="state" data-state={state}>
      <span aria-hidden="true">{sign(state)}</span>
      <span className="mlm-state-word">{word(state)}</span>
    </span>
  );
}
