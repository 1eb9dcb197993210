// Every public name of every package, and every field and method of its options, results and classes, says in a sentence
// what it is: editors and the API reference show nothing else.
// usage: node scripts/docstrings.mjs
import { join, relative } from 'node:path';
import ts from 'typescript';
import { packages } from './lib/packages.mjs';
import { root } from './lib/run.mjs';

/** Members whose names say all. */
const obvious = new Set(['dispose', '__@dispose']);

const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
const entries = packages().map((one) => join(one.folder, 'src', 'index.ts'));
const program = ts.createProgram(entries, options);
const checker = program.getTypeChecker();

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

function check(symbol, name) {
  const own = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  if (!own.declarations?.some(isOurs)) return;
  if (own.flags & ts.SymbolFlags.Module) {
    // `export * as name`: the names inside are public
    for (const inner of checker.getExportsOfModule(own)) check(inner, `${name}.${inner.name}`);
    return;
  }
  demand(own, name);
  checkMembers(own, name);
}

for (const entry of entries) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  for (const symbol of checker.getExportsOfModule(module)) check(symbol, symbol.name);
}

for (const [place, name] of [...missing].sort()) console.log(`${place} ${name} has no docstring`);
if (missing.size > 0) {
  console.log(`${missing.size} public names without a docstring`);
  process.exit(1);
}
