import { useId } from 'react';

import type { TensorSpec } from '../types';
import { isScalar, placeholder, typeText } from './fields';

export interface FieldProps {
  tensor: TensorSpec;
  text: string;
  problem: string | undefined;
  onChange: (text: string) => void;
}

/** An input of a model to be filled in, with what is wrong with it below it. */
export function Field({ tensor, text, problem, onChange }: FieldProps) {
  const id = useId();
  const shared = {
    id,
    value: text,
    'data-input': tensor.name,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-type ${id}-problem`,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value)
  };
  return (
    <div className="mlm-field" data-mlm="field">
      <label htmlFor={id}>{tensor.name}</label>
      <span id={`${id}-type`} className="mlm-faint mlm-mono">
        {typeText(tensor)}
      </span>
      {tensor.dtype === 'bool' && isScalar(tensor) ? (
        <select {...shared}>
          {tensor.optional && <option value="">missing</option>}
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : isScalar(tensor) ? (
        <input type="text" inputMode={modeOf(tensor)} spellCheck={false} autoComplete="off" {...shared} />
      ) : (
        <textarea rows={2} spellCheck={false} placeholder={placeholder(tensor)} {...shared} />
      )}
      <div id={`${id}-problem`} className="mlm-field-problem" data-mlm="field-error">
        {problem}
      </div>
    </div>
  );
}

function modeOf(tensor: TensorSpec): 'text' | 'numeric' | 'decimal' {
  if (tensor.dtype === 'string') {
    return 'text';
  }
  return tensor.dtype.includes('int') ? 'numeric' : 'decimal';
}
