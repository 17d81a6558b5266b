#include "worker/contract/readiness.h"

namespace worker {

JsonObject to_json(const Readiness& readiness) {
    JsonObject object;
    object.add("ready", readiness.ready).add("state", readiness.state);
    if (readiness.model_loaded) {
        object.add("model_loaded", true);
    } else if (!readiness.error) {
        object.add("progress_url", "/v1/loading/progress");
    }
    if (readiness.error) {
        object.add("error", JsonObject()
                                .add("code", traits(readiness.error->code).wire_name)
                                .add("message", wire_message(*readiness.error)));
    }
    return object;
}

}  // namespace worker
