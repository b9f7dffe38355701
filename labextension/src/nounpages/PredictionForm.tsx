import { useEffect, useId, useRef, useState, type FormEvent } from 'react';

import { asProblem, type Predictions } from '../client';
import { ProblemBox } from '../panel/Notice';
import type { Problem, Signature } from '../types';
import { AnswerTable, type Answer } from './AnswerTable';
import { Field } from './Field';
import { sortProblems } from './fieldproblems';
import { initialText, readField } from './fields';
import { readInstances } from './instances';

export interface PredictionFormProps {
  /** Who is asked: `taxi@2`. */
  target: string;
  signature: Signature | undefined;
  ask: (instances: readonly unknown[]) => Promise<Predictions>;
}

type Texts = Record<string, string>;

/** A form that is built from what a model takes, and the answer below it. */
export function PredictionForm({ target, signature, ask }: PredictionFormProps) {
  if (signature === undefined || !signature.inputs?.length) {
    return (
      <p className="mlm-faint" data-mlm="empty">
        What {target} takes could not be read, so there is no form. Ask it with %predict {target} $data.
      </p>
    );
  }
  const key = JSON.stringify(signature.inputs.map(({ name, dtype, shape }) => [name, dtype, shape]));
  return <Form key={key} target={target} signature={signature} ask={ask} />;
}

function Form({ target, signature, ask }: PredictionFormProps & { signature: Signature }) {
  const inputs = signature.inputs ?? [];
  const [isText, setText] = useState(false);
  const [texts, setTexts] = useState<Texts>(() =>
    Object.fromEntries(inputs.map(tensor => [tensor.name, initialText(tensor)]))
  );
  const [pasted, setPasted] = useState('');
  const request = useRequest(ask, signature);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [request.fieldProblems]);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    void (isText ? request.sendText(pasted) : request.sendFields(texts));
  };
  return (
    <form ref={form} className="mlm-form" data-mlm="model-form" onSubmit={onSubmit} noValidate>
      <div className="mlm-form-head" role="group" aria-label="How instances are given">
        <Choice name="Fields" isChosen={!isText} onChoose={() => setText(false)} />
        <Choice name="JSON or CSV" isChosen={isText} onChoose={() => setText(true)} />
      </div>
      {isText ? (
        <Pasted text={pasted} example={exampleOf(signature, texts)} onChange={setPasted} />
      ) : (
        <div className="mlm-fields">
          {inputs.map(tensor => (
            <Field
              key={tensor.name}
              tensor={tensor}
              text={texts[tensor.name] ?? ''}
              problem={request.fieldProblems[tensor.name]}
              onChange={text => setTexts(known => ({ ...known, [tensor.name]: text }))}
            />
          ))}
        </div>
      )}
      <div>
        <button type="submit" className="mlm-button mlm-primary" data-mlm="action-predict" disabled={request.isBusy}>
          {request.isBusy ? 'Asking…' : `Ask ${target}`}
        </button>
      </div>
      {request.problem && <ProblemBox problem={request.problem} />}
      {request.answer && <AnswerTable answer={request.answer} signature={signature} />}
    </form>
  );
}

/** Ask, and know what is wrong with which field, or what was answered. */
function useRequest(ask: PredictionFormProps['ask'], signature: Signature) {
  const [fieldProblems, setFieldProblems] = useState<Texts>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (instances: readonly unknown[], sort: boolean): Promise<void> => {
    setBusy(true);
    setFieldProblems({});
    setProblem(null);
    const begin = performance.now();
    try {
      const told = await ask(instances);
      setAnswer({ ...told, milliseconds: performance.now() - begin });
    } catch (error) {
      const names = sort ? (signature.inputs ?? []).map(tensor => tensor.name) : [];
      const { byField, rest } = sortProblems(asProblem(error), names);
      setAnswer(null);
      setFieldProblems(byField);
      setProblem(rest);
    } finally {
      setBusy(false);
    }
  };
  const sendFields = async (texts: Texts): Promise<void> => {
    const read = (signature.inputs ?? []).map(
      tensor => [tensor.name, readField(tensor, texts[tensor.name] ?? '')] as const
    );
    const wrong = read.flatMap(([name, field]) => ('problem' in field ? [[name, field.problem]] : []));
    if (wrong.length > 0) {
      setAnswer(null);
      setProblem(null);
      setFieldProblems(Object.fromEntries(wrong));
    } else {
      await send(
        [Object.fromEntries(read.map(([name, field]) => [name, 'value' in field ? field.value : null]))],
        true
      );
    }
  };
  const sendText = async (text: string): Promise<void> => {
    let instances: unknown[];
    try {
      instances = readInstances(text, signature);
    } catch (error) {
      setAnswer(null);
      setProblem({ message: (error as Error).message });
      return;
    }
    await send(instances, false);
  };
  return { fieldProblems, problem, answer, isBusy, sendFields, sendText };
}

function Choice({ name, isChosen, onChoose }: { name: string; isChosen: boolean; onChoose: () => void }) {
  return (
    <button type="button" className="mlm-button mlm-choice" aria-pressed={isChosen} onClick={onChoose}>
      {name}
    </button>
  );
}

function Pasted({ text, example, onChange }: { text: string; example: string; onChange: (text: string) => void }) {
  const id = useId();
  return (
    <div className="mlm-field">
      <label htmlFor={id}>Instances: a list in JSON, JSON lines, or CSV with the names in its first line</label>
      <textarea
        id={id}
        rows={8}
        spellCheck={false}
        data-mlm="instances"
        placeholder={example}
        value={text}
        onChange={event => onChange(event.target.value)}
      />
    </div>
  );
}

/** What stands in the fields, as JSON: the form of what is to be pasted. */
function exampleOf(signature: Signature, texts: Texts): string {
  const pairs = (signature.inputs ?? []).slice(0, 20).map(tensor => {
    const field = readField(tensor, texts[tensor.name] ?? '');
    return [tensor.name, 'value' in field ? field.value : null];
  });
  return JSON.stringify([Object.fromEntries(pairs)], null, 1);
}
