/** What is known of each row after a pass: one column a quantity. */

/**
 * D, log q and log p of the completion's own token, KL(p‖q), KL(q‖p), total variation, the student's entropy; where only some
 * tokens are compared, the student's probability of all others, else 0.
 */
export const columns = ['divergence', 'logQ', 'logP', 'fkl', 'rkl', 'tvd', 'entropy', 'rest'] as const;

export type Column = (typeof columns)[number];

export const width = columns.length;

export const columnOf = (name: Column): number => columns.indexOf(name);
