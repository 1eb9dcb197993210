// The address of a model on the hub, for a page: loadPretrained reads it by ranged requests, and nothing is kept.

/**
 * Where the files of a model on the hub are.
 * @param name `owner/name`
 * @param o.revision a branch, a tag or a commit (`main`)
 * @param o.hubUrl the hub's address (https://huggingface.co)
 * @example const { model, params, tokenizer } = await loadPretrained(hubAddress('HuggingFaceTB/SmolLM2-135M-Instruct'));
 */
export const hubAddress = (name: string, o: { revision?: string; hubUrl?: string } = {}): URL =>
  new URL(`${name}/resolve/${encodeURIComponent(o.revision ?? 'main')}/`, `${o.hubUrl ?? 'https://huggingface.co'}/`);
