// embedding-worker-rbee: one embedding model behind HTTP.
#include "embedding/embedding_loading.h"
#include "embedding/embedding_worker.h"
#include "embedding/settings.h"
#include "llama/library.h"
#include "llama/loading/loading.h"
#include "worker/app/flag.h"
#include "worker/app/process.h"

namespace embedding {
namespace {

worker::Program program(EmbeddingSettings& settings) {
    return {.name = "embedding-worker-rbee",
            .version = RBEE_VERSION,
            .summary = "Serves one embedding model over HTTP.",
            .flags = {embedding_flags(settings)}};
}

int serve(const EmbeddingSettings& settings, const worker::Outside& outside) {
    llama::Library library(llama::log_to(outside.daemon.log));
    EmbeddingLoading loading(outside, library);
    return worker::run_bound(
        outside.daemon.config,
        EmbeddingWorker::bind(settings, {.daemon = outside.daemon,
                                         .loader =
                                             [&](const worker::LoadObserver& observer,
                                                 const std::atomic<bool>& interrupted) {
                                                 return loading.load(observer, interrupted);
                                             },
                                         .served_model = [&] { return loading.served_model(); }}));
}

}  // namespace
}  // namespace embedding

int main(int argc, char** argv) {
    return worker::run_process<embedding::EmbeddingSettings>(
        argc, argv, {embedding::program, embedding::serve});
}
