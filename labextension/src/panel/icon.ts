import { LabIcon } from '@jupyterlab/ui-components';

import svgstr from '../../style/icons/mlmagic.svg';

export const panelIcon = new LabIcon({ name: 'mlmagic:panel', svgstr });
