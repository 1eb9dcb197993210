/** Reads XML as MJCF uses it: elements and attributes; comments, declarations and text are passed over. */
import { DataError } from '@gimbal/tensor-core';
import { el, type XmlElement } from './xml.ts';

interface Open {
  tag: string;
  attributes: { [name: string]: string };
  children: XmlElement[];
  line: number;
}

/** as deep as MuJoCo's own reader goes */
const deepest = 500;

const token =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[[\s\S]*?\]\]>|<!DOCTYPE[^>]*>|<\/\s*([\w.:-]+)\s*>|<([\w.:-]+)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|</g;

/** @throws DataError with file and line for what is not well formed */
export function parseXml(text: string, source = 'XML'): XmlElement {
  const stack: Open[] = [{ tag: '', attributes: {}, children: [], line: 1 }];
  let [line, counted] = [1, 0];
  for (const match of text.matchAll(token)) {
    const [all, closing, opening, attributes = '', slash] = match;
    for (; counted < match.index; counted++) if (text.charCodeAt(counted) === 10) line++;
    const top = stack.at(-1) as Open;
    if (all === '<') throw new DataError({ where: `${source}:${line}`, what: 'not well-formed XML' });
    if (closing !== undefined) {
      if (top.tag !== closing || stack.length === 1) {
        const wanted = stack.length === 1 ? 'no closing tag' : `</${top.tag}> for line ${top.line}`;
        throw new DataError({ where: `${source}:${line}`, what: 'wrong closing tag', got: `</${closing}>`, wanted });
      }
      stack.pop();
      (stack.at(-1) as Open).children.push(el(top.tag, top.attributes, top.children));
    } else if (opening !== undefined) {
      const element: Open = { tag: opening, attributes: readAttributes(attributes), children: [], line };
      if (stack.length > deepest) {
        throw new DataError({ where: `${source}:${line}`, what: 'elements are nested too deeply', wanted: deepest });
      }
      if (slash === '/') top.children.push(el(element.tag, element.attributes));
      else stack.push(element);
    }
  }
  const [root] = stack[0]?.children ?? [];
  if (stack.length > 1) {
    const open = stack.at(-1) as Open;
    throw new DataError({ where: `${source}:${open.line}`, what: `<${open.tag}> is never closed` });
  }
  if (root === undefined) throw new DataError({ where: source, what: 'no element in it' });
  return root;
}

function readAttributes(text: string): { [name: string]: string } {
  const found = [...text.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)];
  return Object.fromEntries(found.map(([, name, double, single]) => [name, unescapeText(double ?? single ?? '')]));
}

/** The characters that entities stand for. */
export const unescapeText = (text: string): string =>
  text
    .replaceAll(/&#(?:x([\da-fA-F]{1,6})|(\d{1,7}));/g, (all, hex, decimal) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    })
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
