#pragma once

#include "worker/app/config.h"
#include "worker/model_file/resolve.h"

namespace worker {

// Where models and copies of them may lie, as the environment has it.
// Source: XDG Base Directory Specification: a relative XDG_CACHE_HOME is none.
ModelPlaces model_places(const Environment& environment);

}  // namespace worker
