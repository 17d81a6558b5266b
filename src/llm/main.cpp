// llm-worker-rbee: one language model behind HTTP.
#include "llama/library.h"
#include "llm/model_loading.h"
#include "llm/settings.h"
#include "llm/text_worker.h"
#include "worker/app/config.h"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace llm {
namespace {

worker::ModelPlaces model_places(const worker::Environment& environment) {
    worker::ModelPlaces places;
    places.home = environment.variable("HOME").value_or("/");
    places.model_base_dir = environment.variable("RBEE_MODEL_BASE_DIR");
    places.hf_home = environment.variable("HF_HOME");
    return places;
}

int cannot_start(const worker::Error& error) {
    std::fprintf(stderr, "error: %s\n", worker::wire_message(error).c_str());
    return 1;
}

int serve(const worker::Config& config, const TextSettings& settings,
          const worker::Environment& environment) {
    worker::SystemClock clock;
    worker::Log log(config.log_format, config.log_level);
    worker::Narrator narrator(log, clock);
    narrator.narrate({.actor = program_name,
                      .action = "startup",
                      .target = config.model_ref,
                      .human = std::string("Starts version ") + program_version});
    for (const std::string& warning : config.warnings) log.write(worker::LogLevel::warn, warning);

    llama::Library library(
        [&log](worker::LogLevel level, std::string_view line) { log.write(level, line); });
    ModelLoading loading(config, model_places(environment), library, narrator);
    const auto worker =
        TextWorker::bind(config, settings,
                         {.log = log,
                          .clock = clock,
                          .narrator = narrator,
                          .loader =
                              [&loading](const worker::LoadObserver& observer,
                                         const std::atomic<bool>& interrupted) {
                                  return loading.load(observer, interrupted);
                              },
                          .served_model = [&] { return served_model(loading.report(), config); }});
    if (!worker) return cannot_start(worker.error());
    return (*worker)->run();
}

int run(const std::vector<std::string>& arguments) {
    const worker::Environment environment = worker::process_environment();
    TextSettings settings;
    const auto invocation =
        worker::parse_invocation(arguments, environment,
                                 {.name = program_name,
                                  .version = program_version,
                                  .summary = "Serves one language model over HTTP.",
                                  .flags = {text_flags(settings)}});
    if (!invocation) return cannot_start(invocation.error());
    if (invocation->action == worker::Action::print_and_exit) {
        std::fputs(invocation->output.c_str(), stdout);
        return 0;
    }
    return serve(invocation->config, settings, environment);
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
