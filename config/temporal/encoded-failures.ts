// Puts the message and the stack of a failure into a payload, so that encryption covers them too; Temporal leaves them
// beside the payloads in plain text otherwise. Loaded by its path: by workers, and into the bundle for encrypted runs.
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
