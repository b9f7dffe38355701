import { Dialog, showDialog } from '@jupyterlab/apputils';

import type { IPanels } from '../tokens';
import { attempt } from './actions';
import { plain } from './formats';

/**
 * Delete a version of a dataset after a question. Whether it is gone is returned.
 *
 * @param location where Dataflow wrote the same files, `gs://…`: they stay there unless the user wants them to go, too.
 */
export async function deleteDataset(
  { client }: IPanels,
  name: string,
  number: number,
  location: string | undefined
): Promise<boolean> {
  const there =
    location === undefined ? '' : ` Those in ${plain(location, 200)} stay there, unless they are to go, too.`;
  const { button, isChecked } = await showDialog({
    title: `Delete the dataset ${name}@${number}?`,
    body: `Its files are removed from this machine for good. Models that were trained on it stay.${there}`,
    checkbox: location === undefined ? null : { label: 'Delete its files in the bucket, too', checked: false },
    buttons: [Dialog.cancelButton({ label: 'Keep' }), Dialog.warnButton({ label: 'Delete' })]
  });
  const remove = () => client.deleteDataset(name, number, isChecked === true).then(() => true);
  return button.accept && (await attempt(remove)) === true;
}
