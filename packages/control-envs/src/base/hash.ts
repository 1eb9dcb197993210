/** FNV-1a of a text, 32 bits: tells texts apart that differ by mistake, not by intent. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

export const hex = (hash: number): string => hash.toString(16).padStart(8, '0');
