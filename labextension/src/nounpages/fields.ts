import type { TensorSpec } from '../types';

/** What stands in a field, as the value that is sent; or why it is none. */
export type FieldValue = { value: unknown } | { problem: string };

/** Whether an input takes one value for each instance, not a list. */
export function isScalar(tensor: TensorSpec): boolean {
  const shape = tensor.shape.slice(1);
  return shape.length === 0 || (shape.length === 1 && shape[0] === 1);
}

/** The type of an input in words: `float32`, `whole number from a list (28, 28)`. */
export function typeText(tensor: TensorSpec): string {
  const shape = tensor.shape.slice(1).map(size => size ?? '?');
  const list = isScalar(tensor) ? '' : ` list (${shape.join(', ')})`;
  return `${tensor.dtype}${list}${tensor.optional ? ', may be missing' : ''}`;
}

/** What a field begins with: the input's usual value, where one is known. */
export function initialText(tensor: TensorSpec): string {
  const { example } = tensor;
  if (example === undefined || example === null) {
    return tensor.dtype === 'bool' && !tensor.optional ? 'false' : '';
  }
  return typeof example === 'object' ? JSON.stringify(example) : String(example);
}

const MOST_ZEROS = 64;

/** The form of a list, where it is short enough to be shown. */
export function placeholder(tensor: TensorSpec): string {
  const sizes = tensor.shape.slice(1).map(size => size ?? 1);
  if (sizes.reduce((product, size) => product * size, 1) > MOST_ZEROS) {
    return '[…]';
  }
  return JSON.stringify(sizes.reduceRight<unknown>((item, size) => Array.from({ length: size }, () => item), 0));
}

/** Read what was typed into the field of an input. */
export function readField(tensor: TensorSpec, text: string): FieldValue {
  const typed = text.trim();
  if (!isScalar(tensor)) {
    return readList(typed);
  }
  if (tensor.dtype === 'string') {
    return { value: text === '' && tensor.optional ? null : text };
  }
  if (typed === '') {
    return tensor.optional ? { value: null } : { problem: 'A value is needed.' };
  }
  if (tensor.dtype === 'bool') {
    return { value: typed === 'true' };
  }
  return readNumber(tensor, typed);
}

function readNumber(tensor: TensorSpec, typed: string): FieldValue {
  const value = Number(typed);
  if (!Number.isFinite(value)) {
    return { problem: `“${typed}” is not a number. Write it like -1.5 or 2e-3.` };
  }
  if (tensor.dtype.includes('int')) {
    if (!Number.isInteger(value)) {
      return { problem: `“${typed}” is not a whole number.` };
    }
    if (!Number.isSafeInteger(value)) {
      return { problem: 'A browser cannot send a whole number of more than 15 digits exactly.' };
    }
  }
  return { value };
}

function readList(typed: string): FieldValue {
  try {
    const value: unknown = JSON.parse(typed);
    return Array.isArray(value) ? { value } : { problem: 'A list is needed, such as [0.5, 1].' };
  } catch {
    return { problem: typed === '' ? 'A list is needed, such as [0.5, 1].' : 'This is not a list in JSON.' };
  }
}
