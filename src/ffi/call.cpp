#include "ffi/call.h"

namespace ffi {

using worker::ErrorCode;

worker::Result<std::string> call(const std::function<rbee_outcome(rbee_text*)>& function) {
    rbee_text text = {};
    const rbee_outcome outcome = function(&text);
    std::string answer(text.bytes, text.size);
    rbee_text_free(text);
    if (outcome == rbee_done) return answer;
    if (outcome == rbee_refused) return worker::fail(ErrorCode::invalid_request, std::move(answer));
    return worker::fail(ErrorCode::internal, "a library failed: " + answer);
}

}  // namespace ffi
