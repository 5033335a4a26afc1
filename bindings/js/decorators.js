'use strict';
// TypeScript with decorators (NestJS, TypeORM). They are more than types, and V8 does not know them,
// so such projects are compiled by the TypeScript that they have, with their tsconfig.json:
// experimentalDecorators and emitDecoratorMetadata mean there what they mean to their own build.

const { createRequire } = require('module');
const fs = require('fs');
const path = require('path');

// A line that begins with a decorator, or a parameter that does. Text that only looks so is compiled
// as well, which does no harm.
const DECORATED = /^[ \t]*@[A-Za-z_$]|[(,]\s*@[A-Za-z_$][\w$.]*\s*\(/m;
const EXPERIMENTAL = /"experimentalDecorators"\s*:\s*true/;

const compilers = new Map();  // by folder: { typescript, options }, or null
const decorating = new Map();  // by folder: whether all of its project is compiled
let uncompiled;                // a file with decorators whose project has no compiler

function compilerFor(folder) {
  let found = compilers.get(folder);
  if (found === undefined) {
    found = findCompiler(folder);
    compilers.set(folder, found);
  }
  return found;
}

function findCompiler(folder) {
  let typescript;
  try {
    typescript = createRequire(path.join(folder, 'any.js'))('typescript');
  } catch (error) {
    if (error?.code !== 'MODULE_NOT_FOUND') throw error;
    return null;
  }
  if (typeof typescript.transpileModule !== 'function') return null;  // TypeScript 7 has no such API
  const file = typescript.findConfigFile(folder, typescript.sys.fileExists);
  let options = {};
  if (file !== undefined) {
    const { config, error } = typescript.readConfigFile(file, typescript.sys.readFile);
    if (error !== undefined) throw problem(typescript, error);
    ({ options } = typescript.parseJsonConfigFileContent(config, typescript.sys, path.dirname(file)));
  }
  return { typescript, options };
}

// The files without decorators of such a project, too: where one is CommonJS and another a module,
// imports in circles fail that are fine in its build. Looked up without loading TypeScript.
function decorates(folder) {
  let answer = decorating.get(folder);
  if (answer === undefined) {
    const above = path.dirname(folder);
    try {
      answer = EXPERIMENTAL.test(fs.readFileSync(path.join(folder, 'tsconfig.json'), 'utf8'));
    } catch {
      answer = above !== folder && decorates(above);
    }
    decorating.set(folder, answer);
  }
  return answer;
}

function problem(typescript, { file, start, messageText }) {
  const message = typescript.flattenDiagnosticMessageText(messageText, '\n');
  const error = new SyntaxError(message);
  if (file !== undefined) {
    const { line, character } = file.getLineAndCharacterOfPosition(start ?? 0);
    error.stack = `SyntaxError: ${message}\n    at ${file.fileName}:${line + 1}:${character + 1}`;
  }
  return error;
}

// As the project's build decides it: paths without extensions and imports in circles may be fine in
// CommonJS alone.
function moduleKind(typescript, { module }, declared) {
  const { CommonJS, Node16, NodeNext, ESNext } = typescript.ModuleKind;
  if (declared === 'module') return ESNext;
  const byPackage = module >= Node16 && module <= NodeNext;
  return declared === 'commonjs' || byPackage || module === CommonJS ? CommonJS : ESNext;
}

/** The JavaScript of a file of such a project; undefined: it has no decorators, or no compiler.
 *  `declared` is what the file's name or package.json says it is: 'module', 'commonjs' or nothing. */
function compile(source, file, declared) {
  const folder = path.dirname(file);
  if (!DECORATED.test(source) && !decorates(folder)) return undefined;
  const found = compilerFor(folder);
  if (found === null) {
    uncompiled = file;
    return undefined;
  }
  const { typescript, options: { moduleResolution: _, ...options } } = found;
  const { outputText, diagnostics } = typescript.transpileModule(source, {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: {
      ...options,
      target: Math.min(options.target ?? Infinity, typescript.ScriptTarget.ES2022),
      module: moduleKind(typescript, options, declared),
      noEmit: false, emitDeclarationOnly: false, declaration: false, composite: false,
      incremental: false, sourceMap: false, inlineSourceMap: true, inlineSources: true,
    },
  });
  const wrong = diagnostics.find(({ category, file: place }) =>
    place !== undefined && category === typescript.DiagnosticCategory.Error);
  if (wrong !== undefined) throw problem(typescript, wrong);
  process.setSourceMapsEnabled(true);
  return outputText;
}

/** What to do about a decorator that nobody has compiled: V8 calls it an unexpected token. */
function hintFor(error) {
  if (uncompiled === undefined || !(error instanceof SyntaxError)) return undefined;
  return `decorators are compiled by the project's own TypeScript: in ${path.dirname(uncompiled)} run: ` +
    'npm install --save-dev typescript@6; or serve what the project\'s build makes (dist/main.js)';
}

Object.assign(exports, { compile, hintFor });
