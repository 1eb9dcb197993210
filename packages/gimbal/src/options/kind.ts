// What kind of value an option takes, read from its zod schema through zod's own JSON Schema export: one description
// serves the parser of flags, the reader of YAML and the help text.
import { z } from 'zod';

/** The options of a command or a stage: a zod object whose fields have `.default(…)` and `.describe(…)`. */
export type OptionTable = z.ZodObject;

export type OptionKind =
  | { type: 'integer' | 'number'; minimum?: number; maximum?: number; above?: number; below?: number }
  | { type: 'boolean' }
  | { type: 'string'; choices?: readonly string[]; filled?: boolean }
  /** `whole`: each flag is one item, commas and all, and more of it are more items */
  | { type: 'list'; of: OptionKind; whole?: true }
  | { type: 'map' }
  | { type: 'either'; of: readonly OptionKind[] };

/** One option, as it is printed and looked up. */
export interface OptionInfo {
  /** camelCase: the key in config files and in config.json */
  name: string;
  /** kebab-case, without the dashes */
  flag: string;
  kind: OptionKind;
  description: string;
  /** undefined where the option may be left out */
  default: unknown;
  required: boolean;
}

interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly string[];
  const?: string;
  minLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  items?: JsonSchema;
  /** of `.meta({ whole: true })` */
  whole?: true;
  anyOf?: readonly JsonSchema[];
  properties?: { [name: string]: JsonSchema };
  required?: readonly string[];
}

/** `learningRate` → `learning-rate`. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** `learning-rate`, `learning_rate` → `learningRate`. */
export const camel = (name: string): string => name.replace(/[-_]+([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase());

/** The options of a table, in the order they are declared. */
export function optionInfos(table: OptionTable): OptionInfo[] {
  const schema = z.toJSONSchema(table, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    flag: kebab(name),
    kind: kindOf(field),
    description: field.description ?? '',
    default: field.default,
    required: required.has(name),
  }));
}

function kindOf(schema: JsonSchema): OptionKind {
  if (schema.anyOf) return { type: 'either', of: schema.anyOf.map(kindOf) };
  if (schema.const !== undefined) return { type: 'string', choices: [schema.const] };
  if (schema.enum) return { type: 'string', choices: schema.enum };
  switch (schema.type) {
    case 'integer':
    case 'number':
      return {
        type: schema.type,
        ...bound('minimum', schema.minimum),
        ...bound('maximum', schema.maximum),
        ...bound('above', schema.exclusiveMinimum),
        ...bound('below', schema.exclusiveMaximum),
      };
    case 'boolean':
      return { type: 'boolean' };
    case 'array':
      return { type: 'list', of: kindOf(schema.items ?? {}), ...(schema.whole && { whole: true }) };
    case 'object':
      return { type: 'map' };
    default:
      return { type: 'string', ...((schema.minLength ?? 0) > 0 ? { filled: true } : {}) };
  }
}

/** zod states the range of safe integers as bounds; they would only be noise. */
const bound = (key: string, value: number | undefined): { [key: string]: number } =>
  value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? {} : { [key]: value };

/** `a whole number ≥ 1`, `one of native, wasm`: what an error says was wanted. */
export function describeKind(kind: OptionKind): string {
  switch (kind.type) {
    case 'integer':
    case 'number': {
      const limits = [
        kind.minimum === undefined ? '' : `≥ ${kind.minimum}`,
        kind.above === undefined ? '' : `> ${kind.above}`,
        kind.maximum === undefined ? '' : `≤ ${kind.maximum}`,
        kind.below === undefined ? '' : `< ${kind.below}`,
      ].filter((s) => s !== '');
      return `${kind.type === 'integer' ? 'a whole number' : 'a number'}${limits.length > 0 ? ` ${limits.join(' and ')}` : ''}`;
    }
    case 'boolean':
      return 'true or false';
    case 'string':
      if (!kind.choices) return kind.filled ? 'text that is not empty' : 'text';
      return kind.choices.length === 1 ? `${kind.choices[0]}` : `one of ${kind.choices.join(', ')}`;
    case 'list':
      return kind.whole
        ? `${describeKind(kind.of)}; for several the flag again`
        : `a list of ${describeKind(kind.of)}, separated by commas`;
    case 'map':
      return 'pairs name=value, separated by commas';
    case 'either':
      return kind.of.map(describeKind).join(' or ');
  }
}
