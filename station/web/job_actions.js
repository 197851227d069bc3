/** What is done with a job. */
import {idempotencyKey, path, post} from './api.js';
import {sawJob} from './live.js';
import {actionButton} from './notice.js';
import {go} from './router.js';
import {may} from './session.js';
import {hasEnded} from './state.js';

async function cancel(job) {
  sawJob(await post(`${path('jobs', String(job.id))}/cancel`));
}

async function retry(job) {
  const next = await post(`${path('jobs', String(job.id))}/retry`, {}, idempotencyKey());
  sawJob(next);
  return next;
}

/** Cancel or Retry, whichever it can be now, if the user may. */
export function jobButtons(job, trouble, {kind = '', follow = false} = {}) {
  if (!may('operate'))
    return [];
  if (!hasEnded(job))
    return [actionButton('Cancel', {name: 'stop', kind, trouble, aria: `Cancel job ${job.id}`, run: () => cancel(job)})];
  if (job.state === 'done')
    return [];
  return [actionButton('Retry', {name: 'retry', kind, trouble, aria: `Retry job ${job.id}`, run: async () => {
    const next = await retry(job);
    if (follow)
      go(`#/jobs/${next.id}`);
  }})];
}
