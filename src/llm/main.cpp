// llm-worker-rbee: one language model behind HTTP.
#include "llama/library.h"
#include "llama/loading/loading.h"
#include "llm/model_loading.h"
#include "llm/settings.h"
#include "llm/text_worker.h"
#include "worker/app/process.h"

namespace llm {
namespace {

worker::Program program(TextSettings& settings) {
    return {.name = "llm-worker-rbee",
            .version = RBEE_VERSION,
            .summary = "Serves one language model over HTTP.",
            .flags = text_flags(settings),
            .check = [&settings](const worker::Config& config, const worker::SourceOf& source_of) {
                return check_settings({config, settings}, source_of);
            }};
}

int serve(const TextSettings& settings, const worker::Outside& outside) {
    llama::Library library(llama::log_to(outside.daemon.log));
    ModelLoading loading(outside, settings, library);
    return worker::run_bound(
        outside.daemon.config,
        TextWorker::bind(settings, {.daemon = outside.daemon,
                                    .loader =
                                        [&](const worker::LoadObserver& observer,
                                            const std::atomic<bool>& interrupted) {
                                            return loading.load(observer, interrupted);
                                        },
                                    .served_model = [&] { return loading.served_model(); }}));
}

}  // namespace
}  // namespace llm

int main(int argc, char** argv) {
    return worker::run_process<llm::TextSettings>(argc, argv, {llm::program, llm::serve});
}
