// llm-worker-rbee: one language model behind HTTP. The parts of a worker in the order of its life;
// leaving `serve` ends them in the opposite order.
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "llama/library.h"
#include "llm/api/native_routes.h"
#include "llm/api/text_service.h"
#include "llm/batching/text_backend.h"
#include "llm/model_loading.h"
#include "llm/settings.h"
#include "worker/app/config.h"
#include "worker/app/lifecycle.h"
#include "worker/base/ids.h"
#include "worker/http/server.h"
#include "worker/http/status_routes.h"
#include "worker/metrics/metrics.h"
#include "worker/scheduler/codec_thread.h"
#include "worker/scheduler/engine_host.h"

namespace llm {
namespace {

constexpr const char* program_name = "llm-worker-rbee";
// Long requests that may wait for the codec thread: each holds its body.
constexpr std::size_t codec_waiting_max = 64;

worker::ModelPlaces model_places(const worker::Environment& environment) {
    worker::ModelPlaces places;
    places.home = environment.variable("HOME").value_or("/");
    places.model_base_dir = environment.variable("RBEE_MODEL_BASE_DIR");
    places.hf_home = environment.variable("HF_HOME");
    return places;
}

worker::HttpSettings http_settings(const worker::Config& config) {
    worker::HttpSettings settings;
    settings.host = config.host;
    settings.port = config.port;
    settings.limits.body_bytes = config.body_bytes_max;
    settings.limits.connections = config.connections_max;
    settings.check_host = config.api_tokens.empty();
    return settings;
}

int fail_to_start(const worker::Error& error) {
    std::fprintf(stderr, "error: %s\n", worker::wire_message(error).c_str());
    return 1;
}

int serve(const worker::Config& config, const TextSettings& text,
          const worker::Environment& environment) {
    worker::SystemClock clock;
    worker::Log log(config.log_format, config.log_level);
    worker::Narrator narrator(log, clock);
    worker::Metrics metrics(config.model_ref);
    worker::StatusBoard board;
    boost::asio::io_context io(1);
    for (const std::string& warning : config.warnings)
        log.write(worker::LogLevel::warn, warning);

    worker::Router router;
    auto server = worker::HttpServer::bind(io.get_executor(), http_settings(config), router, log);
    if (!server) return fail_to_start(server.error());
    const std::uint16_t port = (*server)->port();
    narrator.narrate({.actor = "http-server",
                      .action = "server_bind",
                      .target = config.host + ":" + std::to_string(port),
                      .human = "Listens on http://" + config.host + ":" + std::to_string(port)});

    worker::StatusSources sources{
        .board = board,
        .clock = clock,
        .metrics = metrics,
        .narrator = narrator,
        .started = clock.now(),
        .identity = {.worker_id = config.worker_id.empty()
                                      ? "worker-" + std::to_string(port) + "-" +
                                            worker::random_hex(8)
                                      : config.worker_id,
                     .model_ref = config.model_ref,
                     .implementation = program_name,
                     .version = RBEE_VERSION,
                     .port = port},
        .model = {}};

    llama::Library library(
        [&log](worker::LogLevel level, std::string_view line) { log.write(level, line); });
    ModelLoading loading(config, model_places(environment), library, narrator);
    TextBackend backend(
        [&loading](const worker::LoadObserver& observer, const std::atomic<bool>& interrupted) {
            return loading.load(observer, interrupted);
        },
        clock);
    worker::EngineHost<GenerateJob, TextOutput> engine(
        {.io = io.get_executor(),
         .backend = backend,
         .board = board,
         .clock = clock,
         .metrics = metrics,
         .narrator = narrator},
        {.queue_max = config.queue_max()}, config.parallel);
    worker::CodecThread codec(io.get_executor(), codec_waiting_max);
    TextService service{.scheduler = engine.scheduler(),
                        .codec = codec,
                        .board = board,
                        .clock = clock,
                        .model_ref = config.model_ref,
                        .request_timeout = config.request_timeout};
    worker::add_status_routes(router, sources);
    add_native_routes(router, service,
                      {.prompt_chars_max = text.prompt_chars_max,
                       .output_tokens_max = text.output_tokens_max});

    narrator.narrate({.actor = program_name,
                      .action = "startup",
                      .target = config.model_ref,
                      .human = "Starts version " RBEE_VERSION});
    worker::Lifecycle life({.io = io,
                            .server = **server,
                            .engine = engine,
                            .board = board,
                            .clock = clock,
                            .narrator = narrator,
                            .log = log},
                           config.drain_timeout);
    life.on_ready = [&] {
        const LoadReport& report = loading.report();
        sources.model = {.device = report.device,
                         .context_length = report.capabilities.context_max,
                         .details = info_details(report, config)};
        service.model = {.vocabulary = backend.vocabulary(),
                         .context_max = report.capabilities.context_max};
    };
    return life.run();
}

int run(const std::vector<std::string>& arguments) {
    const worker::Environment environment = worker::process_environment();
    TextSettings text;
    const auto invocation = worker::parse_invocation(
        arguments, environment,
        {.name = program_name,
         .version = RBEE_VERSION,
         .summary = "Serves one language model over HTTP.",
         .flags = {text_flags(text)}});
    if (!invocation) return fail_to_start(invocation.error());
    if (invocation->action == worker::Action::print_and_exit) {
        std::fputs(invocation->output.c_str(), stdout);
        return 0;
    }
    return serve(invocation->config, text, environment);
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
