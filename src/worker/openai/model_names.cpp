#include "worker/openai/model_names.h"

#include <algorithm>

namespace worker {

Checked check_model(std::string_view model, const ModelNames& names) {
    if (names.any || std::ranges::find(names.names, model) != names.names.end()) return {};
    return tl::make_unexpected(model_not_found(model));
}

}  // namespace worker
