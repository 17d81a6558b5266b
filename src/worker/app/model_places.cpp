#include "worker/app/model_places.h"

namespace worker {

ModelPlaces model_places(const Environment& environment) {
    ModelPlaces places;
    places.home = environment.variable("HOME").value_or("/");
    places.model_base_dir = environment.variable("RBEE_MODEL_BASE_DIR");
    places.hf_home = environment.variable("HF_HOME");
    const std::filesystem::path cache = environment.variable("XDG_CACHE_HOME").value_or("");
    if (cache.is_absolute()) places.cache_home = cache;
    return places;
}

}  // namespace worker
