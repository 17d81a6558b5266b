// llm-worker-rbee: one language model behind HTTP.
#include "llama/library.h"
#include "llm/model_loading.h"
#include "llm/settings.h"
#include "llm/text_worker.h"
#include "worker/app/config.h"
#include "worker/app/model_places.h"
#include "worker/hugging_face/servable_files.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace llm {
namespace {

// Returns the exit code.
int cannot_start(const worker::Error& error) {
    std::fprintf(stderr, "error: %s\n", worker::wire_message(error).c_str());
    return error.code == worker::ErrorCode::usage_invalid ? 2 : 1;
}

int check(const worker::Invocation& invocation, const worker::Environment& environment) {
    std::fputs(invocation.output.c_str(), stdout);
    const auto found =
        worker::resolve_model(invocation.config.model, worker::model_places(environment));
    if (!found) return cannot_start(found.error());
    const auto files = worker::files_to_read(*found);
    if (!files) return cannot_start(files.error());
    std::puts("\n# The model's files:");
    for (const auto& file : *files) std::printf("#   %s\n", file.c_str());
    return 0;
}

// For whoever asked for any free port. A stdout that nobody reads must not hold up the start.
void print_address(const std::string& host, std::uint16_t port) {
    const std::string line = "http://" + host + ":" + std::to_string(port) + "\n";
    pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&out, 1, 0) != 1 || out.revents != POLLOUT) return;
    [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, line.data(), line.size());
}

// What `serve` is given beside the settings.
struct Outside {
    const worker::Environment& environment;
    std::function<Result<worker::Config>()> reload;
};

int serve(const worker::Config& config, const TextSettings& settings, const Outside& outside) {
    worker::SystemClock clock;
    worker::Log log(config.log_format, config.log_level);
    worker::Narrator narrator(log, clock);
    narrator.narrate({.actor = program_name,
                      .action = "startup",
                      .target = config.model_ref,
                      .human = std::string("Starts version ") + program_version});
    for (const std::string& warning : config.warnings) log.write(worker::LogLevel::warn, warning);

    // libllama warns of what is meant here, such as more cells than one context needs.
    llama::Library library([&log](worker::LogLevel level, std::string_view line) {
        log.write(level < worker::LogLevel::error ? worker::LogLevel::debug : level, line);
    });
    const worker::ServiceNotifier notifier(outside.environment);
    ModelLoading loading({.config = config,
                          .settings = settings,
                          .places = worker::model_places(outside.environment),
                          .library = library,
                          .narrator = narrator,
                          .log = log});
    const auto worker = TextWorker::bind(config, settings,
                                         {.log = log,
                                          .clock = clock,
                                          .narrator = narrator,
                                          .notifier = notifier,
                                          .loader =
                                              [&loading](const worker::LoadObserver& observer,
                                                         const std::atomic<bool>& interrupted) {
                                                  return loading.load(observer, interrupted);
                                              },
                                          .served_model = [&] { return loading.served_model(); },
                                          .reload = outside.reload});
    if (!worker) return cannot_start(worker.error());
    if (config.port == 0) print_address(config.host, (*worker)->port());
    return (*worker)->run();
}

Result<worker::Invocation> read_settings(const std::vector<std::string>& arguments,
                                         const worker::Environment& environment,
                                         TextSettings& settings) {
    return worker::parse_invocation(arguments, environment,
                                    {.name = program_name,
                                     .version = program_version,
                                     .summary = "Serves one language model over HTTP.",
                                     .flags = {text_flags(settings)}});
}

int run(const std::vector<std::string>& arguments) {
    const worker::Environment environment = worker::process_environment();
    TextSettings settings;
    const auto invocation = read_settings(arguments, environment, settings);
    if (!invocation) return cannot_start(invocation.error());
    if (invocation->action == worker::Action::print_and_exit) {
        std::fputs(invocation->output.c_str(), stdout);
        return 0;
    }
    if (invocation->action == worker::Action::check) return check(*invocation, environment);
    const auto reload = [&]() -> Result<worker::Config> {
        TextSettings unused;  // What concerns text is not read again.
        auto again = read_settings(arguments, environment, unused);
        if (!again) return worker::fail(again.error());
        return std::move(again->config);
    };
    return serve(invocation->config, settings, {environment, reload});
}

}  // namespace
}  // namespace llm

int main(int argc, char** argv) {
    try {
        return llm::run({argv, argv + argc});
    } catch (const std::exception& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}
