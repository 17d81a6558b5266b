#include "worker/app/process.h"

#include "worker/app/model_places.h"
#include "worker/app/service_notifier.h"
#include "worker/hugging_face/servable_files.h"
#include "worker/narration/narrator.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <utility>

namespace worker {
namespace {

int check(const Invocation& invocation, const Environment& environment) {
    std::fputs(invocation.output.c_str(), stdout);
    const auto found = resolve_model(invocation.config.model, model_places(environment));
    if (!found) return cannot_start(found.error());
    const auto files = files_to_read(*found);
    if (!files) return cannot_start(files.error());
    std::fputs("\n# The model's files:\n", stdout);
    for (const auto& file : *files) std::fprintf(stdout, "#   %s\n", file.c_str());
    return 0;
}

int serve(const Config& config, const Environment& environment, const BoundModality& modality,
          std::function<Result<Config>()> reload) {
    const SystemClock clock;
    Log log(config.log_format, config.log_level);
    const Program& program = modality.program;
    Narrator narrator(log, clock, program.name);
    narrator.narrate({.action = "startup",
                      .target = config.model_ref,
                      .human = "Starts version " + program.version});
    for (const std::string& warning : config.warnings) log.write(LogLevel::warn, warning);
    const ServiceNotifier notifier(environment);
    return modality.serve({.daemon = {.config = config,
                                      .log = log,
                                      .clock = clock,
                                      .narrator = narrator,
                                      .notifier = notifier,
                                      .program = program.name,
                                      .version = program.version,
                                      .reload = std::move(reload)},
                           .places = model_places(environment)});
}

int run(const std::vector<std::string>& arguments, const Environment& environment,
        const BoundModality& modality) {
    const auto invocation = parse_invocation(arguments, environment, modality.program);
    if (!invocation) return cannot_start(invocation.error());
    switch (invocation->action) {
        case Action::print_and_exit: std::fputs(invocation->output.c_str(), stdout); return 0;
        case Action::check: return check(*invocation, environment);
        case Action::serve: break;
    }
    return serve(invocation->config, environment, modality, [&]() -> Result<Config> {
        auto again = parse_invocation(arguments, environment, modality.again);
        if (!again) return fail(again.error());
        return std::move(again->config);
    });
}

}  // namespace

int run_process(const std::vector<std::string>& arguments, const Environment& environment,
                const BoundModality& modality) {
    try {
        return run(arguments, environment, modality);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}

int cannot_start(const Error& error) {
    std::fprintf(stderr, "error: %s\n", wire_message(error).c_str());
    return error.code == ErrorCode::usage_invalid ? 2 : 1;
}

void print_address(const std::string& host, std::uint16_t port) {
    const std::string line = "http://" + host + ":" + std::to_string(port) + "\n";
    pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&out, 1, 0) != 1 || out.revents != POLLOUT) return;
    [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, line.data(), line.size());
}

}  // namespace worker
