#pragma once

#include "ffi/rbee_ffi.h"
#include "worker/base/result.h"

#include <functional>
#include <string>
#include <string_view>

namespace ffi {

inline rbee_view view(std::string_view text) {
    return {text.data(), text.size()};
}

// What a call to the Rust side answers. Errors: invalid_request with its reason, internal where it
// panicked.
worker::Result<std::string> call(const std::function<rbee_outcome(rbee_text*)>& function);

}  // namespace ffi
