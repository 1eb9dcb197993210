/** What may follow --preference; apart from `openPreference`, which --help does not need. */
export const preferenceForms = 'the folder of a preference or reward model, world:newsroom, https://…, or ./file.mjs';
