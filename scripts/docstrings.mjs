// Every public name of every package, and every field and method of its options, results and classes, says in a sentence
// what it is: editors and the API reference show nothing else. And every function, class and constant is told of in its
// package's README or page: a name that no page leads to is found by nobody.
// usage: node scripts/docstrings.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { packages } from './lib/packages.mjs';
import { root } from './lib/run.mjs';
import { untold } from './lib/told.mjs';

/** Members whose names say all. */
const obvious = new Set(['dispose', '__@dispose']);

const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
const sources = new Map(packages().map((one) => [one, [...entrySources(one)]]));
const program = ts.createProgram([...sources.values()].flat(), options);
const checker = program.getTypeChecker();

/** The sources of a package's entry points, those of the page's build included. */
function* entrySources({ folder, manifest }) {
  for (const conditions of Object.values(manifest.exports)) {
    const source = conditions['@gimbal/source'];
    if (source === undefined) continue;
    for (const path of typeof source === 'string' ? [source] : Object.values(source)) yield join(folder, path);
  }
}

/** A declaration of ours, not one of a package we stand on. */
const isOurs = (node) => !node.getSourceFile().fileName.includes('node_modules');

/** Whether any of a symbol's declarations has a doc comment. */
const isDescribed = (symbol) => symbol.getDocumentationComment(checker).length > 0;

const missing = new Map();
function demand(symbol, name) {
  const declaration = symbol.declarations?.find(isOurs);
  if (declaration === undefined || isDescribed(symbol)) return;
  const file = declaration.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(declaration.getStart());
  missing.set(`${relative(root, file.fileName)}:${line + 1}`, name);
}

/** The type literals and interfaces that a declaration writes out: also those in a union or an intersection. */
function* bodies(node) {
  if (ts.isInterfaceDeclaration(node) || ts.isTypeLiteralNode(node) || ts.isClassDeclaration(node)) yield node;
  else if (ts.isTypeAliasDeclaration(node)) yield* bodies(node.type);
  else if (ts.isUnionTypeNode(node) || ts.isIntersectionTypeNode(node)) for (const t of node.types) yield* bodies(t);
  else if (ts.isParenthesizedTypeNode(node)) yield* bodies(node.type);
}

function checkMembers(symbol, name) {
  for (const declaration of symbol.declarations?.filter(isOurs) ?? []) {
    for (const body of bodies(declaration)) {
      // what fits on a line is described by the sentence before it
      if (ts.isTypeLiteralNode(body) && !body.getText().includes('\n')) continue;
      for (const member of body.members) {
        const flags = ts.getCombinedModifierFlags(member);
        if (!member.name || ts.isPrivateIdentifier(member.name) || flags & ts.ModifierFlags.Private) continue;
        const own = checker.getSymbolAtLocation(member.name);
        if (own === undefined || [...obvious].some((o) => String(own.escapedName).startsWith(o))) continue;
        // a discriminant: the alternatives are what is described
        if (ts.isPropertySignature(member) && member.type && ts.isLiteralTypeNode(member.type)) continue;
        if (flags & ts.ModifierFlags.Override || implemented(body, own.name)) continue;
        demand(own, `${name}.${own.name}`);
      }
    }
  }
}

/** Whether an interface that the class implements describes the member. */
function implemented(body, member) {
  if (!body.heritageClauses) return false;
  return body.heritageClauses.some((clause) =>
    clause.types.some((type) => {
      const property = checker.getTypeAtLocation(type).getProperty(member);
      return property !== undefined && isDescribed(property);
    }),
  );
}

/** What an export is where it is declared. */
const declared = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);

/** Whether an export is a class's type alone: `export type { Thing }`, also by way of another file. */
function isTypeOnly(symbol) {
  if (!(symbol.flags & ts.SymbolFlags.Alias)) return false;
  const written = symbol.declarations?.find(ts.isExportSpecifier);
  if (written && (written.isTypeOnly || written.parent.parent.isTypeOnly)) return true;
  return isTypeOnly(checker.getImmediateAliasedSymbol(symbol));
}

/** Functions, classes and constants by name; types are left to the API reference. */
const values = new Set();

function check(symbol, name) {
  const own = declared(symbol);
  if (!own.declarations?.some(isOurs)) return;
  if (own.flags & ts.SymbolFlags.Value && !isTypeOnly(symbol)) values.add(name);
  if (own.flags & ts.SymbolFlags.Module) {
    // `export * as name`: the names inside are public
    for (const inner of checker.getExportsOfModule(own)) check(inner, `${name}.${inner.name}`);
    return;
  }
  demand(own, name);
  checkMembers(own, name);
}

/** The names that `export type *` gives an entry: types, whatever they are at home. */
function typesAlone(source) {
  const stars = source.statements.filter((s) => ts.isExportDeclaration(s) && s.isTypeOnly && !s.exportClause);
  const modules = stars.map((s) => checker.getSymbolAtLocation(s.moduleSpecifier));
  return new Set(modules.flatMap((module) => checker.getExportsOfModule(module).map(({ name }) => name)));
}

const complaints = [];
for (const [{ folder, short }, entries] of sources) {
  values.clear();
  for (const entry of entries) {
    const source = program.getSourceFile(entry);
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
    for (const symbol of exported) check(symbol, symbol.name);
    for (const name of typesAlone(source)) values.delete(name);
  }
  const pages = [join(folder, 'README.md'), join(root, 'docs', 'packages', `${short}.md`)].filter(existsSync);
  const text = pages.map((page) => readFileSync(page, 'utf8')).join('\n');
  for (const name of untold(values, text)) complaints.push(`packages/${short}/README.md does not tell of ${name}`);
}

for (const [place, name] of [...missing].sort()) complaints.push(`${place} ${name} has no docstring`);
for (const line of complaints) console.log(line);
if (complaints.length > 0) {
  console.log(`${complaints.length} public names that nobody will find or understand`);
  process.exit(1);
}
