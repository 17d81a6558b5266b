#include "worker/contract/loading_progress.h"

namespace worker {

JsonObject to_json(const LoadingProgress& progress) {
    JsonObject object;
    object.add("stage", progress.stage)
        .add("layers_loaded", progress.layers_loaded)
        .add("layers_total", progress.layers_total)
        .add("vram_mb", progress.vram_mb)
        .add("percent", progress.percent)
        .add("eta_ms", progress.eta_ms);
    return object;
}

}  // namespace worker
