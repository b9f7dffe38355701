import type { Signature, TensorSpec } from '../types';
import { isScalar } from './fields';

/** Text that holds no instances; the message says where and why. */
export class InstancesError extends Error {}

const FORMS = 'Give a list in JSON, one JSON object in each line, or CSV with the names in its first line.';

/** Read instances from JSON, JSON lines or CSV. */
export function readInstances(text: string, signature: Signature): unknown[] {
  const trimmed = text.trim();
  if (trimmed === '') {
    throw new InstancesError(`There are no instances yet. ${FORMS}`);
  }
  if (/^[[{]/.test(trimmed)) {
    return readJson(trimmed);
  }
  return readCsv(trimmed, signature);
}

function readJson(text: string): unknown[] {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  if (lines.length > 1 && lines.every(line => /^\s*\{.*\}\s*$/.test(line))) {
    return lines.map((line, at) => parsed(line, ` in line ${at + 1}`));
  }
  const value = parsed(text, '');
  if (Array.isArray(value)) {
    return value;
  }
  const instances = (value as { instances?: unknown }).instances;
  return Array.isArray(instances) ? instances : [value];
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InstancesError(`This is not JSON${where}: ${(error as Error).message}`);
  }
}

function readCsv(text: string, signature: Signature): unknown[] {
  const [header, ...rows] = csvRows(text);
  if (header === undefined || rows.length === 0) {
    throw new InstancesError(`There is only one line. ${FORMS}`);
  }
  const inputs = new Map((signature.inputs ?? []).map(tensor => [tensor.name, tensor]));
  return rows.map((cells, at) => {
    if (cells.length !== header.length) {
      throw new InstancesError(
        `Row ${at + 1} has ${cells.length} values, but the first line has ${header.length} names.`
      );
    }
    return Object.fromEntries(
      header.map((name, column) => [name.trim(), cellValue(cells[column]!, inputs.get(name.trim()))])
    );
  });
}

/** A cell as its input takes it; what does not fit stays as it is, and the server says so. */
function cellValue(cell: string, tensor: TensorSpec | undefined): unknown {
  if (tensor === undefined || (tensor.dtype === 'string' && isScalar(tensor))) {
    return cell === '' && tensor?.optional ? null : cell;
  }
  const typed = cell.trim();
  if (typed === '') {
    return null;
  }
  if (/^(true|false)$/i.test(typed)) {
    return typed.toLowerCase() === 'true';
  }
  if (!isScalar(tensor)) {
    return parsed(typed, `: the list of ${tensor.name}`);
  }
  const value = Number(typed);
  return Number.isFinite(value) ? value : cell;
}

/** One cell and what ends it. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|\r|$)/y;

/** The cells of CSV: commas, quotes that are doubled within quotes, lines that end in any way; empty lines are none. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let isOpen = false;
  for (let at = 0; at < text.length || isOpen; at = CELL.lastIndex) {
    CELL.lastIndex = at;
    const match = CELL.exec(text);
    if (match === null) {
      throw new InstancesError(
        `${rows.length === 0 ? 'The first line' : `Row ${rows.length}`} has a quote that does not fit: “${text.slice(at, at + 20)}”. ` +
          'A value with quotes stands in quotes as a whole, and its own are doubled.'
      );
    }
    const [, quoted, plain, end] = match;
    row.push(quoted === undefined ? (plain ?? '') : quoted.replace(/""/g, '"'));
    isOpen = end === ',';
    if (!isOpen) {
      rows.push(...(row.length === 1 && plain === '' ? [] : [row]));
      row = [];
    }
  }
  return rows;
}
