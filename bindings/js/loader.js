'use strict';
// Loads a handler's module and finds the handler in it.

const vm = require('vm');
const path = require('path');
const fs = require('fs');
const Module = require('module');
const { pathToFileURL, fileURLToPath } = require('url');
const { Frame, setFrame } = use.frame;
const { asListener, serverFor, listening, hasWorkers } = use.nodeServer;

// import() as a module of the user's would call it: with Node's own loader.
const importModule = vm.runInThisContext('(specifier) => import(specifier)', {
  filename: 'duet:import',
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});

const TYPESCRIPT = /\.[mc]?ts$/;
const EXPECTED = 'a handler is `export default { fetch(request, env, ctx) { ... } }`, a ' +
  'default-exported function, or an application that calls listen() of Node\'s http';
const CLUSTER = 'the workers of cluster listen by themselves, and the host has no part in it: serve ' +
  'what a worker runs';

// amaro is a WebAssembly module of 4 MB that takes 0.1 s to start: only for TypeScript.
let amaro;

// Types become spaces, so that lines and columns stay what they are in the file. What is more than
// a type (enums, namespaces, parameter properties) is compiled, and a source map says the places.
function stripTypes(source, file) {
  if (amaro === undefined) {
    const module = { exports: {} };
    host.typescript(module.exports, require, module);
    amaro = module.exports;
  }
  try {
    return amaro.transformSync(source, { mode: 'strip-only' }).code;
  } catch (error) {
    if (error?.code !== 'UnsupportedSyntax') throw typescriptError(error, file);
  }
  try {
    const { code, map } = amaro.transformSync(source, {
      mode: 'transform', sourceMap: true, filename: file,
    });
    process.setSourceMapsEnabled(true);
    const data = Buffer.from(map).toString('base64');
    return `${code}\n//# sourceMappingURL=data:application/json;base64,${data}`;
  } catch (error) {
    throw typescriptError(error, file);
  }
}

function typescriptError(error, file) {
  if (error instanceof Error || typeof error?.message !== 'string') return error;
  const result = new SyntaxError(error.message);
  const place = `${file}:${error.startLine}:${error.startColumn + 1}`;
  result.stack = `SyntaxError: ${error.message}\n${error.snippet ?? ''}    at ${place}`;
  return result;
}

// As Node decides for JavaScript: the extension, the nearest package.json, then the syntax.
function formatOf(file, code) {
  return declaredFormat(file) ?? (isCommonJs(code) ? 'commonjs' : 'module');
}

function declaredFormat(file) {
  if (file.endsWith('.mts')) return 'module';
  if (file.endsWith('.cts')) return 'commonjs';
  const found = Module.findPackageJSON(pathToFileURL(file));
  if (found !== undefined) {
    try {
      const { type } = JSON.parse(fs.readFileSync(found, 'utf8'));
      if (type === 'module' || type === 'commonjs') return type;
    } catch {
      // An unreadable package.json is reported by Node when something resolves through it.
    }
  }
  return undefined;
}

// Does it compile as the body of a function? `import`, `export`, and `await` outside of one do not.
function isCommonJs(code) {
  try {
    vm.compileFunction(code, ['exports', 'require', 'module', '__filename', '__dirname']);
    return true;
  } catch {
    return false;  // a mistake, perhaps: Node says it when it loads the module
  }
}

function hookTypeScript() {
  Module.registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        // `import './x.js'` and `import './x'` mean x.ts to TypeScript's own resolution.
        if (!specifier.startsWith('.') || !TYPESCRIPT.test(plain(context.parentURL))) throw error;
        for (const other of [specifier.replace(/\.([mc]?)js$/, '.$1ts'), `${specifier}.ts`,
          `${specifier}/index.ts`]) {
          if (other === specifier) continue;
          try {
            return next(other, context);
          } catch {
            // The next spelling; the first error says best what is missing.
          }
        }
        throw error;
      }
    },
    load(url, context, next) {
      if (!url.startsWith('file:') || !TYPESCRIPT.test(plain(url))) return next(url, context);
      const file = fileURLToPath(url);
      const text = fs.readFileSync(file, 'utf8');
      const compiled = use.decorators.compile(text, file, declaredFormat(file));
      const source = compiled ?? stripTypes(text, file);
      return { format: formatOf(file, source), source, shortCircuit: true };
    },
  });
}

function plain(url) {
  return url === undefined ? '' : url.replace(/[?#].*$/, '');
}

// Each handler gets a module of its own: the second one of a file is another instance of it.
// (What that module imports is shared, as it is between any two modules.)
const loadedTimes = new Map();

function urlFor(file) {
  const times = loadedTimes.get(file) ?? 0;
  loadedTimes.set(file, times + 1);
  const url = pathToFileURL(file);
  if (times > 0) {
    url.searchParams.set('duet', times + 1);
    delete Module._cache[file];  // CommonJS knows files, not URLs
  }
  return url.href;
}

/** Loads the handler's module: resolves to { target, shape }; target.fetch(...) is the handler. */
async function load(handler, file) {
  if (!fs.existsSync(file)) {
    throw withHint(new Error(`There is no file ${file}`), 'check the path');
  }
  // Whatever the module starts (timers, connections) belongs to the handler, not to a request.
  setFrame(new Frame(0, handler));
  let namespace;
  try {
    namespace = await importModule(urlFor(file));
    return await findHandler(handler, namespace, file);
  } catch (error) {
    throw explained(error, file);
  } finally {
    setFrame(undefined);
  }
}

async function findHandler(handler, namespace, file) {
  let found = namespace.default;
  // CommonJS that was compiled from a module: exports.default is inside module.exports.
  if (found?.__esModule && found.default !== undefined) found = found.default;
  // A server that listens already is what `node file` would run.
  const listener = handler.server === undefined ? await asListener(found) : undefined;
  if (listener !== undefined) handler.server = serverFor(listener);
  if (listener !== undefined || (handler.server !== undefined && !hasFetch(found))) {
    return { target: handler.server, shape: 'node' };
  }
  if (typeof found === 'function' && !isClass(found)) {
    return { target: { fetch: found }, shape: 'fetch' };
  }
  if (hasFetch(found)) return { target: found, shape: 'fetch' };
  const exportsNothing = found === undefined || ('module.exports' in namespace && isEmpty(found));
  const names = Object.keys(namespace).filter((name) =>
    !['default', 'module.exports', '__esModule'].includes(name));
  // An application that is still starting (bootstrap() of NestJS) listens when it is through.
  if (exportsNothing && names.length === 0 && await listening(handler)) {
    return { target: handler.server, shape: 'node' };
  }
  const what = exportsNothing
    ? `${path.basename(file)} has no default export` +
      (names.length > 0 ? `; it exports ${names.join(', ')}` : ', and let no server listen')
    : `The default export of ${path.basename(file)} is ${isClass(found) ? 'a class' :
      describe(found)}`;
  throw withHint(placed(new TypeError(what), file), exportsNothing && hasWorkers() ? CLUSTER : EXPECTED);
}

function hasFetch(value) {
  return typeof value === 'object' && value !== null && typeof value.fetch === 'function';
}

// What a CommonJS module exports that exports nothing.
function isEmpty(value) {
  return typeof value === 'object' && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0;
}

function isClass(value) {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function describe(value) {
  if (value === null) return 'null';
  if (typeof value === 'object') return 'an object without a fetch method';
  return `a ${typeof value}`;
}

function placed(error, file) {
  error.stack = `${error.name}: ${error.message}\n    at ${file}:1:1`;
  return error;
}

function withHint(error, hint) {
  error.hint = hint;
  return error;
}

// Adds what to do about the errors that people meet when they load a module.
function explained(error, file) {
  if (typeof error !== 'object' || error === null) return error;
  const { code, message } = error;
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    const name = /Cannot find (?:package|module) '([^'./][^']*)'/.exec(message)?.[1];
    if (name !== undefined && !path.isAbsolute(name)) {
      const parts = name.split('/');
      const packageName = name.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
      return withHint(error, `in ${path.dirname(file)} run: npm install ${packageName}`);
    }
  } else if (code === 'ERR_DLOPEN_FAILED' && /NODE_MODULE_VERSION/.test(message)) {
    const addon = /module '([^']*)'/.exec(message)?.[1] ?? '';
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(addon)?.[1] ?? '';
    return withHint(error, `the addon was built for another Node: in ${path.dirname(file)} run: ` +
      `npm rebuild ${name} --target=${process.versions.node}`);
  }
  const hint = use.decorators.hintFor(error);
  return hint === undefined ? error : withHint(error, hint);
}

exports.load = load;
exports.hookTypeScript = hookTypeScript;
