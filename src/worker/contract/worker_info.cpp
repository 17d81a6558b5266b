#include "worker/contract/worker_info.h"

namespace worker {

JsonObject to_json(const WorkerInfo& worker) {
    JsonObject object;
    object.add("id", worker.id)
        .add("model_id", worker.model_id)
        .add("device", worker.device)
        .add("port", worker.port)
        .add("status", wire_name(worker.status))
        .add("implementation", worker.implementation)
        .add("version", worker.version);
    return object;
}

}  // namespace worker
