#include "worker/contract/ready_callback.h"

namespace worker {

JsonObject to_json(const ReadyCallback& callback) {
    JsonObject object;
    object.add("worker_id", callback.worker_id)
        .add("url", callback.url)
        .add("model_ref", callback.model_ref)
        .add("backend", callback.backend)
        .add("device", callback.device)
        .add("vram_bytes", callback.vram_bytes);
    return object;
}

}  // namespace worker
