import { ProblemError } from '../client';

/** Whether an error is an answer after all: what was asked for is not there, and to ask again brings nothing. */
export function isGoneError(error: unknown): boolean {
  return error instanceof ProblemError && error.status === 404;
}
