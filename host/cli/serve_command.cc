// `duet serve`: what it takes. What it does is in serve.cc.
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "host/base/log.h"
#include "host/cli/command.h"
#include "host/cli/debug_options.h"
#include "host/cli/interpreter.h"
#include "host/cli/load_config.h"
#include "host/cli/python_choice.h"
#include "host/cli/serve.h"
#include "host/cli/serve_watched.h"

namespace duet::cli {

namespace {

constexpr HelpRow kExamples[] = {
    {"duet serve hello.mjs", "at / and everything below"},
    {"duet serve hello.mjs hello.py", "at /hello.mjs and /hello.py"},
    {"duet serve main:app", "`app` of main.py: a handler, an ASGI or a WSGI application"},
    {"duet serve", "what ./duet.toml says"},
    {"duet serve --watch hello.mjs", "again after each change of a source file"},
    {"duet serve --listen 0.0.0.0:8080 hello.mjs", "for other machines too"},
    {"duet serve --listen unix:duet.sock hello.py", "on a unix socket"},
};

constexpr Option kAddresses[] = {
    {"listen", "ADDRESS",
     "Where to listen: 127.0.0.1:8000, [::1]:8000, unix:/run/duet.sock. Port 0 is any free one; "
     "the addresses are printed once requests are answered.",
     "0.0.0.0:$PORT when PORT is set, else 127.0.0.1:8000", true},
    {"admin", "ADDRESS", "Where /healthz, /readyz, /metrics and /api/handlers are, or off.",
     "127.0.0.1:9000, or a free port when that is taken"},
};

constexpr Option kHandlers[] = {
    {"deadline", "DURATION",
     "When a request that is not answered gets 504: 250ms, 30s, 1m, or off. For handlers that "
     "duet.toml gives none.",
     "30s"},
    {"body-limit", "SIZE",
     "The longest request body: 16KiB, 1MB; longer ones get 413. For handlers that duet.toml "
     "gives none.",
     "1MiB"},
    {"watch", "[=PATH]",
     "Start again whenever a source file changes below the folders of the handlers and duet.toml: "
     "JavaScript, TypeScript, Python, TOML, plug-ins, package.json, .env; not in node_modules or "
     "virtual environments. With PATH also when that file, or anything in that folder, does. "
     "Clients wait meanwhile. For development.",
     "", true},
    {"dev", "", "Show errors with their stacks to clients. Not for production."},
    {"env-file", "FILE",
     "Variables for the handlers, as NAME=value lines. The real environment wins.",
     ".env beside duet.toml or the handler, and in the current directory", true},
};

constexpr Option kDebuggers[] = {
    {"inspect", "[=[HOST:]PORT]",
     "Opens V8's inspector for Chrome DevTools and VS Code on the JavaScript handlers.",
     "127.0.0.1:9229"},
    {"inspect-wait", "[=[HOST:]PORT]",
     "The same, and loads no handler before one of them is attached.", ""},
    {"debugpy", "[=[HOST:]PORT]",
     "Has debugpy, from the Python environment, listen for VS Code on the Python handlers. A "
     "handler that calls debugpy.listen() itself needs no option.",
     "127.0.0.1:5678"},
    {"debugpy-wait", "[=[HOST:]PORT]",
     "The same, and loads no handler before a client is attached. While a debugger may attach, "
     "there are no deadlines. At a breakpoint of a handler that runs on the loop nothing else is "
     "answered, /healthz included; Ctrl-C twice stops.",
     ""},
};

constexpr Option kLogging[] = {
    {"log-format", "FORMAT", "auto, text or json.", "text on a terminal, else json"},
    {"log-level", "LEVEL", "The least that is logged: debug, info, warn or error.", "info"},
    kHelpOption,
};

constexpr OptionGroup kOptions[] = {{"Addresses", kAddresses},
                                    {"Handlers", kHandlers},
                                    {"Debuggers", kDebuggers},
                                    {"Logging and help", kLogging}};

constexpr HelpRow kArguments[] = {
    {"CONFIG.toml", "handlers and routes by configuration; ./duet.toml when nothing is named"},
    {"FILE", "a handler: .mjs, .js, .cjs, .ts (JavaScript), .py (Python), .so (native plug-in)"},
    {"MODULE:ATTRIBUTE",
     "an attribute of a Python module of the current directory or of the virtual environment: a "
     "handler, or an ASGI or WSGI application; MODULE:FACTORY() is called once at start"},
};

constexpr HelpRow kEnvironment[] = {
    {"PORT",
     "listen on 0.0.0.0:PORT, as hosting platforms expect it; overrules duet.toml, and "
     "--listen overrules it"},
    {"LISTEN_FDS",
     "with LISTEN_PID: sockets that systemd has opened for a .socket unit; those of the addresses "
     "above are used, and clients wait in them while duet starts again"},
    {"VIRTUAL_ENV", "the Python that is used; else a .venv beside the project, else python3"},
    {"DUET_LIBPYTHON",
     "when set, Python runs in its shared library even where the interpreter itself, which is "
     "faster, could be used: py-spy needs that"},
    {"NO_COLOR", "no colours"},
};

constexpr HelpSection kSections[] = {
    {"Arguments", kArguments, {}},
    {"duet.toml",
     {},
     "[server]\n"
     "listen = [\"127.0.0.1:8000\"]        # also admin, dev, deadline, env_file\n"
     "[handlers.hello]\n"
     "source = \"hello.mjs\"               # or hello.py, main:app, plugin.so\n"
     "deadline = \"2s\"                    # also blocking, body_limit, root,\n"
     "                                   # language, interface, root_path\n"
     "env = { GREETING = \"hello\" }       # what the handler gets as env\n"
     "[[routes]]\n"
     "path = \"/hello/{name}\"             # {rest...} or * takes the rest of a path\n"
     "methods = [\"GET\"]                  # all when absent\n"
     "handler = \"hello\"\n"
     "\n"
     "Also [server.limits] head, target, body, pipelined; [server.timeouts] head,\n"
     "body, keep_alive, shutdown; [server.websocket] message, buffered, ping,\n"
     "compression; [log] format, level.\n"
     "duet check shows every mistake in it."},
    {"Environment", kEnvironment, {}},
    {"Signals and exit codes",
     {},
     "SIGINT and SIGTERM: no new requests, those in flight are finished (for up to\n"
     "10 s, server.timeouts.shutdown), as is what a JavaScript application's own\n"
     "listeners of these signals do; a handler that still loads is interrupted. A\n"
     "second one stops at once.\n"
     "0 stopped, 1 configuration wrong or start failed, 2 command line wrong."},
};

constexpr OptionHint kHints[] = {
    {"port", "write --listen 127.0.0.1:PORT"},
    {"p", "write --listen 127.0.0.1:PORT"},
    {"host", "write --listen ADDRESS:PORT"},
    {"bind", "write --listen ADDRESS:PORT"},
    {"b", "write --listen ADDRESS:PORT"},
    {"uds", "write --listen unix:PATH"},
    {"config", "name the file without an option: duet serve duet.toml"},
    {"c", "name the file without an option: duet serve duet.toml"},
    {"reload", "did you mean '--watch'?"},
    {"hot", "did you mean '--watch'?"},
    {"reload-dir", "write --watch=FOLDER"},
    {"watch-path", "write --watch=PATH"},
    {"timeout", "did you mean '--deadline'?"},
    {"verbose", "write --log-level debug"},
    {"quiet", "write --log-level error"},
};

// As the child of `--watch` is to be started: with all but that.
std::vector<std::string> words_without_watch(const Arguments& arguments) {
  std::vector<std::string> words{"serve"};
  for (const auto& [name, value] : arguments.given()) {
    if (name == "watch") continue;
    words.push_back("--" + std::string(name) + (value.empty() ? "" : "=" + value));
  }
  words.emplace_back("--");
  words.insert(words.end(), arguments.positional().begin(), arguments.positional().end());
  return words;
}

int run(const Arguments& arguments) {
  config::LoadRequest request;
  request.sources = arguments.positional();
  request.listen = arguments.values("listen");
  request.admin = arguments.value("admin");
  request.deadline = arguments.value("deadline");
  request.body_limit = arguments.value("body-limit");
  request.env_files = arguments.values("env-file");
  request.log_format = arguments.value("log-format");
  request.log_level = arguments.value("log-level");
  request.dev = arguments.has("dev");
  if (arguments.has("watch")) {
    std::vector<std::string> named = arguments.values("watch");
    std::erase(named, "");
    return serve_watched(words_without_watch(arguments), request, named);
  }
  const Result<DebugOptions> debug = debug_options(arguments);
  if (!debug) {
    std::fprintf(stderr, "duet: error: %s\n", debug.error().to_string().c_str());
    return kExitUsage;
  }
  config::Diagnostics diagnostics;
  std::optional<config::Config> read = read_config(request, diagnostics);
  if (read && diagnostics.ok() && read->uses(config::Language::kPython)) {
    // What chooses the Python counts earlier than the rest of a .env.
    for (const auto& [name, value] : read->environment) {
      if (name == "VIRTUAL_ENV" || name == "PYENV_VERSION") setenv(name.c_str(), value.c_str(), 0);
    }
    continue_in_interpreter(project_directory(*read));
  }
  const std::optional<config::Config> config = said(std::move(read), diagnostics);
  if (!config) return kExitFailure;
  if (auto served = has_handlers(*debug, *config); !served) {
    std::fprintf(stderr, "duet: error: %s\n", served.error().to_string().c_str());
    return kExitUsage;
  }
  log::configure(config->server.log_format, config->server.log_level);
  for (const std::string& note : config->notes) log::info(note);
  return serve(*config, *debug);
}

}  // namespace

const Command kServeCommand = {"serve",
                               "answers requests with JavaScript and Python handlers",
                               "[CONFIG.toml | FILE... | MODULE:ATTRIBUTE...]",
                               kExamples,
                               kOptions,
                               kSections,
                               kHints,
                               static_cast<std::size_t>(-1),
                               run};

}  // namespace duet::cli
